// conv2d_v3.cu - convolution as a matrix product, in tiles held by registers.
//
//   A block owns BM x BN of the result, a thread TM x TN of it. Per step of the sum a thread reads
//   TM + TN numbers from shared memory for TM TN multiply-adds: with 8 x 4 that is 12 for 32, where
//   v2 reads 2 for 1. Which tile is best depends on the number of channels; see conv2d.py.
//   dw is summed over pixels, of which there are many for few weights: the sum is split over blocks,
//   and column_sums of linear.cu adds the parts up, always in the same order.
#include "conv2d_tile.cuh"

template <class T, int BM_, int BN_, int BK_, int TM, int TN> struct Registers {
    static constexpr int BM = BM_, BN = BN_, BK = BK_, THREADS = (BM / TM) * (BN / TN);
    static constexpr int ROWS = TM, COLUMNS = TN, NEIGHBOURS = TN, PAD = 4;
    static_assert(TM % 4 == 0 && TN == 4, "tiles are read four numbers at a time");
    using Stored = T;
    T sum[TM][TN] = {};

    static __device__ __forceinline__ T stored(T value) { return value; }
    __device__ __forceinline__ int row(int i) const { return threadIdx.x / (BN / TN) * TM + i; }
    __device__ __forceinline__ int column(int j) const { return threadIdx.x % (BN / TN) * TN + j; }
    __device__ __forceinline__ T at(int i, int j) const { return sum[i][j]; }

    __device__ __forceinline__ void multiply(const T (*as)[BM + PAD], const T (*bs)[BN + PAD])
    {
#pragma unroll
        for (int k = 0; k < BK; k++) {
            const Four<T> b = load4(&bs[k][column(0)]);
#pragma unroll
            for (int i = 0; i < TM; i += 4) {
                const Four<T> a = load4(&as[k][row(i)]);
#pragma unroll
                for (int e = 0; e < 4; e++)
#pragma unroll
                    for (int j = 0; j < TN; j++) sum[i + e][j] += a.v[e] * b.v[j];
            }
        }
    }
};

template <class T, int BM, int BN, int BK, int TM, int TN>
__global__ void __launch_bounds__((BM / TM) * (BN / TN))
conv2d_images_v3(const T* __restrict__ in, const T* __restrict__ packed, const T* __restrict__ b,
                 T* __restrict__ out, Images g)
{
    image_tile<T, Registers<T, BM, BN, BK, TM, TN>>(in, packed, b, out, g);
}

template <class T, int BM, int BN, int BK, int TM, int TN>
__global__ void __launch_bounds__((BM / TM) * (BN / TN))
conv2d_weights_v3(const T* __restrict__ dy, const T* __restrict__ x, T* __restrict__ parts, int each,
                  Conv g)
{
    weight_tile<T, Registers<T, BM, BN, BK, TM, TN>>(dy, x, parts, each, g);
}
