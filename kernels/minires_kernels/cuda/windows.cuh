// windows.cuh - sliding windows over x (N, C, H, W) for pooling; y (N, C, P, Q).
//
//   Every kernel gathers: a thread owns one result and reads what it needs, so that nothing is added
//   by two threads and the order of sums is fixed.
//   v1   window sizes and strides are arguments
//   v2   R, S and the stride are constants of the compiler: loops unroll, divisions become shifts
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
