// batch_norm_split.cu - v3 of batch_norm.cu: a channel split over several blocks, in two launches.
//
//   A block has THREADS threads and owns CHUNK values of one channel; block (k, c) owns values
//   k CHUNK ... of channel c. A thread handles PER_THREAD groups of V neighbours (V = 4 where the
//   plane HW is a multiple of 4, so that a group lies in one plane and moves by 128-bit loads).
//   The registers of a block hold its chunk: x is read once for exact deviations from the mean.
#include "common.cuh"

constexpr int THREADS = 256, CHUNK = 4096;

struct Shape { int N, C, HW, has_weight, has_bias, training; };

template <class T, int V> struct __align__(V == 4 ? 16 : sizeof(T)) Group { T v[V]; };

// Calls f(k, j) for the groups of this thread: k counts them, j is the place of the first value.
template <int V, class F> __device__ __forceinline__ void each_group(const Shape& s, F f)
{
    const long long M = (long long)s.N * s.HW;
#pragma unroll
    for (int k = 0; k < CHUNK / (THREADS * V); k++) {
        const long long i = (long long)blockIdx.x * CHUNK + (k * THREADS + threadIdx.x) * V;
        if (i < M) f(k, (i / s.HW * s.C + blockIdx.y) * s.HW + i % s.HW);
    }
}

template <class T, int V> __device__ __forceinline__ Group<T, V> load(const T* p)
{
    return *reinterpret_cast<const Group<T, V>*>(p);
}
template <class T, int V> __device__ __forceinline__ void store(T* p, const Group<T, V>& g)
{
    *reinterpret_cast<Group<T, V>*>(p) = g;
}

__device__ __forceinline__ int chunk_size(int k, long long M)
{
    const long long rest = M - (long long)k * CHUNK;
    return rest < CHUNK ? (int)rest : CHUNK;
}

// parts[c][k] = (mean, sum of squared deviations from it) of chunk k of channel c
template <class T, int V>
__global__ void __launch_bounds__(256)
partial_statistics_v3(const T* __restrict__ x, T* __restrict__ parts, Shape s)
{
    Group<T, V> kept[CHUNK / (THREADS * V)];
    T sum = 0, squares = 0;
    each_group<V>(s, [&](int k, long long j) {
        kept[k] = load<T, V>(x + j);
#pragma unroll
        for (int e = 0; e < V; e++) sum += kept[k].v[e];
    });
    const T mean = block_sum(sum) / T(chunk_size(blockIdx.x, (long long)s.N * s.HW));
    each_group<V>(s, [&](int k, long long) {
#pragma unroll
        for (int e = 0; e < V; e++) {
            const T d = kept[k].v[e] - mean;
            squares += d * d;
        }
    });
    squares = block_sum(squares);
    if (threadIdx.x == 0) {
        T* const out = parts + 2 * ((long long)blockIdx.y * gridDim.x + blockIdx.x);
        out[0] = mean;
        out[1] = squares;
    }
}

// Mean and variance of channel blockIdx.y from its chunks, in every thread:
//   mean = sum of n_k mean_k / M,   M var = sum of squares_k + sum of n_k (mean_k - mean)^2
// There are few chunks, so every warp adds them up for itself, without a barrier.
template <class T>
__device__ __forceinline__ Pair<T> merged(const T* parts, const Shape& s)
{
    const long long M = (long long)s.N * s.HW;
    const T* const own = parts + 2LL * blockIdx.y * gridDim.x;
    T weighted = 0, squares = 0;
    for (int k = threadIdx.x % 32; k < (int)gridDim.x; k += 32)
        weighted += T(chunk_size(k, M)) * (own[2 * k] - own[0]);      // from the first chunk's mean
    const T mean = own[0] + warp_sum(weighted) / T(M);
    for (int k = threadIdx.x % 32; k < (int)gridDim.x; k += 32) {
        const T d = own[2 * k] - mean;
        squares += own[2 * k + 1] + T(chunk_size(k, M)) * d * d;
    }
    return {mean, warp_sum(squares) / T(M)};
}

template <class T, int V, bool RELU, bool ADD>
__device__ __forceinline__ void normalise(const T* x, T mean, T var, const T* weight, const T* bias,
                                          const T* residual, T* y, T eps, const Shape& s)
{
    const int c = blockIdx.y;
    const T inverse = T(1) / root(var + eps), scale = s.has_weight ? weight[c] * inverse : inverse;
    const T shift = s.has_bias ? bias[c] : T(0);
    each_group<V>(s, [&](int, long long j) {
        Group<T, V> g = load<T, V>(x + j), r = {};
        if (ADD) r = load<T, V>(residual + j);
#pragma unroll
        for (int e = 0; e < V; e++) {
            const T z = scale * (g.v[e] - mean) + shift + r.v[e];
            g.v[e] = RELU ? positive(z) : z;
        }
        store<T, V>(y + j, g);
    });
}

