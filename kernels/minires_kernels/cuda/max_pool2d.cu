// max_pool2d.cu - the maximum of each window, and where it was.
#include "windows.cuh"

// winner: index h W + w of the first largest pixel; a NaN is larger than any number.
template <class T, int R, int S, int STRIDE>
__global__ void max_pool_forward(const T* __restrict__ x, T* __restrict__ y,
                                 long long* __restrict__ winner, long long count, Window window)
{
    const Window w = fixed<R, S, STRIDE>(window);
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count) return;
    const int q = i % w.Q, p = i / w.Q % w.P;
    const T* const image = x + i / ((long long)w.P * w.Q) * ((long long)w.H * w.W);
    T best = 0;
    int index = -1;
#pragma unroll
    for (int r = 0; r < w.R; r++) {
        const int h = p * w.sh + r * w.dh - w.ph;
        if (h < 0 || h >= w.H) continue;
#pragma unroll
        for (int s = 0; s < w.S; s++) {
            const int column = q * w.sw + s * w.dw - w.pw;
            if (column < 0 || column >= w.W) continue;
            const T value = image[(long long)h * w.W + column];
            if (index < 0 || value > best || (value != value && best == best)) {
                best = value;
                index = h * w.W + column;
            }
        }
    }
    y[i] = best;
    winner[i] = index;
}

template <class T, int R, int S, int STRIDE>
__global__ void max_pool_backward(const T* __restrict__ dy, const long long* __restrict__ winner,
                                  T* __restrict__ dx, long long count, Window window)
{
    const Window w = fixed<R, S, STRIDE>(window);
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;      // pixel of dx
    if (i >= count) return;
    const int column = i % w.W, h = i / w.W % w.H;
    const long long first = i / ((long long)w.H * w.W) * ((long long)w.P * w.Q);
    T sum = 0;
    each_window(w, h, column, [&](int p, int q) {
        const long long o = first + (long long)p * w.Q + q;
        if (winner[o] == (long long)h * w.W + column) sum += dy[o];
    });
    dx[i] = sum;
}
