// running_statistics.cu - the running mean and variance of batch normalisation, in place.

// running = (1 - momentum) running + momentum batch, for the mean and for the variance, which is
// made unbiased by count / (count - 1)
template <class T>
__global__ void running_statistics(T* __restrict__ running_mean, T* __restrict__ running_var,
                                   const T* __restrict__ mean, const T* __restrict__ var,
                                   T unbiased, T momentum, int channels)
{
    const int c = blockIdx.x * blockDim.x + threadIdx.x;
    if (c >= channels) return;
    running_mean[c] = (T(1) - momentum) * running_mean[c] + momentum * mean[c];
    running_var[c] = (T(1) - momentum) * running_var[c] + momentum * (unbiased * var[c]);
}
