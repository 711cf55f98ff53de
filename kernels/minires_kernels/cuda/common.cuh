// common.cuh - what several kernels share. No CUDA header is included anywhere: these files compile
// with bare NVRTC, and with any C++ compiler under the emulator.

template <class T> struct Pair { T a, b; };

// Four neighbours that travel in one 128-bit load or store (two of them in double precision).
// The address must be a multiple of 16 bytes.
template <class T> struct __align__(16) Four { T v[4]; };

template <class T> __device__ __forceinline__ Four<T> load4(const T* p)
{
    return *reinterpret_cast<const Four<T>*>(p);
}
template <class T> __device__ __forceinline__ void store4(T* p, const Four<T>& f)
{
    *reinterpret_cast<Four<T>*>(p) = f;
}

// Overloads by type, because templates need one name for both precisions.
__device__ __forceinline__ float root(float x) { return sqrtf(x); }
__device__ __forceinline__ double root(double x) { return sqrt(x); }
__device__ __forceinline__ float exponential(float x) { return expf(x); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }
__device__ __forceinline__ float logarithm(float x) { return logf(x); }
__device__ __forceinline__ double logarithm(double x) { return log(x); }

// max(x, 0). A NaN is not below 0: it stays.
template <class T> __device__ __forceinline__ T positive(T x) { return x < T(0) ? T(0) : x; }

// Sum over the 32 lanes of a warp, in every lane: after step d each lane holds the sum of the 2d
// lanes whose numbers differ from its own in the lowest bits. The order of additions is fixed.
template <class T> __device__ __forceinline__ T warp_sum(T x)
{
#pragma unroll
    for (int d = 1; d < 32; d *= 2) x += __shfl_xor_sync(0xffffffffu, x, d);
    return x;
}

template <class T> __device__ __forceinline__ T warp_max(T x)
{
#pragma unroll
    for (int d = 1; d < 32; d *= 2) {
        const T other = __shfl_xor_sync(0xffffffffu, x, d);
        x = other > x || other != other ? other : x;      // a NaN wins
    }
    return x;
}

// Sum over a block of whole warps (at most 32), in every thread: within each warp by shuffles, then
// the warps' sums, which every thread adds up in the same order.
template <class T> __device__ __forceinline__ T block_sum(T a)
{
    __shared__ T sums[32];
    a = warp_sum(a);
    __syncthreads();                                      // an earlier call may still be read
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = a;
    __syncthreads();
    T sum = 0;
    for (int i = 0; i < (int)blockDim.x / 32; i++) sum += sums[i];
    return sum;
}

// The same for two numbers, with no more barriers.
template <class T> __device__ __forceinline__ Pair<T> block_sum(T a, T b)
{
    __shared__ T sa[32], sb[32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    a = warp_sum(a);
    b = warp_sum(b);
    __syncthreads();
    if (lane == 0) {
        sa[warp] = a;
        sb[warp] = b;
    }
    __syncthreads();
    Pair<T> sum = {T(0), T(0)};
    for (int i = 0; i < (int)blockDim.x / 32; i++) {
        sum.a += sa[i];
        sum.b += sb[i];
    }
    return sum;
}
