// add.cu - the sum of two arrays, in new memory or in that of the first.

// y = a + b
template <class T>
__global__ void add(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ y, long long n)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a[i] + b[i];
}

// a += b
template <class T>
__global__ void add_into(T* __restrict__ a, const T* __restrict__ b, long long n)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) a[i] += b[i];
}
