// limits.cu - what a GPU can do at most; limits.py times these kernels.
// mma.cuh comes before this text.

// b = a, 128 bits at a time: bytes per second.
extern "C" __global__ void copy(const float4* __restrict__ a, float4* __restrict__ b, long long n)
{
    const long long step = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) b[i] = a[i];
}

// Multiply-adds in registers, 16 independent chains in each thread: FLOP per second in float32.
// What is written depends on all of them, so that none can be left out.
extern "C" __global__ void fma_loop(float* __restrict__ out, int steps, float a, float b)
{
    float x[16], sum = 0;
#pragma unroll
    for (int i = 0; i < 16; i++) x[i] = threadIdx.x + i;
#pragma unroll 8
    for (int s = 0; s < steps; s++)
#pragma unroll
        for (int i = 0; i < 16; i++) x[i] = fmaf(x[i], a, b);
#pragma unroll
    for (int i = 0; i < 16; i++) sum += x[i];
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// Products of 16 x 8 by 8 x 8 on tensor cores in TF32, 8 independent chains in each warp.
extern "C" __global__ void mma_loop(float* __restrict__ out, int steps)
{
    const unsigned one = to_tf32(1.0f + threadIdx.x % 32);
    const unsigned a[4] = {one, one, one, one}, b[2] = {one, one};
    float d[8][4] = {}, sum = 0;
    for (int s = 0; s < steps; s++)
#pragma unroll
        for (int i = 0; i < 8; i++) mma_16x8x8(d[i], a, b);
#pragma unroll
    for (int i = 0; i < 8; i++) sum += d[i][0] + d[i][1] + d[i][2] + d[i][3];
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

// A chain of multiply-adds, each of which waits for the one before: takes time and nothing else.
extern "C" __global__ void delay(float* out, long long steps)
{
    float x = 0;
    for (long long s = 0; s < steps; s++) x = fmaf(x, 0.5f, 1.0f);
    out[0] = x;
}

// What a launch costs by itself.
extern "C" __global__ void nothing(float* out)
{
    if (blockIdx.x == 0xffffffffu) out[0] = 0;
}
