"""The emulator as CuPy's RawModule: what kernels may use, in every mode."""

import contextlib

import numpy as np
import pytest

from minires_emulator import KernelFault, RawModule, check

CODE = r"""
struct Pair { int a; double b; };
__constant__ float weights[3] = {1, 10, 100};
extern "C" { __constant__ float more[2] = {0, 0}; }
#define KERNEL(name, T) extern "C" __global__ void name(T* y) { y[threadIdx.x] += 1; }
KERNEL(add_one_f, float)
KERNEL(add_one_d, double)
template <class T, int N> struct Tile { T data[N]; };
namespace inner { template <class T> __global__ void twice(T* y) { y[threadIdx.x] *= 2; } }
template <class T, int N> __global__ void __launch_bounds__(N)
total(const T* __restrict__ x, T* __restrict__ y, int n) {
    __shared__ Tile<T, N> part;
    T sum = 0;
    for (int i = threadIdx.x; i < n; i += N) sum += x[i];
    part.data[threadIdx.x] = sum;
#pragma unroll
    for (int d = N / 2; d > 0; d /= 2) {
        __syncthreads();
        if (threadIdx.x < d) part.data[threadIdx.x] += part.data[threadIdx.x + d];
    }
    if (threadIdx.x == 0) y[blockIdx.x] = part.data[0];
}
extern "C" {
__global__ void scale(const float* x, float* y, int n, float a) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
__global__ void indices(int* y) {
    const uint3 b = blockIdx;
    const dim3 n = gridDim;
    const int block = b.x + n.x * (b.y + n.y * b.z);
    const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    y[block * blockDim.x * blockDim.y * blockDim.z + thread] = 1000 * block + thread;
}
__global__ void scalars(double* y, bool a, unsigned char b, short c, unsigned d, long long e,
                        float f, double g, Pair h, size_t i, float4 v) {
    y[0] = a, y[1] = b, y[2] = c, y[3] = d, y[4] = e, y[5] = f, y[6] = g, y[7] = h.a + h.b;
    y[8] = i, y[9] = v.x + v.w;
}
__global__ void vectors(const float4* x, float2* y, const int* null) {
    const float4 v = x[threadIdx.x];
    y[threadIdx.x] = make_float2(v.x + v.y, v.z + v.w);
    if (null) y[0].x = -1;
}
__global__ void structs(Pair* p) { p[threadIdx.x].b = 2 * p[threadIdx.x].a; }
}
extern "C" __global__ void dynamic(float* y) {
    extern __shared__ __align__(16) unsigned char bytes[];  /* all begin at one place */
    extern __shared__ float
        numbers[];
    ((float4*)bytes)[threadIdx.x] = make_float4(1, 2, 3, threadIdx.x);
    __syncthreads();
    y[threadIdx.x] = numbers[4 * (blockDim.x - 1 - threadIdx.x) + 3];
}
extern "C" __global__ void convolve(const float* x, float* y) {
    auto at = [&](int i) { return weights[i] * x[threadIdx.x + i]; };
    __builtin_assume(blockDim.x > 0);
    y[threadIdx.x] = at(0) + at(1) + at(2) + more[1];
}
extern "C" __global__ void votes(int* y) {
    const int i = threadIdx.x, lane = i % 32;
    const unsigned full = 0xffffffffu;
    y[i] = __ballot_sync(full, lane < 3) + __any_sync(full, lane == 9);
    y[i] += 2 * __all_sync(full, lane < 40) + 4 * __all_sync(full, lane < 31);
    y[64 + i] = __syncthreads_count(i < 5) + 100 * __syncthreads_or(i == 63);
    y[64 + i] += 1000 * __syncthreads_and(i < 63);
}
// Lanes that have left are not waited for.
extern "C" __global__ void left_lanes(int* y) {
    if (threadIdx.x % 32 >= 16) return;
    y[threadIdx.x] = __ballot_sync(0xffffffffu, 1) + __shfl_sync(0xffffffffu, 5, 3);
}
template <class T> __device__ T everywhere(T v) {
#pragma unroll 5
    for (int d = 16; d; d >>= 1) v += __shfl_xor_sync(0xffffffffu, v, d);
    return v;
}
extern "C" __global__ void shuffles(double* y) {
    const int i = threadIdx.x;
    const unsigned full = 0xffffffffu;
    y[i] = everywhere(i) + everywhere(0.5 * i) + everywhere((long long)i << 33) + everywhere(1.0f);
    y[32 + i] = __shfl_up_sync(full, i, 1) + 100 * __shfl_down_sync(full, i, 2, 8);
    y[32 + i] += 10000 * __shfl_sync(full, i, 5, 16);
}
extern "C" __global__ void atomics(int* y, float* f, double* d, unsigned* u,
                                   unsigned long long* q) {
    const int i = threadIdx.x;
    atomicAdd(&y[0], i), atomicMax(&y[1], i), atomicMin(&y[2], -i), atomicOr(&y[3], 1 << i % 8);
    atomicAdd(f, 1), atomicAdd(d, 0.5), atomicInc(u, 9), atomicAdd(q, 1ull << 40);
    int old = y[4], seen;
    do { seen = old; old = atomicCAS(&y[4], seen, seen + 2); } while (old != seen);
}
extern "C" __global__ void functions(float* y) {
    const float x = y[threadIdx.x];
    static_assert(sizeof(sqrt(x)) == 4, "float stays float");
    y[threadIdx.x] = rsqrtf(x) + fmaf(x, 2, 1) + fmaxf(x, 0) + min(3, 2) + max(x, 1.0f)
        + __expf(x) + abs(-x) + __uint_as_float(__float_as_uint(x)) + __popc(7) + isnan(x);
}
extern "C" __global__ void print(int n) {
    if (threadIdx.x < n) printf("thread %d of %s\n", threadIdx.x, "mine");
}
extern "C" __global__ void prefix(const float* x, float* y, int n) {
    for (int i = 0; i < n; i++) y[i] = x[i] + 1;
}
extern "C" __global__ void arrival(int* y, int* count) {
    y[atomicAdd(count, 1)] = blockIdx.x * blockDim.x + threadIdx.x;
}
extern "C" __global__ void exchange(unsigned long long* y) {
    unsigned long long all[32];
    emulator_warp_exchange(0xffffffffu, threadIdx.x * 3, all);
    y[threadIdx.x] = all[31 - emulator_lane()];
}
extern "C" __global__ void uninitialised(float* y) {
    __shared__ float part[64];
    if (threadIdx.x < 32) part[threadIdx.x] = 0;
    __syncthreads();
    y[threadIdx.x] = part[threadIdx.x];
}
extern "C" __global__ void early_return(float* y) {
    if (threadIdx.x >= 40) return;
    __syncthreads();
    y[threadIdx.x] = 1;
}
"""
NAMES = ("total<float, 128>", "total<double, 64>", "inner::twice<int>")
MODULE = RawModule(CODE, name_expressions=NAMES)
f4, i4 = np.float32, np.int32
READ_ONLY = np.zeros(8, f4)
READ_ONLY.flags.writeable = False


