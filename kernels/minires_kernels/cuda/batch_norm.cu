// batch_norm.cu - batch normalisation, alone or with what follows it: y = act(bn(x) + residual).
//
//   layout   x is (N, C, HW), contiguous; HW = 1 for rows. A channel has M = N HW values; value i of
//            channel c lies at (i / HW * C + c) * HW + i % HW.
//   v1       statistics by one thread per channel, then a thread per element
//   v2       a block per channel: sums by warp shuffles, both steps in one launch
//   v3       a channel is split into chunks of 4096 values, a block for each. First launch: mean and
//            squared deviations of every chunk, its values held in registers, so that x is read once
//            and no digits are lost. Second launch: each block merges the chunks' results (Chan,
//            Golub and LeVeque 1979) and normalises its own chunk.
//   bytes    forward v3: x twice, y once (and the residual);  backward v3: dy, x (and y) twice, dx once
//   sums     no atomics: every sum has a fixed order, so that two runs agree bit for bit
#include "common.cuh"

// What is normalised and what follows: all sizes and switches of a call.
struct Shape { int N, C, HW, has_weight, has_bias, training; };

__device__ __forceinline__ long long place(long long i, int c, const Shape& s)
{
    return (i / s.HW * s.C + c) * s.HW + i % s.HW;
}

// bn(x) = scale (x - mean) + shift. The mean is subtracted first: scale x + (shift - scale mean)
// would lose the digits that a large mean takes.
template <class T> struct Line {
    T mean, scale, shift;
    __device__ __forceinline__ T operator()(T x) const { return scale * (x - mean) + shift; }
};

template <class T>
__device__ __forceinline__ Line<T> line(int c, T mean, T var, T eps, const T* weight, const T* bias,
                                        const Shape& s)
{
    const T inverse = T(1) / root(var + eps);
    return {mean, s.has_weight ? weight[c] * inverse : inverse, s.has_bias ? bias[c] : T(0)};
}

// RELU: max(., 0) follows. ADD: the residual is added before it. Both are known at compile time.
template <class T, bool RELU, bool ADD>
__device__ __forceinline__ T finish(T z, const T* residual, long long j)
{
    if (ADD) z += residual[j];
    return RELU ? positive(z) : z;
}

// The part of dy that passes the ReLU.
template <class T, bool RELU>
__device__ __forceinline__ T passed(const T* dy, const T* y, long long j)
{
    return RELU && y[j] <= T(0) ? T(0) : dy[j];
}

// ---- v1 -----------------------------------------------------------------------------------------

template <class T>
__global__ void statistics_v1(const T* __restrict__ x, T* __restrict__ mean, T* __restrict__ var,
                              Shape s)
{
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= s.C) return;
    const long long M = (long long)s.N * s.HW;
    T sum = 0, squares = 0;
    for (long long i = 0; i < M; i++) sum += x[place(i, c, s)];
    const T mu = sum / T(M);
    for (long long i = 0; i < M; i++) {
        const T d = x[place(i, c, s)] - mu;
        squares += d * d;
    }
    mean[c] = mu;
    var[c] = squares / T(M);
}

template <class T, bool RELU, bool ADD>
__global__ void normalise_v1(const T* __restrict__ x, const T* __restrict__ mean,
                             const T* __restrict__ var, const T* __restrict__ weight,
                             const T* __restrict__ bias, const T* __restrict__ residual,
                             T* __restrict__ y, T eps, Shape s)
{
    const long long j = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= (long long)s.N * s.C * s.HW) return;
    const int c = j / s.HW % s.C;
    const Line<T> l = line(c, mean[c], var[c], eps, weight, bias, s);
    y[j] = finish<T, RELU, ADD>(l(x[j]), residual, j);
}

