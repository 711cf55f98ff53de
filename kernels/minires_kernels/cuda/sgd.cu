// sgd.cu - a step of stochastic gradient descent, in place.

// One element of SGD. options = (lr, momentum, dampening, weight decay, nesterov) lie in memory and
// not among the arguments, so that a captured graph sees a new learning rate.
//   g = g + decay p;   v = momentum v + (1 - dampening) g, or g at first;   p = p - lr v
// With nesterov, p = p - lr (g + momentum v). Without momentum, or without a v, p = p - lr g.
template <class T>
__device__ __forceinline__ void sgd_element(T* p, const T* g, T* v, long long i, bool first,
                                            const T* options)
{
    const T lr = options[0], momentum = options[1], dampening = options[2], decay = options[3];
    T step = decay != T(0) ? g[i] + decay * p[i] : g[i];
    if (v && momentum != T(0)) {
        const T velocity = first ? step : momentum * v[i] + (T(1) - dampening) * step;
        v[i] = velocity;
        step = options[4] != T(0) ? step + momentum * velocity : velocity;
    }
    p[i] -= lr * step;
}

// v1: one parameter a launch. Where there is no velocity v is a null pointer.
template <class T>
__global__ void sgd_v1(T* __restrict__ p, const T* __restrict__ g, T* __restrict__ v, long long n,
                       int first, const T* __restrict__ options)
{
    const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) sgd_element(p, g, v, i, first, options);
}

// v2: eight parameters a launch, a row of blocks for each: most parameters of a network are small,
// and a launch costs as much as thousands of elements. `first` has a bit for each parameter.
struct Sizes { int n[8]; };

template <class T>
__global__ void sgd_v2(T* p0, const T* g0, T* v0, T* p1, const T* g1, T* v1, T* p2, const T* g2,
                       T* v2, T* p3, const T* g3, T* v3, T* p4, const T* g4, T* v4, T* p5,
                       const T* g5, T* v5, T* p6, const T* g6, T* v6, T* p7, const T* g7, T* v7,
                       Sizes sizes, int first, const T* __restrict__ options)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y;
    if (i >= sizes.n[row]) return;
    const bool begin = first >> row & 1;
    switch (row) {      // a uniform branch; an array of pointers would go through local memory
    case 0: return sgd_element(p0, g0, v0, i, begin, options);
    case 1: return sgd_element(p1, g1, v1, i, begin, options);
    case 2: return sgd_element(p2, g2, v2, i, begin, options);
    case 3: return sgd_element(p3, g3, v3, i, begin, options);
    case 4: return sgd_element(p4, g4, v4, i, begin, options);
    case 5: return sgd_element(p5, g5, v5, i, begin, options);
    case 6: return sgd_element(p6, g6, v6, i, begin, options);
    case 7: return sgd_element(p7, g7, v7, i, begin, options);
    }
}
