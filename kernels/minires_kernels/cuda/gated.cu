// gated.cu - GELU and SiLU: y = x g(x) and dx = (g + x g') dy, on flat arrays of n elements.
//   GATE    0: g = Phi(x);  1: g = sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3);  2: g = sigmoid(x)
//   bytes   forward: x read, y written;  backward: dy and x read, dx written
//   v1      a thread owns one element
//   `minires cuda-check` launches them as follows:
// check: launch gated_forward<float, 0> grid=ceil(n/256) block=256 n=1..3000 x=float[n] y=float[n]
// check: launch gated_backward<float, 0> grid=ceil(n/256) block=256 n=1..3000 dy=float[n] x=float[n] dx=float[n]
#include "common.cuh"

__device__ __forceinline__ float complement(float x) { return erfcf(x); }
__device__ __forceinline__ double complement(double x) { return erfc(x); }

template <class T> __device__ __forceinline__ T sigmoid(T x)
{
    const T e = exponential(x < T(0) ? x : -x);               // never of a number above 0
    return (x < T(0) ? e : T(1)) / (T(1) + e);
}

// g(x) and g'(x); beyond +-40 the gates are 0 or 1, and x^2 could overflow.
template <class T, int GATE> __device__ __forceinline__ Pair<T> gate(T x)
{
    if (GATE == 2) {
        const T g = sigmoid(x);
        return {g, g * (T(1) - g)};
    }
    const T z = x > T(40) ? T(40) : x < T(-40) ? T(-40) : x;
    if (GATE == 0)
        return {T(0.5) * complement(-z * T(0.70710678118654752)),
                exponential(T(-0.5) * z * z) * T(0.39894228040143268)};
    const T steep = T(1.5957691216057308), cubic = T(0.044715);
    const T g = sigmoid(steep * (z + cubic * z * z * z));
    return {g, steep * (T(1) + T(3) * cubic * z * z) * g * (T(1) - g)};
}

template <class T, int GATE>
__global__ void gated_forward(const T* __restrict__ x, T* __restrict__ y, long long n)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * gate<T, GATE>(x[i]).a;
}

template <class T, int GATE>
__global__ void gated_backward(const T* __restrict__ dy, const T* __restrict__ x,
                               T* __restrict__ dx, long long n)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const Pair<T> g = gate<T, GATE>(x[i]);
    dx[i] = dy[i] * (g.a + (g.b == T(0) ? T(0) : x[i] * g.b));
}
