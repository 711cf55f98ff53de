// global_avg_pool2d.cu - the mean of each plane of x (N, C, H, W): y (N, C, 1, 1).
//
//   v1   a thread per channel of an image
//   v2   a warp, whose lanes read neighbours
#include "common.cuh"

// y[i] = mean of the `pixels` values of plane i.
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