@pytest.fixture(params=["fast", "check"])
def mode(request):
    with check(order=5) if request.param == "check" else contextlib.nullcontext():
        yield


def run(name, grid, block, *args, **options):
    MODULE.get_function(name)(grid, block, args, **options)


@pytest.mark.usefixtures("mode")
class TestKernelsThatRun:
    def test_extern_c(self):
        x = np.arange(1000, dtype=f4)
        y = np.full(1000, np.nan, f4)
        run("scale", (8,), (128,), x, y, i4(1000), f4(2.5))
        assert (y == 2.5 * x).all()

    def test_templates(self):
        x = np.arange(1000.0)
        y = np.zeros(3)
        run("total<double, 64>", (3,), (64,), x, y, i4(1000))
        assert y.tolist() == [x.sum()] * 3
        y = np.zeros(1, f4)
        run("total<float, 128>", (1,), (128,), x.astype(f4), y, i4(100))
        assert y[0] == 4950
        z = np.arange(4, dtype=i4)
        run("inner::twice<int>", (1,), (4,), z)
        assert z.tolist() == [0, 2, 4, 6]

    def test_kernels_made_by_a_macro(self):
        y = np.zeros(4)
        run("add_one_d", (1,), (4,), y)
        assert y.tolist() == [1] * 4

    @pytest.mark.parametrize(
        ("grid", "block"), [((2, 3, 2), (4, 2, 3)), ((3, 2), (5, 2)), ((2,), (33,))]
    )
    def test_indices(self, grid, block):
        n, m = int(np.prod(grid)), int(np.prod(block))
        y = np.zeros((n, m), i4)
        run("indices", grid, block, y)
        assert (y == 1000 * np.arange(n)[:, None] + np.arange(m)).all()

    def test_scalars_by_value(self):
        y = np.zeros(10)
        pair = np.array((3, 0.5), np.dtype([("a", "i4"), ("b", "f8")], align=True))
        vector = np.array((1, 2, 3, 4), "f4,f4,f4,f4")
        run(
            "scalars", (1,), (1,), y, True, np.uint8(200), np.int16(-3), np.uint32(2**32 - 1),
            -(2**40), f4(0.5), 0.1, pair, 7, vector,
        )  # fmt: skip
        assert y.tolist() == [1, 200, -3, 2**32 - 1, -(2**40), 0.5, 0.1, 3.5, 7, 5]

    def test_vectors_and_null_pointers(self):
        x = np.arange(32, dtype=f4)
        y = np.zeros(16, f4)
        run("vectors", (1,), (8,), x, y, None)
        assert (y == x.reshape(16, 2).sum(1)).all()

    def test_structs(self):
        pairs = np.zeros(5, np.dtype([("a", "i4"), ("b", "f8")], align=True))
        pairs["a"] = np.arange(5)
        run("structs", (1,), (5,), pairs)
        assert (pairs["b"] == 2 * np.arange(5)).all()

    def test_dynamic_shared_memory(self):
        y = np.zeros(64, f4)
        run("dynamic", (1,), (64,), y, shared_mem=64 * 16)
        assert (y == np.arange(64)[::-1]).all()

    def test_constants_and_lambdas(self):
        x = np.arange(10, dtype=f4)
        y = np.zeros(8, f4)
        run("convolve", (1,), (8,), x, y)
        assert (y == x[:8] + 10 * x[1:9] + 100 * x[2:]).all()

    def test_votes(self):
        y = np.zeros(128, i4)
        run("votes", (1,), (64,), y)
        assert (y[:64] == 7 + 1 + 2).all()
        assert (y[64:] == 5 + 100).all()

    def test_lanes_that_have_left(self):
        y = np.zeros(64, i4)
        run("left_lanes", (1,), (64,), y)
        assert (y.reshape(2, 2, 16)[:, 0] == 0xFFFF + 5).all()

    def test_shuffles(self):
        y = np.zeros(64)
        run("shuffles", (1,), (32,), y)
        assert (y[:32] == 496 * 1.5 + (496 << 33) + 32).all()
        i = np.arange(32)
        down = np.where(i % 8 < 6, i + 2, i)
        assert (y[32:] == np.maximum(i - 1, 0) + 100 * down + 10000 * (i // 16 * 16 + 5)).all()

    def test_atomics(self):
        y, f, d = np.zeros(5, i4), np.zeros(1, f4), np.zeros(1)
        u, q = np.zeros(1, np.uint32), np.zeros(1, np.uint64)
        MODULE.get_function("atomics")((1,), (1,), (y, f, d, u, q))  # one thread: nothing to race
        assert (y.tolist(), f[0], d[0], u[0], q[0]) == ([0, 0, 0, 1, 2], 1, 0.5, 1, 2**40)

    def test_functions(self):
        x = np.array([0.25, 1, 4], f4)
        y = x.copy()
        run("functions", (1,), (3,), y)
        expected = x**-0.5 + 2 * x + 1 + x + 2 + np.maximum(x, 1) + np.exp(x) + x + x + 3
        assert y == pytest.approx(expected, rel=1e-6)

    def test_exchange(self):
        y = np.zeros(32, np.uint64)
        run("exchange", (1,), (32,), y)
        assert (y == 3 * np.arange(32)[::-1]).all()

    def test_empty_arrays(self):
        run("scale", (1,), (32,), np.empty(0, f4), np.empty(0, f4), i4(0), f4(1))

    def test_views_of_one_array(self):
        x = np.arange(20, dtype=f4)
        run("scale", (1,), (32,), x[10:], x[10:], i4(10), f4(2))
        assert x.tolist() == [*range(10), *range(20, 40, 2)]

    def test_memory_that_overlaps(self):
        x = np.zeros(10, f4)
        run("prefix", (1,), (1,), x[:-1], x[1:], i4(9))
        assert x.tolist() == list(range(10))

    def test_unsigned_for_signed_and_read_only_for_const(self):
        run("scale", (1,), (8,), READ_ONLY, np.zeros(8, f4), np.uint32(8), f4(1))

    def test_print(self, capsys):
        run("print", (1,), (5,), i4(2))
        printed = sorted(capsys.readouterr().out.splitlines())
        assert printed == ["thread 0 of mine", "thread 1 of mine"]


def arrivals(order, threads=7, blocks=5):
    y, count = np.zeros(blocks * threads, i4), np.zeros(1, i4)
    with check(order=order):
        run("arrival", (blocks,), (threads,), y, count)
    return y.reshape(blocks, threads)


def test_orders_of_threads_and_blocks():
    ids = np.arange(35).reshape(5, 7)
    assert (arrivals(0) == ids).all()
    assert (arrivals(1) == ids[::-1, ::-1]).all()
    a, b = arrivals(7), arrivals(8)
    assert (a == arrivals(7)).all()  # the same every time
    assert (a != b).any()
    blocks = a[:, 0] // 7
    assert sorted(blocks) == list(range(5)) != blocks.tolist()
    for block in a:
        assert sorted(block % 7) == list(range(7))
    assert any((np.diff(block) < 0).any() for block in a)


@pytest.mark.parametrize("order", [-1, 1.5, True, None, 2**32])
def test_orders_must_be_numbers(order):
    with pytest.raises(ValueError, match="order must be"), check(order=order):
        pass


def test_atomics_of_many_threads():
    y, f, d = np.zeros(5, i4), np.zeros(1, f4), np.zeros(1)
    u, q = np.zeros(1, np.uint32), np.zeros(1, np.uint64)
    run("atomics", (2,), (64,), y, f, d, u, q)
    assert y.tolist() == [2 * 2016, 63, -63, 255, 256]
    assert (f[0], d[0], u[0], q[0]) == (128, 64, 128 % 10, 128 * 2**40)


def test_float_atomics_are_counted():
    with check() as session, pytest.raises(KernelFault):  # the loop around CAS reads y[4] plainly
        run(
            "atomics", (2,), (8,), np.zeros(5, i4), np.zeros(1, f4), np.zeros(1),
            np.zeros(1, np.uint32), np.zeros(1, np.uint64),
        )  # fmt: skip
    assert session.float_atomics == 2 * 2 * 8
    assert session.launches == [("atomics", (2, 1, 1), (8, 1, 1))]


def test_fast_mode_poisons_shared_memory_of_each_block():
    y = np.zeros(64, f4)
    run("uninitialised", (3,), (64,), y)
    assert (y[:32] == 0).all()
    assert np.isnan(y[32:]).all()


def test_fast_mode_lets_threads_leave():
    y = np.zeros(64, f4)
    run("early_return", (1,), (64,), y)
    assert y.sum() == 40


def test_check_mode_leaves_arrays_alone_after_a_fault():
    y = np.full(64, 7, f4)
    with check(), pytest.raises(KernelFault):
        run("early_return", (1,), (64,), y)
    assert (y == 7).all()
