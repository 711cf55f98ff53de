"""The kernels of lesson 17, without their bugs."""

from __future__ import annotations

ADD_RELU = r"""
extern "C" __global__ void add_relu(const float* x, const float* f, float* y, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = fmaxf(x[i] + f[i], 0.0f);
}
"""
MEAN = r"""
extern "C" __global__ void channel_mean(const float* x, float* mean, int m)
{
    __shared__ float part[128];
    int t = threadIdx.x;
    float sum = 0.0f;
    for (int i = t; i < m; i += blockDim.x)
        sum += x[blockIdx.x * m + i];
    part[t] = sum;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (t >= blockDim.x - half)
            part[t] += part[t - half];
        __syncthreads();
    }
    if (t == blockDim.x - 1)
        mean[blockIdx.x] = part[t] / m;
}
"""
FOUR = r"""
extern "C" __global__ void add_relu(const float* x, const float* f, float* y, int n)
{
    int all = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += all)
        y[i] = fmaxf(x[i] + f[i], 0.0f);
}
"""
NEIGHBOURS = r"""
extern "C" __global__ void add_relu(const float* x, const float* f, float* y, int n)
{
    int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    for (int i = first; i < first + 4 && i < n; i++)
        y[i] = fmaxf(x[i] + f[i], 0.0f);
}
"""
TRANSPOSE = r"""
extern "C" __global__ void transpose(const float* x, float* y, int rows, int columns)
{
    __shared__ float tile[32][33];
    int row = 32 * blockIdx.y, column = 32 * blockIdx.x;
    for (int i = threadIdx.y; i < 32; i += blockDim.y)
        if (row + i < rows && column + threadIdx.x < columns)
            tile[i][threadIdx.x] = x[(row + i) * columns + column + threadIdx.x];
    __syncthreads();
    for (int i = threadIdx.y; i < 32; i += blockDim.y)
        if (column + i < columns && row + threadIdx.x < rows)
            y[(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
}
"""
PRODUCT = r"""
extern "C" __global__ void product(const float* a, const float* b, float* y, int m, int k, int n)
{
    __shared__ float ta[16][16], tb[16][16];
    int tx = threadIdx.x, ty = threadIdx.y;
    int row = 16 * blockIdx.y + ty, column = 16 * blockIdx.x + tx;
    float sum = 0.0f;
    for (int j = 0; j < k; j += 16) {
        ta[ty][tx] = row < m && j + tx < k ? a[row * k + j + tx] : 0.0f;
        tb[ty][tx] = j + ty < k && column < n ? b[(j + ty) * n + column] : 0.0f;
        __syncthreads();
        for (int i = 0; i < 16; i++)
            sum += ta[ty][i] * tb[i][tx];
        __syncthreads();
    }
    if (row < m && column < n)
        y[row * n + column] = fmaxf(sum, 0.0f);
}
"""
NAIVE = r"""
extern "C" __global__ void product(const float* a, const float* b, float* y, int m, int k, int n)
{
    int row = 16 * blockIdx.y + threadIdx.y, column = 16 * blockIdx.x + threadIdx.x;
    if (row >= m || column >= n) return;
    float sum = 0.0f;
    for (int i = 0; i < k; i++)
        sum += a[row * k + i] * b[i * n + column];
    y[row * n + column] = fmaxf(sum, 0.0f);
}
"""
