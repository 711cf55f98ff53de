// conv2d_v4.cu - v3 with the products on tensor cores, in TF32: float32 only, sm_80 or newer.
//
//   Each of four warps owns a part of the tile, in pieces of 16 x 8; a thread owns four numbers of
//   each piece (mma.cuh). Products round their factors to 10 bits of mantissa, so results differ
//   from v3's by about 1e-3 of their size: never used unless asked for.
#include "mma.cuh"
#include "conv2d_tile.cuh"

// Warps lie side by side in ACROSS columns.
template <int BM_, int BN_, int ACROSS> struct TensorCores {
    static constexpr int BM = BM_, BN = BN_, BK = 16, THREADS = 128;
    static constexpr int WM = BM / (4 / ACROSS), WN = BN / ACROSS;      // of the tile, for a warp
    static constexpr int ROWS = WM / 8, COLUMNS = WN / 4, NEIGHBOURS = 2;
    static constexpr int PAD = 8;      // rows t = 0 ... 3 of a fragment lie in different banks
    static_assert(WM % 16 == 0 && WN % 8 == 0, "pieces of 16 x 8");
    using Stored = unsigned;
    float sum[WM / 16][WN / 8][4] = {};

    static __device__ __forceinline__ unsigned stored(float value) { return to_tf32(value); }
    __device__ __forceinline__ int lane() const { return threadIdx.x % 32; }
    __device__ __forceinline__ int top() const { return threadIdx.x / 32 / ACROSS * WM; }
    __device__ __forceinline__ int left() const { return threadIdx.x / 32 % ACROSS * WN; }
    __device__ __forceinline__ int row(int i) const
    {
        return top() + i / 2 * 16 + i % 2 * 8 + lane() / 4;
    }
    __device__ __forceinline__ int column(int j) const
    {
        return left() + j / 2 * 8 + lane() % 4 * 2 + j % 2;
    }
    __device__ __forceinline__ float at(int i, int j) const
    {
        return sum[i / 2][j / 2][i % 2 * 2 + j % 2];
    }

    __device__ __forceinline__ void multiply(const unsigned (*as)[BM + PAD],
                                             const unsigned (*bs)[BN + PAD])
    {
        const int g = lane() / 4, t = lane() % 4;
#pragma unroll
        for (int k = 0; k < BK; k += 8) {
            unsigned a[WM / 16][4], b[WN / 8][2];
#pragma unroll
            for (int i = 0; i < WM / 16; i++)
#pragma unroll
                for (int e = 0; e < 4; e++)
                    a[i][e] = as[k + t + e / 2 * 4][top() + i * 16 + g + e % 2 * 8];
#pragma unroll
            for (int j = 0; j < WN / 8; j++)
#pragma unroll
                for (int e = 0; e < 2; e++) b[j][e] = bs[k + t + e * 4][left() + j * 8 + g];
#pragma unroll
            for (int i = 0; i < WM / 16; i++)
#pragma unroll
                for (int j = 0; j < WN / 8; j++) mma_16x8x8(sum[i][j], a[i], b[j]);
        }
    }
};

template <int BM, int BN, int ACROSS>
__global__ void __launch_bounds__(128)
conv2d_images_v4(const float* __restrict__ in, const float* __restrict__ packed,
                 const float* __restrict__ b, float* __restrict__ out, Images g)
{
    image_tile<float, TensorCores<BM, BN, ACROSS>>(in, packed, b, out, g);
}

template <int BM, int BN, int ACROSS>
__global__ void __launch_bounds__(128)
conv2d_weights_v4(const float* __restrict__ dy, const float* __restrict__ x,
                  float* __restrict__ parts, int each, Conv g)
{
    weight_tile<float, TensorCores<BM, BN, ACROSS>>(dy, x, parts, each, g);
}