template <class T, bool RELU>
__global__ void gradient_sums_v1(const T* __restrict__ dy, const T* __restrict__ x,
                                 const T* __restrict__ y, const T* __restrict__ mean,
                                 const T* __restrict__ var, T* __restrict__ dweight,
                                 T* __restrict__ dbias, T eps, Shape s)
{
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= s.C) return;
    const long long M = (long long)s.N * s.HW;
    T sum = 0, product = 0;
    for (long long i = 0; i < M; i++) {
        const long long j = place(i, c, s);
        const T g = passed<T, RELU>(dy, y, j);
        sum += g;
        product += g * (x[j] - mean[c]);
    }
    dbias[c] = sum;
    dweight[c] = product / root(var[c] + eps);
}

// dx = weight / sigma (g - mean(g) - xhat mean(g xhat)); the means only in training.
template <class T, bool RELU, bool ADD>
__global__ void gradient_v1(const T* __restrict__ dy, const T* __restrict__ x,
                            const T* __restrict__ y, const T* __restrict__ mean,
                            const T* __restrict__ var, const T* __restrict__ weight,
                            const T* __restrict__ dweight, const T* __restrict__ dbias,
                            T* __restrict__ dx, T* __restrict__ dresidual, T eps, Shape s)
{
    const long long j = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= (long long)s.N * s.C * s.HW) return;
    const int c = j / s.HW % s.C;
    const T M = T((long long)s.N * s.HW), inverse = T(1) / root(var[c] + eps);
    const T g = passed<T, RELU>(dy, y, j);
    T d = g;
    if (s.training) d -= dbias[c] / M + (x[j] - mean[c]) * inverse * (dweight[c] / M);
    dx[j] = (s.has_weight ? weight[c] * inverse : inverse) * d;
    if (ADD) dresidual[j] = g;
}

// ---- v2 -----------------------------------------------------------------------------------------

template <class T, bool RELU, bool ADD>
__global__ void forward_v2(const T* __restrict__ x, T* __restrict__ mean, T* __restrict__ var,
                           const T* __restrict__ weight, const T* __restrict__ bias,
                           const T* __restrict__ residual, T* __restrict__ y, T eps, Shape s)
{
    const int c = blockIdx.x;
    const long long M = (long long)s.N * s.HW;
    T sum = 0, squares = 0;
    for (long long i = threadIdx.x; i < M; i += blockDim.x) sum += x[place(i, c, s)];
    const T mu = block_sum(sum) / T(M);
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const T d = x[place(i, c, s)] - mu;
        squares += d * d;
    }
    const T variance = block_sum(squares) / T(M);
    if (threadIdx.x == 0) {
        mean[c] = mu;
        var[c] = variance;
    }
    const Line<T> l = line(c, mu, variance, eps, weight, bias, s);
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const long long j = place(i, c, s);
        y[j] = finish<T, RELU, ADD>(l(x[j]), residual, j);
    }
}

template <class T, bool RELU, bool ADD>
__global__ void backward_v2(const T* __restrict__ dy, const T* __restrict__ x,
                            const T* __restrict__ y, const T* __restrict__ mean,
                            const T* __restrict__ var, const T* __restrict__ weight,
                            T* __restrict__ dx, T* __restrict__ dweight, T* __restrict__ dbias,
                            T* __restrict__ dresidual, T eps, Shape s)
{
    const int c = blockIdx.x;
    const long long M = (long long)s.N * s.HW;
    const T mu = mean[c], inverse = T(1) / root(var[c] + eps);
    T sum = 0, product = 0;
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const long long j = place(i, c, s);
        const T g = passed<T, RELU>(dy, y, j);
        sum += g;
        product += g * (x[j] - mu);
    }
    const Pair<T> total = block_sum(sum, product);
    const T db = total.a, dw = total.b * inverse;
    if (threadIdx.x == 0) {
        dbias[c] = db;
        dweight[c] = dw;
    }
    const T scale = s.has_weight ? weight[c] * inverse : inverse;
    for (long long i = threadIdx.x; i < M; i += blockDim.x) {
        const long long j = place(i, c, s);
        const T g = passed<T, RELU>(dy, y, j);
        T d = g;
        if (s.training) d -= db / T(M) + (x[j] - mu) * inverse * (dw / T(M));
        dx[j] = scale * d;
        if (ADD) dresidual[j] = g;
    }
}
