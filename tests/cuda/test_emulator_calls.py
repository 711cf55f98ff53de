"""Calls of a kernel that are refused, as a GPU or CuPy would, and what the errors say."""

import contextlib

import numpy as np
import pytest

from minires_emulator import RawModule, check

CODE = r"""
struct Pair { int a; double b; };
template <class T, int N> struct Tile { T data[N]; };
template <class T, int N> __device__ void store(T v) {
    __shared__ Tile<T, N> part;
    part.data[threadIdx.x] = v;
    __syncthreads();
    if (part.data[0] > 1) __trap();
}
template <class T, int N> __global__ void total(const T* x, T* y, int n) { store<T, N>(x[0]); }
extern "C" {
__global__ void scale(const float* x, float* y, int n, float a) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
__global__ void indices(int* y) {
    const int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    y[thread] = thread;
}
__global__ void scalars(double* y, bool a, unsigned char b, short c, unsigned d, long long e,
                        float f, double g, Pair h, size_t i, float4 v) { y[0] = a; }
__global__ void vectors(const float4* x, float2* y, const int* null) {
    y[threadIdx.x].x = x[threadIdx.x].w;
}
__global__ void structs(Pair* p) { p[threadIdx.x].b = 2 * p[threadIdx.x].a; }
}
"""
NAMES = ("total<float, 128>", "total<double, 64>")
MODULE = RawModule(CODE, name_expressions=NAMES)
f4, i4 = np.float32, np.int32
x, y = np.zeros(8, f4), np.zeros(8, f4)
READ_ONLY = np.zeros(8, f4)
READ_ONLY.flags.writeable = False


@pytest.fixture(params=["fast", "check"])
def mode(request):
    with check(order=5) if request.param == "check" else contextlib.nullcontext():
        yield


def run(name, grid, block, *args, **options):
    MODULE.get_function(name)(grid, block, args, **options)


def test_parameters():
    p = MODULE.get_function("scalars").parameters
    assert [(q.kind, q.itemsize, q.is_pointer, q.is_const) for q in p[:8]] == [
        ("f", 8, True, False),
        ("b", 1, False, False),
        ("u", 1, False, False),
        ("i", 2, False, False),
        ("u", 4, False, False),
        ("i", 8, False, False),
        ("f", 4, False, False),
        ("f", 8, False, False),
    ]
    assert [(q.kind, q.itemsize) for q in p[8:]] == [("V", 16), ("u", 8), ("V", 16)]
    x, y, null = MODULE.get_function("vectors").parameters
    assert (x.is_const, x.component, x.dtype, x.itemsize) == (True, "f4", np.dtype("f4"), 16)
    assert (y.is_const, y.component, y.itemsize) == (False, "f4", 8)
    assert str(null) == "const int32*"


def test_static_shared_memory_is_counted_per_kernel():
    sizes = {n: MODULE.get_function(n).attributes["shared_size_bytes"] for n in (*NAMES, "scale")}
    assert list(sizes.values()) == [512, 512, 0]


@pytest.mark.parametrize(
    ("args", "error", "says"),
    [
        ((x, y, 5, f4(1)), TypeError, r"argument 2: the kernel takes int32, got a Python int, "
         r"which CuPy passes as int64; pass np.int32\(5\)"),
        ((x, y, i4(5), 1.0), TypeError, r"argument 3: .* float64; pass np.float32\(1.0\)"),
        ((x, y, True, f4(1)), TypeError, "takes int32, got a Python bool"),
        ((x, y, f4(5), f4(1)), TypeError, r"takes int32, got float32; pass np.int32\(5.0\)"),
        ((x, y, np.int64(5), f4(1)), TypeError, "takes int32, got int64"),
        ((x, y, 2**70, f4(1)), OverflowError, "does not fit into int64"),
        ((x, y, None, f4(1)), TypeError, "takes int32, got NoneType"),
        ((x, y, "5", f4(1)), TypeError, "takes int32, got str"),
        ((x, y, x, f4(1)), TypeError, r"takes int32, got an array of shape \(8,\)"),
        ((x, y, i4(5)), TypeError, r"4 .* \(const float32\*, float32\*, int32, float32\), got 3"),
        (x, TypeError, "args must be a tuple, got ndarray"),
        ((x.astype("f8"), y, i4(5), f4(1)), TypeError, r"0: .* const float32\*, .* float64"),
        ((x.astype(">f4"), y, i4(5), f4(1)), TypeError, "array of >f4"),
        ((3, y, i4(5), f4(1)), TypeError, "got int; pass an array"),
        (([1.0], y, i4(5), f4(1)), TypeError, "got list; pass an array"),
        ((x[::2], y, i4(4), f4(1)), ValueError, r"not C-contiguous \(shape \(4,\), strides \(8,\)"),
        ((x, READ_ONLY, i4(8), f4(1)), ValueError, "argument 1: the array is read-only"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("mode")
def test_wrong_arguments(args, error, says):
    with pytest.raises(error, match=says) as caught:
        MODULE.get_function("scale")((1,), (8,), args)
    assert str(caught.value).startswith("scale: ")


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros(6, f4), "24 bytes, not a multiple of the 16"),
        (np.zeros(9, f4)[1:], "not aligned to 16 bytes"),
        (np.zeros(8, i4), "got an array of int32"),
    ],
)
def test_vector_pointers(array, says):
    with pytest.raises((TypeError, ValueError), match=says):
        run("vectors", (1,), (1,), array, np.zeros(8, f4), None)


def test_structs_of_another_size():
    with pytest.raises(TypeError, match="a struct of 16 bytes"):
        run("structs", (1,), (1,), np.zeros(3, "i4,f4"))


@pytest.mark.parametrize(
    ("grid", "block", "shared", "says"),
    [
        ((1,), (1025,), 0, "1025 threads"),
        ((1,), (32, 33), 0, "1056 threads"),
        ((1,), (1, 1, 65), 0, "64 in z"),
        ((1, 65536), (1,), 0, "limit"),
        ((1, 1, 65536), (1,), 0, "limit"),
        ((2**31,), (1,), 0, "limit"),
        ((0,), (1,), 0, "at least 1"),
        ((1,), (-1,), 0, "at least 1"),
        ((), (1,), 0, "1 to 3"),
        ((1, 1, 1, 1), (1,), 0, "1 to 3"),
        ((1.5,), (1,), 0, "integers"),
        (1, (1,), 0, "integers"),
        ((1,), (1,), (227 << 10) + 1, "232449 of dynamic"),
        ((1,), (1,), -1, "number of bytes"),
    ],
)
def test_launch_limits(grid, block, shared, says):
    with pytest.raises((TypeError, ValueError), match=says):
        run("scale", grid, block, x, y, i4(0), f4(1), shared_mem=shared)


def test_a_grid_may_have_numpy_integers():
    run("scale", (np.int64(1),), (np.int32(8),), x, y, i4(8), f4(1))


def test_largest_block():
    z = np.zeros(1024, i4)
    run("indices", (1,), (16, 16, 4), z)
    assert (z == np.arange(1024)).all()


def test_too_much_static_shared_memory():
    code = """extern "C" __global__ void big(float* y) {
        __shared__ float part[12289];
        part[threadIdx.x] = 1;
        __syncthreads();
        y[0] = part[0];
    }"""
    with pytest.raises(ValueError, match="49156 bytes of static shared memory, 49152 are allowed"):
        RawModule(code).get_function("big")((1,), (1,), (np.zeros(1, f4),))
