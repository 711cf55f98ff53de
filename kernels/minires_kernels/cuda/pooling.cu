// pooling.cu - maximum, mean and global mean over windows of x (N, C, H, W); y (N, C, P, Q).
//
//   Every kernel gathers: a thread owns one result and reads what it needs, so that nothing is added
//   by two threads and the order of sums is fixed.
//   v1   window sizes and strides are arguments
//   v2   R, S and the stride are constants of the compiler: loops unroll, divisions become shifts
//   global mean: v1 a thread per channel of an image, v2 a warp, whose lanes read neighbours
#include "common.cuh"

struct Window { int C, H, W, P, Q, R, S, sh, sw, ph, pw, dh, dw, count_include_pad; };

// The window with what is known at compile time put in; 0 stands for unknown.
template <int R, int S, int STRIDE> __device__ __forceinline__ Window fixed(Window w)
{
    if (R) {
        w.R = R, w.S = S;
        w.sh = w.sw = STRIDE;
        w.dh = w.dw = 1;
    }
    return w;
}

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

// Calls f(p, q) for each output whose window covers pixel (h, column).
template <class F> __device__ __forceinline__ void each_window(const Window& w, int h, int column, F f)
{
#pragma unroll
    for (int r = 0; r < w.R; r++) {
        const int top = h + w.ph - r * w.dh, p = top / w.sh;
        if (top < 0 || top % w.sh != 0 || p >= w.P) continue;
#pragma unroll
        for (int s = 0; s < w.S; s++) {
            const int left = column + w.pw - s * w.dw, q = left / w.sw;
            if (left < 0 || left % w.sw != 0 || q >= w.Q) continue;
            f(p, q);
        }
    }
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

// Global mean: y[i] = mean of the `pixels` values of plane i.
template <class T>
__global__ void global_avg_forward_v1(const T* __restrict__ x, T* __restrict__ y, int planes,
                                      int pixels)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= planes) return;
    T sum = 0;
    for (int k = 0; k < pixels; k++) sum += x[(long long)i * pixels + k];
    y[i] = sum / T(pixels);
}

template <class T>
__global__ void global_avg_forward_v2(const T* __restrict__ x, T* __restrict__ y, int planes,
                                      int pixels)
{
    const long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    const int lane = threadIdx.x % 32;
    if (i >= planes) return;                  // a whole warp leaves, or none of it
    T sum = 0;
    for (int k = lane; k < pixels; k += 32) sum += x[i * pixels + k];
    sum = warp_sum(sum);
    if (lane == 0) y[i] = sum / T(pixels);
}

template <class T>
__global__ void global_avg_backward_v1(const T* __restrict__ dy, T* __restrict__ dx,
                                       long long count, int pixels)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count) dx[i] = dy[i / pixels] / T(pixels);
}

// A warp fills a plane: one load of dy and one division for all of it.
template <class T>
__global__ void global_avg_backward_v2(const T* __restrict__ dy, T* __restrict__ dx, int planes,
                                       int pixels)
{
    const long long i = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    if (i >= planes) return;
    const T share = dy[i] / T(pixels);
    for (int k = threadIdx.x % 32; k < pixels; k += 32) dx[i * pixels + k] = share;
}
