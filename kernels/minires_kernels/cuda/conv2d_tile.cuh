// conv2d_tile.cuh - what v3 and v4 of convolution share: how tiles reach shared memory and results
// leave. `Inner` multiplies two tiles in shared memory; it brings the sizes
//   BM, BN, BK   rows and columns of a tile of the result, and how much of the sum is done at a time
//   THREADS      of a block;  ROWS, COLUMNS of the result that one thread owns
// and Stored (the type in shared memory), PAD, stored(value), multiply(as, bs), row(i), column(j),
// at(i, j). While it multiplies one pair of tiles, the next pair is loaded into registers, and goes
// to the other half of the shared memory (double buffering): one barrier per step.
#include "common.cuh"
#include "conv2d.cuh"

// ---- images: y from x, or dx from dy -------------------------------------------------------------

// The two are one kernel. The result's pixel i of an axis, of those that a phase has, takes in
// pixel  i in_stride + offset(tap)  of the image that is read:
//   y    in_stride = stride, offset = tap dilation - padding; one phase, all taps
//   dx   pixel h = phase + i stride of dx took part in output p with p stride = h + padding - tap
//        dilation. So p = i + (phase + padding - tap dilation) / stride, for the taps where that is
//        a whole number: as many phases as the stride, each with its own share of the taps, and no
//        product with a zero between the strides.
struct Axis {
    int phase, stride, padding, dilation, gradient;
    __device__ __forceinline__ int reach(int tap) const { return phase + padding - tap * dilation; }
    __device__ __forceinline__ bool meets(int tap) const
    {
        return !gradient || reach(tap) % stride == 0;
    }
    __device__ __forceinline__ int offset(int tap) const
    {
        return gradient ? reach(tap) / stride : tap * dilation - padding;
    }
    __device__ __forceinline__ int in_stride() const { return gradient ? 1 : stride; }
    __device__ __forceinline__ int out_stride() const { return gradient ? stride : 1; }
    __device__ __forceinline__ int count(int size) const      // pixels of the result in this phase
    {
        return gradient ? (size - phase + stride - 1) / stride : size;
    }
};

// `rows` channels of a group are written and `depth` are summed over; padded as in packed weights.
// vector: four neighbours of the result may be stored at once.
struct Images {
    int N, rows, depth, rows_padded, depth_padded, in_C, in_H, in_W, out_C, out_H, out_W;
    int R, S, sh, sw, ph, pw, dh, dw, gradient, has_b, vector;
};

// packed[group][tap][d][row]: the weights in the order in which tiles want them, zeros as padding.
template <class T>
__global__ void pack_weights(const T* __restrict__ w, T* __restrict__ packed, long long count,
                             int taps, Images g)
{
    const long long e = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    if (e >= count) return;
    const int row = e % g.rows_padded, d = e / g.rows_padded % g.depth_padded;
    const long long rest = e / ((long long)g.rows_padded * g.depth_padded);
    const int tap = rest % taps, group = rest / taps;
    T value = 0;
    if (row < g.rows && d < g.depth) {
        const int k = g.gradient ? d : row, c = g.gradient ? row : d;      // of the group
        const int filters = g.gradient ? g.depth : g.rows, channels = g.gradient ? g.rows : g.depth;
        value = w[(((long long)group * filters + k) * channels + c) * taps + tap];
    }
    packed[e] = value;
}

