// What a CUDA C++ file may use, for a C++ compiler: keywords, types, built-in variables, barriers.
//
// This file is included before the user's code, and offers no more than NVRTC offers without its
// headers: no standard library, no INFINITY, no uint32_t. A kernel that compiles here should
// compile there. What runs behind these declarations is the runtime, runtime.cpp.
#pragma once

#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
#define __CUDA_ARCH__ 900
#define MINIRES_EMULATOR 1  // where this is defined, a kernel spells inline PTX out in C++

// Kernels keep their names in the compiled module; everything else in it is hidden.
#define __global__ __attribute__((visibility("default")))
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

// The shared memory of a block is the thread-local storage of this module: one operating system
// thread runs all CUDA threads of a block, one block after another.
#define __shared__ thread_local

#define EMULATOR_EXPORT extern "C" __attribute__((visibility("default")))
// Code of these headers is not itself checked; it says what it does on behalf of the user's code.
#define EMULATOR_UNCHECKED \
    __attribute__((no_sanitize("thread"))) __attribute__((no_sanitize("undefined")))

#define NULL __null
#ifndef __clang__
#define __builtin_assume(condition) ((void)0)
#endif
using size_t = __SIZE_TYPE__;
using ptrdiff_t = __PTRDIFF_TYPE__;

// ---- vector types: alignments as in CUDA --------------------------------------------------------

namespace emulator {
template <class Vector>
struct component {  // the element type of a vector type, void for all others
    using type = void;
};
}  // namespace emulator

#define EMULATOR_COMPONENT(vector, scalar)   \
    template <>                              \
    struct emulator::component<vector> {     \
        using type = scalar;                 \
    };
#define EMULATOR_VECTOR(scalar, name, align2, align4)                                              \
    struct name##1 { scalar x; };                                                                  \
    struct alignas(align2) name##2 { scalar x, y; };                                               \
    struct name##3 { scalar x, y, z; };                                                            \
    struct alignas(align4) name##4 { scalar x, y, z, w; };                                         \
    inline name##1 make_##name##1(scalar x) { return {x}; }                                        \
    inline name##2 make_##name##2(scalar x, scalar y) { return {x, y}; }                           \
    inline name##3 make_##name##3(scalar x, scalar y, scalar z) { return {x, y, z}; }              \
    inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; } \
    EMULATOR_COMPONENT(name##1, scalar)                                                            \
    EMULATOR_COMPONENT(name##2, scalar)                                                            \
    EMULATOR_COMPONENT(name##3, scalar)                                                            \
    EMULATOR_COMPONENT(name##4, scalar)

EMULATOR_VECTOR(signed char, char, 2, 4)
EMULATOR_VECTOR(unsigned char, uchar, 2, 4)
EMULATOR_VECTOR(short, short, 4, 8)
EMULATOR_VECTOR(unsigned short, ushort, 4, 8)
EMULATOR_VECTOR(int, int, 8, 16)
EMULATOR_VECTOR(unsigned, uint, 8, 16)
EMULATOR_VECTOR(long long, longlong, 16, 16)
EMULATOR_VECTOR(unsigned long long, ulonglong, 16, 16)
EMULATOR_VECTOR(float, float, 8, 16)
EMULATOR_VECTOR(double, double, 16, 16)

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    constexpr operator uint3() const { return {x, y, z}; }
};

// ---- built-in variables: the runtime changes them whenever another thread goes on
// -----------------

extern "C" {
// Constants, as far as one thread can tell; the compiler then leaves their loads unchecked.
extern const uint3 threadIdx, blockIdx, blockDim, gridDim;
// Dynamic shared memory. `extern __shared__ T name[]` becomes a pointer to it (source.py).
extern char emulator_dynamic_shared[];
}
constexpr int warpSize = 32;

// ---- barriers -----------------------------------------------------------------------------------

namespace emulator {
struct Place {  // a line of the user's code
    const char *file;
    int line;
    static constexpr Place here(const char *file = __builtin_FILE(), int line = __builtin_LINE()) {
        return {file, line};
    }
};
enum Vote { COUNT, OR, AND };
enum Intrinsic { SYNCWARP, VOTE, SHUFFLE, EXCHANGE };
}  // namespace emulator

extern "C" {
int emulator_barrier(emulator::Place, int predicate, emulator::Vote);
unsigned emulator_exchange(unsigned mask, unsigned long long mine, unsigned long long *all,
                           emulator::Intrinsic, emulator::Place);
void emulator_atomic(void *address, int size, bool is_float, const void *site);
[[noreturn]] void emulator_trap(const char *what, emulator::Place);
[[noreturn]] void emulator_missing_lane(int lane, emulator::Place);
int emulator_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned emulator_lane();  // 0..31: this thread's lane within its warp
}

inline void __syncthreads(emulator::Place place = emulator::Place::here()) {
    emulator_barrier(place, 0, emulator::COUNT);
}
inline int __syncthreads_count(int p, emulator::Place place = emulator::Place::here()) {
    return emulator_barrier(place, p, emulator::COUNT);
}
inline int __syncthreads_or(int p, emulator::Place place = emulator::Place::here()) {
    return emulator_barrier(place, p, emulator::OR);
}
inline int __syncthreads_and(int p, emulator::Place place = emulator::Place::here()) {
    return emulator_barrier(place, p, emulator::AND);
}
inline void __threadfence() {}  // memory is always up to date here; a fence orders no two threads
inline void __threadfence_block() {}
inline void __threadfence_system() {}

[[noreturn]] inline void __trap(emulator::Place place = emulator::Place::here()) {
    emulator_trap("__trap()", place);
}
#define assert(condition)  \
    ((condition) ? (void)0 \
                 : emulator_trap("assertion `" #condition "` failed", emulator::Place::here()))
#define printf emulator_printf

#include "warp.h"
#include "atomics.h"
#include "math.h"
