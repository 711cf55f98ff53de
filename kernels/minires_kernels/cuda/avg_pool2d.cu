// avg_pool2d.cu - the mean of each window.
#include "windows.cuh"

// The number by which a window's sum is divided: pixels of x and, if they count, of its padding.
__device__ __forceinline__ int area(const Window& w, int p, int q)
{
    int top = p * w.sh - w.ph, left = q * w.sw - w.pw;
    int bottom = min(top + w.R, w.H + w.ph), right = min(left + w.S, w.W + w.pw);
    if (!w.count_include_pad) {
        top = max(top, 0), left = max(left, 0);
        bottom = min(bottom, w.H), right = min(right, w.W);
    }
    return (bottom - top) * (right - left);
}

template <class T, int R, int S, int STRIDE>
__global__ void avg_pool_forward(const T* __restrict__ x, T* __restrict__ y, long long count,
                                 Window window)
{
    const Window w = fixed<R, S, STRIDE>(window);
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const int q = i % w.Q, p = i / w.Q % w.P;
    const T* const image = x + i / ((long long)w.P * w.Q) * ((long long)w.H * w.W);
    T sum = 0;
#pragma unroll
    for (int r = 0; r < w.R; r++) {
        const int h = p * w.sh + r - w.ph;
        if (h < 0 || h >= w.H) continue;
#pragma unroll
        for (int s = 0; s < w.S; s++) {
            const int column = q * w.sw + s - w.pw;
            if (column >= 0 && column < w.W) sum += image[(long long)h * w.W + column];
        }
    }
    y[i] = sum / T(area(w, p, q));
}

template <class T, int R, int S, int STRIDE>
__global__ void avg_pool_backward(const T* __restrict__ dy, T* __restrict__ dx, long long count,
                                  Window window)
{
    const Window w = fixed<R, S, STRIDE>(window);
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const int column = i % w.W, h = i / w.W % w.H;
    const T* const image = dy + i / ((long long)w.H * w.W) * ((long long)w.P * w.Q);
    T sum = 0;
    each_window(w, h, column, [&](int p, int q) {
        sum += image[(long long)p * w.Q + q] / T(area(w, p, q));
    });
    dx[i] = sum;
}