// Training: the statistics come from the chunks; the first block of a channel stores them.
template <class T, int V, bool RELU, bool ADD>
__global__ void __launch_bounds__(256)
normalise_training_v3(const T* __restrict__ x, const T* __restrict__ parts, T* __restrict__ mean,
                      T* __restrict__ var, const T* __restrict__ weight, const T* __restrict__ bias,
                      const T* __restrict__ residual, T* __restrict__ y, T eps, Shape s)
{
    const Pair<T> statistics = merged(parts, s);
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        mean[blockIdx.y] = statistics.a;
        var[blockIdx.y] = statistics.b;
    }
    normalise<T, V, RELU, ADD>(x, statistics.a, statistics.b, weight, bias, residual, y, eps, s);
}

// Evaluation: the statistics are given.
template <class T, int V, bool RELU, bool ADD>
__global__ void __launch_bounds__(256)
normalise_given_v3(const T* __restrict__ x, const T* __restrict__ mean, const T* __restrict__ var,
                   const T* __restrict__ weight, const T* __restrict__ bias,
                   const T* __restrict__ residual, T* __restrict__ y, T eps, Shape s)
{
    const int c = blockIdx.y;
    normalise<T, V, RELU, ADD>(x, mean[c], var[c], weight, bias, residual, y, eps, s);
}

// What passes the ReLU of V neighbours.
template <class T, int V, bool RELU>
__device__ __forceinline__ Group<T, V> passed(const T* dy, const T* y, long long j)
{
    Group<T, V> g = load<T, V>(dy + j);
    if (RELU) {
        const Group<T, V> open = load<T, V>(y + j);
#pragma unroll
        for (int e = 0; e < V; e++) g.v[e] = open.v[e] <= T(0) ? T(0) : g.v[e];
    }
    return g;
}

// parts[c][k] = (sum of g, sum of g (x - mean)) of chunk k of channel c
template <class T, int V, bool RELU>
__global__ void __launch_bounds__(256)
partial_gradients_v3(const T* __restrict__ dy, const T* __restrict__ x, const T* __restrict__ y,
                     const T* __restrict__ mean, T* __restrict__ parts, Shape s)
{
    const T mu = mean[blockIdx.y];
    T sum = 0, product = 0;
    each_group<V>(s, [&](int, long long j) {
        const Group<T, V> g = passed<T, V, RELU>(dy, y, j), values = load<T, V>(x + j);
#pragma unroll
        for (int e = 0; e < V; e++) {
            sum += g.v[e];
            product += g.v[e] * (values.v[e] - mu);
        }
    });
    const Pair<T> total = block_sum(sum, product);
    if (threadIdx.x == 0) {
        T* const out = parts + 2 * ((long long)blockIdx.y * gridDim.x + blockIdx.x);
        out[0] = total.a;
        out[1] = total.b;
    }
}

template <class T, int V, bool RELU, bool ADD>
__global__ void __launch_bounds__(256)
gradient_v3(const T* __restrict__ dy, const T* __restrict__ x, const T* __restrict__ y,
            const T* __restrict__ mean, const T* __restrict__ var, const T* __restrict__ weight,
            const T* __restrict__ parts, T* __restrict__ dx, T* __restrict__ dweight,
            T* __restrict__ dbias, T* __restrict__ dresidual, T eps, Shape s)
{
    const int c = blockIdx.y;
    const T* const own = parts + 2LL * c * gridDim.x;
    T sum = 0, product = 0;
    for (int k = threadIdx.x % 32; k < (int)gridDim.x; k += 32) {
        sum += own[2 * k];
        product += own[2 * k + 1];
    }
    const T M = T((long long)s.N * s.HW), mu = mean[c], inverse = T(1) / root(var[c] + eps);
    const T db = warp_sum(sum), dw = warp_sum(product) * inverse;      // in every warp the same
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        dbias[c] = db;
        dweight[c] = dw;
    }
    const T scale = s.has_weight ? weight[c] * inverse : inverse;
    const T constant = db / M, slope = inverse * (dw / M);
    each_group<V>(s, [&](int, long long j) {
        const Group<T, V> g = passed<T, V, RELU>(dy, y, j), values = load<T, V>(x + j);
        Group<T, V> d;
#pragma unroll
        for (int e = 0; e < V; e++)
            d.v[e] = scale * (s.training ? g.v[e] - constant - slope * (values.v[e] - mu) : g.v[e]);
        store<T, V>(dx + j, d);
        if (ADD) store<T, V>(dresidual + j, g);
    });
}
