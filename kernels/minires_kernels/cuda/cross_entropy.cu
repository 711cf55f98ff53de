// cross_entropy.cu - loss[n] = -sum_c q[n,c] log softmax(logits)[n,c], and its gradient; logits (N, C).
//
//   q = (1 - smoothing) one-hot(target) + smoothing / C; a row whose label is `ignore` has loss and
//   gradient 0.
//   A label outside 0 ... C - 1 makes the loss of its row, and that row's gradient, NaN: a kernel
//   cannot raise an error, and must not read beyond the row.
//   v1   a thread owns a row
//   v2   a warp owns a row: its lanes take every 32nd class and meet by shuffles
#include "common.cuh"

template <class T> __device__ __forceinline__ T not_a_number() { return T(0) / T(0); }

// The loss of a row, from log p of its label and the sum of log p over all classes.
template <class T>
__device__ __forceinline__ T smoothed(T at_label, T sum, T smoothing, int C)
{
    return smoothing == T(0) ? -at_label : (smoothing - T(1)) * at_label - smoothing * sum / C;
}

template <class T>
__global__ void cross_entropy_forward_v1(const T* __restrict__ logits,
                                         const long long* __restrict__ target,
                                         T* __restrict__ loss, T* __restrict__ log_p,
                                         T smoothing, int ignore, int N, int C)
{
    const long long n = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (n >= N) return;
    const T* const row = logits + (long long)n * C;
    T* const out = log_p + (long long)n * C;
    T largest = row[0], sum = 0;
    for (int c = 1; c < C; c++) largest = row[c] > largest || row[c] != row[c] ? row[c] : largest;
    for (int c = 0; c < C; c++) sum += exponential(row[c] - largest);
    const T log_sum = logarithm(sum);
    sum = 0;
    for (int c = 0; c < C; c++) sum += out[c] = row[c] - largest - log_sum;
    const long long label = target[n];
    loss[n] = label == ignore              ? T(0)
            : label >= 0 && label < C      ? smoothed(out[label], sum, smoothing, C)
                                           : not_a_number<T>();
}

template <class T>
__global__ void cross_entropy_forward_v2(const T* __restrict__ logits,
                                         const long long* __restrict__ target,
                                         T* __restrict__ loss, T* __restrict__ log_p,
                                         T smoothing, int ignore, int N, int C)
{
    const long long n = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    const int lane = threadIdx.x % 32;
    if (n >= N) return;                       // a whole warp leaves, or none of it
    const T* const row = logits + (long long)n * C;
    T* const out = log_p + (long long)n * C;
    T largest = row[0], sum = 0;
    for (int c = lane; c < C; c += 32) largest = row[c] > largest || row[c] != row[c] ? row[c] : largest;
    largest = warp_max(largest);
    for (int c = lane; c < C; c += 32) sum += exponential(row[c] - largest);
    const T log_sum = logarithm(warp_sum(sum));
    const long long label = target[n];
    T at_label = 0;
    sum = 0;
    for (int c = lane; c < C; c += 32) {
        const T value = row[c] - largest - log_sum;
        out[c] = value;
        sum += value;
        if (c == label) at_label = value;
    }
    if (smoothing != T(0)) sum = warp_sum(sum);                  // all lanes agree on `smoothing`
    at_label = warp_sum(at_label);                               // one lane has it, the others 0
    if (lane != 0) return;
    loss[n] = label == ignore         ? T(0)
            : label >= 0 && label < C ? smoothed(at_label, sum, smoothing, C)
                                      : not_a_number<T>();
}

// dlogits = (softmax - q) dy: a thread owns one element.
template <class T>
__global__ void cross_entropy_backward_v1(const T* __restrict__ dy, const T* __restrict__ log_p,
                                          const long long* __restrict__ target,
                                          T* __restrict__ dlogits,
                                          T smoothing, int ignore, int N, int C)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= (long long)N * C) return;
    const int n = i / C, c = i % C;
    const long long label = target[n];
    const T p = label >= 0 && label < C ? exponential(log_p[i]) : not_a_number<T>();
    const T q = c == label ? T(1) - smoothing * (C - 1) / C : smoothing / C;
    dlogits[i] = label == ignore ? T(0) : (p - q) * dy[n];
}

// A warp owns a row: no division, one load of the label and of dy for 32 elements.
template <class T>
__global__ void cross_entropy_backward_v2(const T* __restrict__ dy, const T* __restrict__ log_p,
                                          const long long* __restrict__ target,
                                          T* __restrict__ dlogits,
                                          T smoothing, int ignore, int N, int C)
{
    const long long n = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 32;
    const int lane = threadIdx.x % 32;
    if (n >= N) return;
    const long long label = target[n], first = (long long)n * C;
    const bool known = label >= 0 && label < C;
    const T d = dy[n];
    for (int c = lane; c < C; c += 32) {
        const T p = known ? exponential(log_p[first + c]) : not_a_number<T>();
        const T q = c == label ? T(1) - smoothing * (C - 1) / C : smoothing / C;
        dlogits[first + c] = label == ignore ? T(0) : (p - q) * d;
    }
}
