// relu.cu - y = max(x, 0) and dx = dy where y > 0, on flat arrays of n elements.
//   bytes   forward: x read, y written;  backward: dy and y read, dx written
//   v1      a thread owns one element
//   v2      a thread owns four neighbours, moved by 128-bit loads and stores (16-byte addresses)
//   `minires cuda-check` launches them as follows:
// check: launch relu_forward_v1<float> grid=ceil(n/256) block=256 n=1..3000 x=float[n] y=float[n]
// check: launch relu_backward_v1<float> grid=ceil(n/256) block=256 n=1..3000 dy=float[n] y=float[n] dx=float[n]
// check: launch relu_forward_v2<float> grid=ceil(n/1024) block=256 n=1..3000 x=float[n] y=float[n]
// check: launch relu_backward_v2<float> grid=ceil(n/1024) block=256 n=1..3000 dy=float[n] y=float[n] dx=float[n]
#include "common.cuh"

template <class T>
__global__ void relu_forward_v1(const T* __restrict__ x, T* __restrict__ y, long long n)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = positive(x[i]);
}

template <class T>
__global__ void relu_backward_v1(const T* __restrict__ dy, const T* __restrict__ y,
                                 T* __restrict__ dx, long long n)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) dx[i] = y[i] <= T(0) ? T(0) : dy[i];
}

template <class T>
__global__ void relu_forward_v2(const T* __restrict__ x, T* __restrict__ y, long long n)
{
    const long long i = 4 * ((long long)blockIdx.x * blockDim.x + threadIdx.x);
    if (i + 4 <= n) {
        Four<T> f = load4(x + i);
#pragma unroll
        for (int k = 0; k < 4; k++) f.v[k] = positive(f.v[k]);
        store4(y + i, f);
    } else {
        for (long long j = i; j < n; j++) y[j] = positive(x[j]);      // the last 1 to 3
    }
}

template <class T>
__global__ void relu_backward_v2(const T* __restrict__ dy, const T* __restrict__ y,
                                 T* __restrict__ dx, long long n)
{
    const long long i = 4 * ((long long)blockIdx.x * blockDim.x + threadIdx.x);
    if (i + 4 <= n) {
        const Four<T> g = load4(dy + i), open = load4(y + i);
        Four<T> f;
#pragma unroll
        for (int k = 0; k < 4; k++) f.v[k] = open.v[k] <= T(0) ? T(0) : g.v[k];
        store4(dx + i, f);
    } else {
        for (long long j = i; j < n; j++) dx[j] = y[j] <= T(0) ? T(0) : dy[j];
    }
}
