// group_norm.cu - group normalisation of x (N, C, HW), contiguous: a group of a sample is one
// stretch of memory, `each` channels of HW values.
//   forward    a block owns a group of a sample: its mean, its squared deviations, then y
//   backward   dx: the same block; dweight, dbias: a block owns a channel, over all samples
//   bytes      forward: x three times (twice from the cache), y once
//   sums       no atomics: every sum has a fixed order
#include "common.cuh"

struct Groups { int N, C, HW, each, has_weight, has_bias; };

template <class T>
__global__ void group_norm_forward(const T* __restrict__ x, const T* __restrict__ weight,
                                   const T* __restrict__ bias, T* __restrict__ y,
                                   T* __restrict__ mean, T* __restrict__ inverse, T eps, Groups s)
{
    const long long M = (long long)s.each * s.HW, first = blockIdx.x * M;
    const int c0 = blockIdx.x % (s.C / s.each) * s.each;
    T sum = 0, squares = 0;
    for (long long i = threadIdx.x; i < M; i += blockDim.x) sum += x[first + i];
    const T mu = block_sum(sum) / T(M);
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const T d = x[first + i] - mu;
        squares += d * d;
    }
    const T inv = T(1) / root(block_sum(squares) / T(M) + eps);
    if (threadIdx.x == 0) {
        mean[blockIdx.x] = mu;
        inverse[blockIdx.x] = inv;
    }
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const int c = c0 + i / s.HW;
        const T scale = s.has_weight ? weight[c] * inv : inv;
        y[first + i] = (x[first + i] - mu) * scale + (s.has_bias ? bias[c] : T(0));
    }
}

template <class T>
__global__ void group_norm_dx(const T* __restrict__ dy, const T* __restrict__ x,
                              const T* __restrict__ weight, const T* __restrict__ mean,
                              const T* __restrict__ inverse, T* __restrict__ dx, Groups s)
{
    const long long M = (long long)s.each * s.HW, first = blockIdx.x * M;
    const int c0 = blockIdx.x % (s.C / s.each) * s.each;
    const T mu = mean[blockIdx.x], inv = inverse[blockIdx.x];
    T a = 0, b = 0;
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const T d = s.has_weight ? dy[first + i] * weight[c0 + i / s.HW] : dy[first + i];
        a += d;
        b += d * (x[first + i] - mu) * inv;
    }
    const Pair<T> sums = block_sum(a, b);
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const T d = s.has_weight ? dy[first + i] * weight[c0 + i / s.HW] : dy[first + i];
        dx[first + i] = (d - sums.a / T(M) - (x[first + i] - mu) * inv * (sums.b / T(M))) * inv;
    }
}

template <class T>
__global__ void group_norm_parameters(const T* __restrict__ dy, const T* __restrict__ x,
                                      const T* __restrict__ mean, const T* __restrict__ inverse,
                                      T* __restrict__ dweight, T* __restrict__ dbias, Groups s)
{
    const int c = blockIdx.x, groups = s.C / s.each;
    T sum = 0, product = 0;
    for (long long i = threadIdx.x; i < (long long)s.N * s.HW; i += blockDim.x) {
        const long long n = i / s.HW, j = (n * s.C + c) * s.HW + i % s.HW;
        const long long g = n * groups + c / s.each;
        sum += dy[j];
        product += dy[j] * (x[j] - mean[g]) * inverse[g];
    }
    const Pair<T> sums = block_sum(sum, product);
    if (threadIdx.x == 0) {
        dbias[c] = sums.a;
        dweight[c] = sums.b;
    }
}