// blockIdx: tile of pixels, tile of channels, group and phase.
template <class T, class Inner>
__device__ __forceinline__ void image_tile(const T* __restrict__ in, const T* __restrict__ packed,
                                           const T* __restrict__ b, T* __restrict__ out,
                                           const Images& g)
{
    constexpr int BM = Inner::BM, BN = Inner::BN, BK = Inner::BK, NT = Inner::THREADS;
    constexpr int OWN = BN > NT ? BN / NT : 1;                // pixels that a thread loads
    constexpr int STEP = NT > BN ? NT / BN : 1;               // threads that share a pixel
    constexpr int A_LOADS = BM * BK / NT, B_LOADS = BK / STEP;
    static_assert(BM * BK % NT == 0 && (BN % NT == 0 || NT % BN == 0) && BK % STEP == 0, "tile");
    using Stored = typename Inner::Stored;
    __shared__ __align__(16) Stored as[2][BK][BM + Inner::PAD], bs[2][BK][BN + Inner::PAD];

    const int phases = g.gradient ? g.sh * g.sw : 1, phase = blockIdx.z % phases;
    const int group = blockIdx.z / phases, t = threadIdx.x;
    const Axis vertical = {phase / g.sw, g.sh, g.ph, g.dh, g.gradient};
    const Axis horizontal = {phase % g.sw, g.sw, g.pw, g.dw, g.gradient};
    const int height = vertical.count(g.out_H), width = horizontal.count(g.out_W);
    const int pixels = g.N * height * width, m0 = blockIdx.y * BM, p0 = blockIdx.x * BN;
    if (p0 >= pixels) return;                                 // a later phase may have fewer

    // The pixels whose column of b this thread loads: rows d0, d0 + STEP, ... of it.
    const int d0 = t / BN % STEP;
    int top[OWN], left[OWN];
    const T* plane[OWN];
#pragma unroll
    for (int o = 0; o < OWN; o++) {
        const int p = p0 + t % BN + o * NT, n = p / (height * width);
        top[o] = p < pixels ? p / width % height * vertical.in_stride() : -(1 << 29);      // outside
        left[o] = p % width * horizontal.in_stride();
        plane[o] = in + ((long long)(p < pixels ? n : 0) * g.in_C + (long long)group * g.depth + d0)
            * g.in_H * g.in_W;
    }

    // The place in the sum: tap (r, s), then channels d ... d + BK - 1.
    int r = 0, s = 0, d = 0;
    auto settle = [&] {                                       // at a tap that this phase meets
        while (r < g.R && !(vertical.meets(r) && horizontal.meets(s)))
            if (++s == g.S) s = 0, r++;
    };
    auto advance = [&] {
        d += BK;
        if (d < g.depth) return;
        d = 0;
        if (++s == g.S) s = 0, r++;
        settle();
    };

    T a_next[A_LOADS], b_next[B_LOADS][OWN];
    auto load = [&] {
        const long long tap = (long long)group * g.R * g.S + r * g.S + s;
        const T* const a = packed + (tap * g.depth_padded + d) * g.rows_padded + m0;
#pragma unroll
        for (int l = 0; l < A_LOADS; l++) {
            const int e = t + l * NT;
            a_next[l] = a[(long long)(e / BM) * g.rows_padded + e % BM];
        }
#pragma unroll
        for (int o = 0; o < OWN; o++) {
            const int h = top[o] + vertical.offset(r), column = left[o] + horizontal.offset(s);
            const bool inside = h >= 0 && h < g.in_H && column >= 0 && column < g.in_W;
            const T* const source = plane[o] + ((long long)d * g.in_H + h) * g.in_W + column;
#pragma unroll
            for (int l = 0; l < B_LOADS; l++)
                b_next[l][o] = inside && d + d0 + l * STEP < g.depth
                    ? source[(long long)l * STEP * g.in_H * g.in_W] : T(0);
        }
    };
    auto store = [&](int buffer) {
#pragma unroll
        for (int l = 0; l < A_LOADS; l++) {
            const int e = t + l * NT;
            as[buffer][e / BM][e % BM] = Inner::stored(a_next[l]);
        }
#pragma unroll
        for (int l = 0; l < B_LOADS; l++)
#pragma unroll
            for (int o = 0; o < OWN; o++)
                bs[buffer][d0 + l * STEP][t % BN + o * NT] = Inner::stored(b_next[l][o]);
    };

    Inner inner;
    settle();
    if (r < g.R) {
        load();
        store(0);
    }
    __syncthreads();
    for (int buffer = 0; r < g.R; buffer ^= 1) {
        advance();
        if (r < g.R) load();
        inner.multiply(as[buffer], bs[buffer]);
        if (r < g.R) store(buffer ^ 1);                       // nobody reads that one now
        __syncthreads();
    }

#pragma unroll
    for (int j = 0; j < Inner::COLUMNS; j++) {
        const int p = p0 + inner.column(j);
        if (p >= pixels) continue;
        const int h = vertical.phase + p / width % height * vertical.out_stride();
        const int column = horizontal.phase + p % width * horizontal.out_stride();
        T* const y = out + (((long long)(p / (height * width)) * g.out_C + group * g.rows) * g.out_H
            + h) * g.out_W + column;
#pragma unroll
        for (int i = 0; i < Inner::ROWS; i++) {
            const int m = m0 + inner.row(i);
            if (m >= g.rows) continue;
            T* const place = y + (long long)m * g.out_H * g.out_W;
            const T bias = g.has_b ? b[group * g.rows + m] : T(0);
            if (Inner::NEIGHBOURS == 4 && g.vector) {         // columns j ... j + 3 at once
                if (j % 4 == 0) {
                    Four<T> four;
#pragma unroll
                    for (int k = 0; k < 4; k++) four.v[k] = inner.at(i, (j + k) % Inner::COLUMNS) + bias;
                    store4(place, four);
                }
            } else {
                *place = inner.at(i, j) + bias;
            }
        }
    }
}

