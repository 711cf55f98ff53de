// conv2d_v1.cu - the definition: a thread owns one result and runs through its whole sum.
//   bytes    every product reads an x and a w from memory (or a cache): nothing is shared
//   dx, dw   gather, too: the thread asks which outputs its pixel or its weight took part in
//   The gradient of w leaves all but K C R S threads idle; it is here to be read.
#include "common.cuh"
#include "conv2d.cuh"

template <class T>
__global__ void conv2d_forward_v1(const T* __restrict__ x, const T* __restrict__ w,
                                  const T* __restrict__ b, T* __restrict__ y, int has_b, Conv g)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)g.N * g.K * g.P * g.Q) return;
    const int q = i % g.Q, p = i / g.Q % g.P, k = i / ((long long)g.Q * g.P) % g.K;
    const int n = i / ((long long)g.Q * g.P * g.K), first = k / g.filters() * g.channels();
    T sum = has_b ? b[k] : T(0);
    for (int c = 0; c < g.channels(); c++) {
        const T* const plane = x + ((long long)n * g.C + first + c) * g.H * g.W;
        const T* const filter = w + ((long long)k * g.channels() + c) * g.R * g.S;
        for (int r = 0; r < g.R; r++) {
            const int h = p * g.sh + r * g.dh - g.ph;
            if (h < 0 || h >= g.H) continue;
            for (int s = 0; s < g.S; s++) {
                const int column = q * g.sw + s * g.dw - g.pw;
                if (column < 0 || column >= g.W) continue;
                sum += plane[(long long)h * g.W + column] * filter[r * g.S + s];
            }
        }
    }
    y[i] = sum;
}

// dx[n, c, h, column] = sum over k, r, s of dy[n, k, p, q] w[k, c, r, s] where p, q are whole numbers
template <class T>
__global__ void conv2d_dx_v1(const T* __restrict__ dy, const T* __restrict__ w, T* __restrict__ dx,
                             Conv g)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)g.N * g.C * g.H * g.W) return;
    const int column = i % g.W, h = i / g.W % g.H, c = i / ((long long)g.W * g.H) % g.C;
    const int n = i / ((long long)g.W * g.H * g.C), group = c / g.channels();
    T sum = 0;
    for (int f = 0; f < g.filters(); f++) {
        const int k = group * g.filters() + f;
        const T* const plane = dy + ((long long)n * g.K + k) * g.P * g.Q;
        const T* const filter = w + ((long long)k * g.channels() + c % g.channels()) * g.R * g.S;
        for (int r = 0; r < g.R; r++) {
            const int top = h + g.ph - r * g.dh, p = top / g.sh;
            if (top < 0 || top % g.sh != 0 || p >= g.P) continue;
            for (int s = 0; s < g.S; s++) {
                const int left = column + g.pw - s * g.dw, q = left / g.sw;
                if (left < 0 || left % g.sw != 0 || q >= g.Q) continue;
                sum += plane[(long long)p * g.Q + q] * filter[r * g.S + s];
            }
        }
    }
    dx[i] = sum;
}

template <class T>
__global__ void conv2d_dw_v1(const T* __restrict__ dy, const T* __restrict__ x, T* __restrict__ dw,
                             Conv g)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)g.K * g.channels() * g.R * g.S) return;
    const int s = i % g.S, r = i / g.S % g.R, c = i / ((long long)g.S * g.R) % g.channels();
    const int k = i / ((long long)g.S * g.R * g.channels());
    const int channel = k / g.filters() * g.channels() + c;
    T sum = 0;
    for (int n = 0; n < g.N; n++) {
        const T* const plane = x + ((long long)n * g.C + channel) * g.H * g.W;
        const T* const d = dy + ((long long)n * g.K + k) * g.P * g.Q;
        for (int p = 0; p < g.P; p++) {
            const int h = p * g.sh + r * g.dh - g.ph;
            if (h < 0 || h >= g.H) continue;
            for (int q = 0; q < g.Q; q++) {
                const int column = q * g.sw + s * g.dw - g.pw;
                if (column < 0 || column >= g.W) continue;
                sum += d[(long long)p * g.Q + q] * plane[(long long)h * g.W + column];
            }
        }
    }
    dw[i] = sum;
}

// db[k] = sum of dy over all but k: a block owns a channel.
template <class T>
__global__ void conv2d_db(const T* __restrict__ dy, T* __restrict__ db, int N, int K, int pixels)
{
    const int k = blockIdx.x;
    T sum = 0;
    for (long long i = threadIdx.x; i < (long long)N * pixels; i += blockDim.x)
        sum += dy[(i / pixels * K + k) * pixels + i % pixels];
    sum = block_sum(sum);
    if (threadIdx.x == 0) db[k] = sum;
}
