// y[i] = mean of x[i - 1] and x[i], through shared memory. It has forgotten its barrier.
// check: launch smooth grid=ceil(n/128) block=128 n=1..2000 x=float[n] y=float[n]
extern "C" __global__ void smooth(const float* x, float* y, int n)
{
    __shared__ float tile[128];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    tile[t] = i < n ? x[i] : 0.0f;
    if (i < n && t > 0) y[i] = (tile[t - 1] + tile[t]) / 2;
}