// ---- weights: dw from dy and x -------------------------------------------------------------------

// Rows k, columns (c, r, s), summed over `each` of the pixels (n, p, q): blockIdx.z is the group and
// which part of the sum. parts[part] has the shape of w; another launch adds them up.
template <class T, class Inner>
__device__ __forceinline__ void weight_tile(const T* __restrict__ dy, const T* __restrict__ x,
                                            T* __restrict__ parts, int each, const Conv& g)
{
    constexpr int BM = Inner::BM, BN = Inner::BN, BK = Inner::BK, NT = Inner::THREADS;
    constexpr int STEP = NT / BK, A_LOADS = BM / STEP, B_LOADS = BN / STEP;
    static_assert(NT % BK == 0 && BM % STEP == 0 && BN % STEP == 0, "tile");
    using Stored = typename Inner::Stored;
    __shared__ __align__(16) Stored as[2][BK][BM + Inner::PAD], bs[2][BK][BN + Inner::PAD];

    const int t = threadIdx.x, group = blockIdx.z % g.groups, part = blockIdx.z / g.groups;
    const int taps = g.R * g.S, columns = g.channels() * taps, outputs = g.P * g.Q;
    const int m0 = blockIdx.y * BM, j0 = blockIdx.x * BN;
    const long long first = (long long)part * each, all = (long long)g.N * outputs;
    const int end = first + each < all ? (int)(first + each) : (int)all;

    // This thread loads pixel t % BK of each step, for rows and columns t / BK, t / BK + STEP, ...
    const int lane = t % BK, l0 = t / BK;
    // Of the tap of each column. An image has less than 2^31 elements (the public edge refuses more).
    int offset[B_LOADS], down[B_LOADS], right[B_LOADS];
#pragma unroll
    for (int l = 0; l < B_LOADS; l++) {
        const int j = j0 + l0 + l * STEP, c = group * g.channels() + j / taps;
        down[l] = j < columns ? j / g.S % g.R * g.dh - g.ph : -(1 << 30);      // outside
        right[l] = j % g.S * g.dw - g.pw;
        offset[l] = j < columns ? (c * g.H + down[l]) * g.W + right[l] : 0;
    }

    T a_next[A_LOADS], b_next[B_LOADS];
    auto load = [&](int e0) {
        const int e = e0 + lane, n = e / outputs, top = e / g.Q % g.P * g.sh, left = e % g.Q * g.sw;
        const T* const d = dy + ((long long)n * g.K + group * g.filters()) * outputs + e % outputs;
        const T* const image = x + ((long long)n * g.C * g.H + top) * g.W + left;
#pragma unroll
        for (int l = 0; l < A_LOADS; l++) {
            const int m = m0 + l0 + l * STEP;
            a_next[l] = e < end && m < g.filters() ? d[(long long)m * outputs] : T(0);
        }
#pragma unroll
        for (int l = 0; l < B_LOADS; l++) {
            const int h = top + down[l], column = left + right[l];
            const bool inside = e < end && h >= 0 && h < g.H && column >= 0 && column < g.W;
            b_next[l] = inside ? image[offset[l]] : T(0);
        }
    };
    auto store = [&](int buffer) {
#pragma unroll
        for (int l = 0; l < A_LOADS; l++) as[buffer][lane][l0 + l * STEP] = Inner::stored(a_next[l]);
#pragma unroll
        for (int l = 0; l < B_LOADS; l++) bs[buffer][lane][l0 + l * STEP] = Inner::stored(b_next[l]);
    };

    Inner inner;
    load((int)first);
    store(0);
    __syncthreads();
    for (int e = (int)first, buffer = 0; e < end; e += BK, buffer ^= 1) {
        const bool more = e + BK < end;
        if (more) load(e + BK);
        inner.multiply(as[buffer], bs[buffer]);
        if (more) store(buffer ^ 1);                          // nobody reads that one now
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < Inner::ROWS; i++)
#pragma unroll
        for (int j = 0; j < Inner::COLUMNS; j++) {
            const int m = m0 + inner.row(i), column = j0 + inner.column(j);
            if (m < g.filters() && column < columns)
                parts[((long long)part * g.K + group * g.filters() + m) * columns + column]
                    = inner.at(i, j);
        }
}
