// Mathematical functions: the C library's, under CUDA's names.
//
// The fast ones (__expf and the like) are exact here: on a GPU they differ in the last bits.
#pragma once

// name(double), namef(float) and the overload name(float)
#define EMULATOR_MATH1(name)         \
    extern "C" double name(double);  \
    extern "C" float name##f(float); \
    inline float name(float x) { return name##f(x); }
#define EMULATOR_MATH2(name)                \
    extern "C" double name(double, double); \
    extern "C" float name##f(float, float); \
    inline float name(float x, float y) { return name##f(x, y); }

EMULATOR_MATH1(sqrt)
EMULATOR_MATH1(cbrt)
EMULATOR_MATH1(exp)
EMULATOR_MATH1(exp2)
EMULATOR_MATH1(expm1)
EMULATOR_MATH1(log)
EMULATOR_MATH1(log2)
EMULATOR_MATH1(log10)
EMULATOR_MATH1(log1p)
EMULATOR_MATH1(sin)
EMULATOR_MATH1(cos)
EMULATOR_MATH1(tan)
EMULATOR_MATH1(asin)
EMULATOR_MATH1(acos)
EMULATOR_MATH1(atan)
EMULATOR_MATH1(sinh)
EMULATOR_MATH1(cosh)
EMULATOR_MATH1(tanh)
EMULATOR_MATH1(erf)
EMULATOR_MATH1(erfc)
EMULATOR_MATH1(floor)
EMULATOR_MATH1(ceil)
EMULATOR_MATH1(trunc)
EMULATOR_MATH1(round)
EMULATOR_MATH1(rint)
EMULATOR_MATH1(fabs)
EMULATOR_MATH2(pow)
EMULATOR_MATH2(atan2)
EMULATOR_MATH2(fmod)
EMULATOR_MATH2(fmin)
EMULATOR_MATH2(fmax)
EMULATOR_MATH2(fdim)
EMULATOR_MATH2(hypot)
EMULATOR_MATH2(copysign)

extern "C" double fma(double, double, double);
extern "C" float fmaf(float, float, float);
inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
inline float pow(float x, int n) { return powf(x, (float)n); }
inline double pow(double x, int n) { return pow(x, (double)n); }

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float rsqrt(float x) { return rsqrtf(x); }
inline float rcbrtf(float x) { return 1.0f / cbrtf(x); }
inline void sincosf(float x, float *s, float *c) { *s = sinf(x), *c = cosf(x); }
inline void sincos(double x, double *s, double *c) { *s = sin(x), *c = cos(x); }
inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isnan(double x) { return __builtin_isnan(x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isinf(double x) { return __builtin_isinf(x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline bool isfinite(double x) { return __builtin_isfinite(x); }
inline bool signbit(float x) { return __builtin_signbit(x); }
inline bool signbit(double x) { return __builtin_signbit(x); }

inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return powf(10.0f, x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __tanf(float x) { return tanf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

// Rounded once each, and never fused with a neighbour: each result is stored before it is used.
#define EMULATOR_ROUNDED(name, T, expression) \
    inline T name(T x, T y) {                 \
        volatile T result = expression;       \
        return result;                        \
    }
EMULATOR_ROUNDED(__fadd_rn, float, x + y)
EMULATOR_ROUNDED(__fsub_rn, float, x - y)
EMULATOR_ROUNDED(__fmul_rn, float, x *y)
EMULATOR_ROUNDED(__fdiv_rn, float, x / y)
EMULATOR_ROUNDED(__dadd_rn, double, x + y)
EMULATOR_ROUNDED(__dsub_rn, double, x - y)
EMULATOR_ROUNDED(__dmul_rn, double, x *y)
EMULATOR_ROUNDED(__ddiv_rn, double, x / y)
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline float __frsqrt_rn(float x) { return (float)(1.0 / sqrt((double)x)); }

template <class To, class From>
inline To emulator_same_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}
inline int __float_as_int(float x) { return emulator_same_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return emulator_same_bits<unsigned>(x); }
inline float __int_as_float(int x) { return emulator_same_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return emulator_same_bits<float>(x); }
inline long long __double_as_longlong(double x) { return emulator_same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return emulator_same_bits<double>(x); }

inline int __float2int_rn(float x) { return (int)rintf(x); }
inline int __float2int_rz(float x) { return (int)x; }
inline int __float2int_rd(float x) { return (int)floorf(x); }
inline int __float2int_ru(float x) { return (int)ceilf(x); }
inline float __int2float_rn(int x) { return (float)x; }

// ---- integers -----------------------------------------------------------------------------------

inline int abs(int x) { return x < 0 ? -x : x; }
inline long long abs(long long x) { return x < 0 ? -x : x; }
inline float abs(float x) { return fabsf(x); }
inline double abs(double x) { return fabs(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __mulhi(int x, int y) { return (int)((long long)x * y >> 32); }
inline unsigned __umulhi(unsigned x, unsigned y) {
    return (unsigned)((unsigned long long)x * y >> 32);
}
inline unsigned __brev(unsigned x) {
    unsigned reversed = 0;
    for (int bit = 0; bit < 32; bit++) reversed = reversed << 1 | (x >> bit & 1);
    return reversed;
}

#define EMULATOR_MIN_MAX(A, B, T)                                \
    inline T min(A a, B b) { return (T)b < (T)a ? (T)b : (T)a; } \
    inline T max(A a, B b) { return (T)a < (T)b ? (T)b : (T)a; }
#define EMULATOR_MIN_MAX_MIXED(S, U) \
    EMULATOR_MIN_MAX(S, S, S)        \
    EMULATOR_MIN_MAX(U, U, U)        \
    EMULATOR_MIN_MAX(S, U, U)        \
    EMULATOR_MIN_MAX(U, S, U)
EMULATOR_MIN_MAX_MIXED(int, unsigned)
EMULATOR_MIN_MAX_MIXED(long, unsigned long)
EMULATOR_MIN_MAX_MIXED(long long, unsigned long long)
// As fmin and fmax: the other one, if one is not a number.
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(float a, double b) { return fmin((double)a, b); }
inline double max(float a, double b) { return fmax((double)a, b); }
inline double min(double a, float b) { return fmin(a, (double)b); }
inline double max(double a, float b) { return fmax(a, (double)b); }

template <class T>
inline T __ldg(const T *p) {
    return *p;
}
#define memcpy emulator_memcpy  // the library's would not be seen by check mode
#define memset emulator_memset
inline void *memcpy(void *to, const void *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) ((char *)to)[i] = ((const char *)from)[i];
    return to;
}
inline void *memset(void *to, int value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) ((char *)to)[i] = (char)value;
    return to;
}
