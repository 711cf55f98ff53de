// linear.cu - matrix products c = a b (+ bias), and sums over columns, for y = x w^T + b.
//
//   a (M, K), b (K, N) and bias (N,) are read through strides, so that one kernel serves
//   y = x w^T, dx = dy w and dw = dy^T x;  c (M, N) is contiguous
//   v1   a thread owns one element of c and reads K elements of a and of b for it
//   v2   a block owns 16 x 16 of c; tiles of a and b pass through shared memory, read 16 times each
//   v3   a block owns 64 x 64 of c, a thread 4 x 4 in registers; the next tiles are loaded while the
//        present ones are used (double buffering): 2 loads from shared memory per 4 multiply-adds
//        fall to 8 per 16
#include "common.cuh"

struct Product { int M, N, K, a_row, a_column, b_row, b_column, has_bias; };

template <class T>
__global__ void matmul_v1(const T* __restrict__ a, const T* __restrict__ b,
                          const T* __restrict__ bias, T* __restrict__ c, Product p)
{
    const int i = blockIdx.x * blockDim.y + threadIdx.y, j = blockIdx.y * blockDim.x + threadIdx.x;
    if (i >= p.M || j >= p.N) return;
    T sum = p.has_bias ? bias[j] : T(0);
    for (int k = 0; k < p.K; k++)
        sum += a[(long long)i * p.a_row + (long long)k * p.a_column]
             * b[(long long)k * p.b_row + (long long)j * p.b_column];
    c[(long long)i * p.N + j] = sum;
}

template <class T>
__global__ void __launch_bounds__(256)
matmul_v2(const T* __restrict__ a, const T* __restrict__ b, const T* __restrict__ bias,
          T* __restrict__ c, Product p)
{
    // Not padded to 17 columns: a warp reads two elements of `as` and a row of `bs`, which never
    // share a bank, and with 17 its two rows of stores would (a profile in check mode shows it).
    __shared__ T as[16][16], bs[16][16];
    const int tx = threadIdx.x, ty = threadIdx.y;
    const int i = blockIdx.x * 16 + ty, j = blockIdx.y * 16 + tx;
    T sum = 0;
    for (int k0 = 0; k0 < p.K; k0 += 16) {
        const int ka = k0 + tx, kb = k0 + ty;
        as[ty][tx] = i < p.M && ka < p.K
            ? a[(long long)i * p.a_row + (long long)ka * p.a_column] : T(0);
        bs[ty][tx] = kb < p.K && j < p.N
            ? b[(long long)kb * p.b_row + (long long)j * p.b_column] : T(0);
        __syncthreads();                      // the tiles are complete
#pragma unroll
        for (int k = 0; k < 16; k++) sum += as[ty][k] * bs[k][tx];
        __syncthreads();                      // and may be overwritten
    }
    if (i < p.M && j < p.N) c[(long long)i * p.N + j] = sum + (p.has_bias ? bias[j] : T(0));
}

template <class T>
__global__ void __launch_bounds__(256)
matmul_v3(const T* __restrict__ a, const T* __restrict__ b, const T* __restrict__ bias,
          T* __restrict__ c, Product p)
{
    constexpr int TILE = 64, DEPTH = 8, NT = 256, LOADS = TILE * DEPTH / NT;
    __shared__ __align__(16) T as[2][DEPTH][TILE + 4], bs[2][DEPTH][TILE + 4];
    const int t = threadIdx.x, i0 = blockIdx.x * TILE, j0 = blockIdx.y * TILE;
    const int row = t / 16 * 4, column = t % 16 * 4;      // of this thread's 4 x 4

    // Neighbouring threads load neighbours in memory, in whichever direction those lie.
    const bool a_along_k = p.a_column == 1, b_along_n = p.b_column == 1;
    T a_next[LOADS], b_next[LOADS];
    auto load = [&](int k0) {
#pragma unroll
        for (int l = 0; l < LOADS; l++) {
            const int e = t + l * NT;
            const int i = i0 + (a_along_k ? e / DEPTH : e % TILE);
            const int ka = k0 + (a_along_k ? e % DEPTH : e / TILE);
            const int kb = k0 + (b_along_n ? e / TILE : e % DEPTH);
            const int j = j0 + (b_along_n ? e % TILE : e / DEPTH);
            a_next[l] = i < p.M && ka < p.K
                ? a[(long long)i * p.a_row + (long long)ka * p.a_column] : T(0);
            b_next[l] = kb < p.K && j < p.N
                ? b[(long long)kb * p.b_row + (long long)j * p.b_column] : T(0);
        }
    };
    auto store = [&](int buffer) {
#pragma unroll
        for (int l = 0; l < LOADS; l++) {
            const int e = t + l * NT;
            if (a_along_k) as[buffer][e % DEPTH][e / DEPTH] = a_next[l];
            else as[buffer][e / TILE][e % TILE] = a_next[l];
            if (b_along_n) bs[buffer][e / TILE][e % TILE] = b_next[l];
            else bs[buffer][e % DEPTH][e / DEPTH] = b_next[l];
        }
    };

    T sum[4][4] = {};
    load(0);
    store(0);
    __syncthreads();
    for (int k0 = 0, buffer = 0; k0 < p.K; k0 += DEPTH, buffer ^= 1) {
        const bool more = k0 + DEPTH < p.K;
        if (more) load(k0 + DEPTH);
#pragma unroll
        for (int k = 0; k < DEPTH; k++) {
            const Four<T> fa = load4(&as[buffer][k][row]), fb = load4(&bs[buffer][k][column]);
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += fa.v[i] * fb.v[j];
        }
        if (more) store(buffer ^ 1);          // nobody reads that one now
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int m = i0 + row + i, n = j0 + column + j;
            if (m < p.M && n < p.N)
                c[(long long)m * p.N + n] = sum[i][j] + (p.has_bias ? bias[n] : T(0));
        }
}

// sums[j] = sum over i of a[i, j], a (M, N) contiguous: a thread per column.
template <class T>
__global__ void column_sums_v1(const T* __restrict__ a, T* __restrict__ sums, int M, int N)
{
    const int j = blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= N) return;
    T sum = 0;
    for (int i = 0; i < M; i++) sum += a[(long long)i * N + j];
    sums[j] = sum;
}

// A block of 32 x 8 threads per 32 columns: eight threads share the rows of a column.
template <class T>
__global__ void __launch_bounds__(256)
column_sums_v2(const T* __restrict__ a, T* __restrict__ sums, int M, int N)
{
    __shared__ T partial[8][32];
    const int tx = threadIdx.x, ty = threadIdx.y, j = blockIdx.x * 32 + tx;
    T sum = 0;
    if (j < N)
        for (int i = ty; i < M; i += 8) sum += a[(long long)i * N + j];
    partial[ty][tx] = sum;
    __syncthreads();
    if (ty > 0 || j >= N) return;
#pragma unroll
    for (int k = 1; k < 8; k++) sum += partial[k][tx];
    sums[j] = sum;
}
