// add_relu.cu - y = max(a + b, 0), the end of a residual block; its gradient is that of relu.cu.
//   bytes   a and b read, y written
//   v1      a thread owns one element
//   v2      a thread owns four neighbours, moved by 128-bit loads and stores (16-byte addresses)
#include "common.cuh"

template <class T>
__global__ void add_relu_forward_v1(const T* __restrict__ a, const T* __restrict__ b,
                                    T* __restrict__ y, long long n)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = positive(a[i] + b[i]);
}

template <class T>
__global__ void add_relu_forward_v2(const T* __restrict__ a, const T* __restrict__ b,
                                    T* __restrict__ y, long long n)
{
    const long long i = 4 * ((long long)blockIdx.x * blockDim.x + threadIdx.x);
    if (i + 4 <= n) {
        const Four<T> fa = load4(a + i), fb = load4(b + i);
        Four<T> f;
#pragma unroll
        for (int k = 0; k < 4; k++) f.v[k] = positive(fa.v[k] + fb.v[k]);
        store4(y + i, f);
    } else {
        for (long long j = i; j < n; j++) y[j] = positive(a[j] + b[j]);
    }
}
