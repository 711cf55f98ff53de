// conv2d_v2.cu - convolution as a matrix product, in tiles of 16 x 16 through shared memory.
//
//   None of the matrices is stored: a and b are functions that fetch an element (or 0, outside).
//     y    rows k, columns (n, p, q), summed over (c, r, s):  w[k, c r s] x[c r s, n p q]
//     dx   rows c, columns (n, h, w), summed over (k, r, s)
//     dw   rows k, columns (c, r, s), summed over (n, p, q)
//   bytes   a block of 256 threads fetches an element of a or b once for 16 uses
#include "common.cuh"
#include "conv2d.cuh"

constexpr int TILE = 16;

// The tile of this block of the product a b, (M, N) summed over K: store(i, j, sum) of each element.
template <class T, class A, class B, class Store>
__device__ __forceinline__ void tile_product(int M, int N, int K, A a, B b, Store store)
{
    __shared__ T as[TILE][TILE], bs[TILE][TILE];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int i = blockIdx.y * TILE + ty, j = blockIdx.x * TILE + tx;
    T sum = 0;
    for (int k0 = 0; k0 < K; k0 += TILE) {
        as[ty][tx] = i < M && k0 + tx < K ? a(i, k0 + tx) : T(0);
        bs[ty][tx] = k0 + ty < K && j < N ? b(k0 + ty, j) : T(0);
        __syncthreads();                                      // the tiles are complete
#pragma unroll
        for (int k = 0; k < TILE; k++) sum += as[ty][k] * bs[k][tx];
        __syncthreads();                                      // and may be overwritten
    }
    if (i < M && j < N) store(i, j, sum);
}

// x[n, c, h, column], or 0 in the padding
template <class T>
__device__ __forceinline__ T pixel(const T* x, int n, int c, int h, int column, const Conv& g)
{
    const bool inside = h >= 0 && h < g.H && column >= 0 && column < g.W;
    return inside ? x[(((long long)n * g.C + c) * g.H + h) * g.W + column] : T(0);
}

template <class T>
__global__ void __launch_bounds__(256)
conv2d_forward_v2(const T* __restrict__ x, const T* __restrict__ w, const T* __restrict__ b,
                  T* __restrict__ y, int has_b, Conv g)
{
    const int first_k = blockIdx.z * g.filters(), first_c = blockIdx.z * g.channels();
    const int taps = g.R * g.S, depth = g.channels() * taps, outputs = g.P * g.Q;
    auto filter = [&](int k, int e) { return w[(long long)(first_k + k) * depth + e]; };
    auto image = [&](int e, int j) {
        const int c = e / taps, r = e / g.S % g.R, s = e % g.S;
        const int n = j / outputs, p = j / g.Q % g.P, q = j % g.Q;
        return pixel(x, n, first_c + c, p * g.sh + r * g.dh - g.ph, q * g.sw + s * g.dw - g.pw, g);
    };
    tile_product<T>(g.filters(), g.N * outputs, depth, filter, image, [&](int i, int j, T sum) {
        const int k = first_k + i;
        y[((long long)(j / outputs) * g.K + k) * outputs + j % outputs] = has_b ? sum + b[k] : sum;
    });
}

template <class T>
__global__ void __launch_bounds__(256)
conv2d_dx_v2(const T* __restrict__ dy, const T* __restrict__ w, T* __restrict__ dx, Conv g)
{
    const int first_k = blockIdx.z * g.filters(), first_c = blockIdx.z * g.channels();
    const int taps = g.R * g.S, depth = g.filters() * taps, pixels = g.H * g.W;
    auto filter = [&](int c, int e) {
        const int k = e / taps, tap = e % taps;
        return w[((long long)(first_k + k) * g.channels() + c) * taps + tap];
    };
    auto upstream = [&](int e, int j) {
        const int k = e / taps, r = e / g.S % g.R, s = e % g.S;
        const int n = j / pixels, top = j / g.W % g.H + g.ph - r * g.dh;
        const int left = j % g.W + g.pw - s * g.dw, p = top / g.sh, q = left / g.sw;
        const bool met = top >= 0 && left >= 0 && top % g.sh == 0 && left % g.sw == 0 && p < g.P
            && q < g.Q;
        return met ? dy[(((long long)n * g.K + first_k + k) * g.P + p) * g.Q + q] : T(0);
    };
    tile_product<T>(g.channels(), g.N * pixels, depth, filter, upstream, [&](int i, int j, T sum) {
        dx[((long long)(j / pixels) * g.C + first_c + i) * pixels + j % pixels] = sum;
    });
}

template <class T>
__global__ void __launch_bounds__(256)
conv2d_dw_v2(const T* __restrict__ dy, const T* __restrict__ x, T* __restrict__ dw, Conv g)
{
    const int first_k = blockIdx.z * g.filters(), first_c = blockIdx.z * g.channels();
    const int taps = g.R * g.S, columns = g.channels() * taps, outputs = g.P * g.Q;
    auto upstream = [&](int k, int e) {
        return dy[((long long)(e / outputs) * g.K + first_k + k) * outputs + e % outputs];
    };
    auto image = [&](int e, int j) {
        const int n = e / outputs, p = e / g.Q % g.P, q = e % g.Q;
        const int c = j / taps, r = j / g.S % g.R, s = j % g.S;
        return pixel(x, n, first_c + c, p * g.sh + r * g.dh - g.ph, q * g.sw + s * g.dw - g.pw, g);
    };
    tile_product<T>(g.filters(), columns, g.N * outputs, upstream, image, [&](int i, int j, T sum) {
        dw[(long long)(first_k + i) * columns + j] = sum;
    });
}
