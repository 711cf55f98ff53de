"""NVRTC without a GPU: what compiles, what is refused and why, and what kernels need."""

import os
import subprocess
import sys

import pytest

from minires_emulator import nvrtc, nvrtc_library

missing = nvrtc.available()
pytestmark = pytest.mark.skipif(missing is not None, reason=str(missing))

ARCHS = ("sm_75", "sm_80", "sm_90", "sm_120")
SCALE = """
template <class T> __global__ void scale(const T* x, T* y, int n, T a)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
extern "C" __global__ void reverse(float* y)
{
    __shared__ float s[256];
    s[threadIdx.x] = y[threadIdx.x];
    __syncthreads();
    y[threadIdx.x] = s[255 - threadIdx.x];
}
"""
# 64 values that live through a barrier do not fit into 24 registers.
SPILLS = """
extern "C" __global__ void hold(const float* x, float* y)
{
    float a[64];
#pragma unroll
    for (int i = 0; i < 64; i++) a[i] = x[i * 1024 + threadIdx.x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 64; i++) y[i * 1024 + threadIdx.x] = a[i] * a[i * 7 & 63];
}
"""
TF32 = """
extern "C" __global__ void product(float* d, const unsigned* a, const unsigned* b)
{
    float c0 = 0, c1 = 0, c2 = 0, c3 = 0;
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3)
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    d[threadIdx.x] = c0 + c1 + c2 + c3;
}
"""


@pytest.mark.parametrize("arch", ARCHS)
def test_kernels_and_their_resources(arch):
    names = ("scale<float>", "scale<double>", "reverse")
    found = nvrtc.compile(SCALE, "scale.cu", arch, names=names)
    assert found.cubin[:4] == b"\x7fELF"
    assert set(found.resources) == set(names)
    for kernel in found.resources.values():
        assert 4 <= kernel.registers <= 64
        assert (kernel.stack, kernel.spill_stores, kernel.spill_loads) == (0, 0, 0)
    assert found.resources["reverse"].shared == 1024
    assert found.resources["scale<float>"].shared == 0


def test_a_kernel_without_an_expression_keeps_its_cubin_name():
    found = nvrtc.compile("__global__ void f(float* y) { y[0] = 1; }")
    assert set(found.resources) == {"_Z1fPf"}


@pytest.mark.parametrize("arch", ARCHS)
def test_spills_are_seen(arch):
    limited = (*nvrtc.OPTIONS, "-maxrregcount=24")
    kernel = nvrtc.compile(SPILLS, arch=arch, options=limited).resources["hold"]
    assert kernel.registers <= 24
    assert kernel.spill_stores > 0
    assert kernel.spill_loads > 0
    free = nvrtc.compile(SPILLS, arch=arch).resources["hold"]
    assert (free.spill_stores, free.spill_loads) == (0, 0)


def test_the_stack_of_called_functions_counts():
    source = """
    __device__ __noinline__ int fibonacci(int n)
    {
        return n < 2 ? 1 : fibonacci(n - 1) + fibonacci(n - 2);
    }
    extern "C" __global__ void f(int* y) { y[0] = fibonacci(y[1]); }
    extern "C" __global__ void g(int* y) { y[0] = 1; }
    """
    found = nvrtc.compile(source).resources
    assert found["f"].stack > 0
    assert found["g"].stack == 0


def test_constant_memory_is_counted_where_ptxas_reports_it():
    source = 'extern "C" __global__ void f(float* y) { y[0] = 1; }'
    before = nvrtc.compile(source, arch="sm_75").resources["f"].constant
    assert before is not None
    assert before >= 8  # the parameter
    assert nvrtc.compile(source, arch="sm_90").resources["f"].constant is None


def test_tensor_cores_need_sm_80():
    with pytest.raises(nvrtc.CompileError, match="sm_80 or higher"):
        nvrtc.compile(TF32, arch="sm_75")
    assert nvrtc.compile(TF32, arch="sm_80").resources["product"].registers > 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("\n__global__ void f(float* y) { y[0] = sqq(1.0f); }", r'k\.cu\(2\).*"sqq" is undefined'),
        ("#error not for this one", r"k\.cu\(1\).*not for this one"),
        ("#include <stdio.h>", r"(?s)stdio\.h.*NVRTC alone has no headers.*-I"),
        ('#include "k.cu"', "includes itself"),
        ("__global__ void f() {" + "{" * 100_000, "expected a"),
        ("x" * 1_000_000, r"k\.cu\(1\)"),
        ("@\\" * 500_000, "unrecognized token"),
        ('__global__ void f() { asm("garbage;"); }', "garbage"),
        ("void abort(); __global__ void f() { abort(); }", "abort"),
        ("__global__ int f() { return 1; }", "void return type"),
        ("template <int N> struct A { enum { v = A<N + 1>::v }; }; int x = A<0>::v;", "recursion"),
        (
            "__global__ void f(int* y) { __shared__ int s[99999]; s[y[0]] = 1; y[0] = s[y[1]]; }",
            "too much shared data",
        ),
    ],
)
def test_what_does_not_compile_says_why(source, message):
    with pytest.raises(nvrtc.CompileError, match=message) as caught:
        nvrtc.compile(source, "k.cu")
    assert len(str(caught.value)) < 25_000


@pytest.mark.parametrize("source", ["", "\n", "// nothing\n" * 100_000])
def test_sources_without_a_kernel_compile_to_nothing(source):
    assert nvrtc.compile(source).resources == {}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("nope", '"nope" is undefined'),
        ("scale", "cannot determine which instance"),
        ("scale<float, 3>", "cannot determine which instance"),
        ("1; 2", "Extra tokens"),
        ("", "expected an expression"),
        ("scale<" * 1000, "error"),
    ],
)
def test_wrong_name_expressions(expression, message):
    with pytest.raises(nvrtc.CompileError, match=message):
        nvrtc.compile(SCALE, names=(expression,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "int x;\n\0"}, "a null character"),
        ({"options": ("-D\0x",)}, "a null character"),
        ({"arch": "sm_70"}, "compiles for sm_75"),
        ({"arch": "compute_90"}, "compiles for"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        nvrtc.compile(**({"source": ""} | arguments))


def test_a_folder_whose_name_is_no_utf8_is_searched(tmp_path):
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    os.mkdir(folder)
    with open(os.path.join(folder, b"a.h"), "w", encoding="utf-8") as file:
        file.write("#define A 1\n")
    options = (*nvrtc.OPTIONS, f"-I{os.fsdecode(folder)}")
    found = nvrtc.compile('#include "a.h"\n__global__ void f(int* y) { *y = A; }', options=options)
    assert found.resources


def test_an_unknown_option_and_one_that_leaves_no_machine_code():
    with pytest.raises(nvrtc.CompileError, match="--nonsense"):
        nvrtc.compile("", options=("--nonsense",))
    with pytest.raises(nvrtc.CompileError, match="no machine code"):
        nvrtc.compile("", options=("-dlto",))


def test_every_program_is_destroyed(monkeypatch):
    alive = []
    lib = nvrtc_library.library()
    create, destroy = lib.nvrtcCreateProgram, lib.nvrtcDestroyProgram

    class Counting:
        def __getattr__(self, name):
            return getattr(lib, name)

        def nvrtcCreateProgram(self, *arguments):
            alive.append(1)
            return create(*arguments)

        def nvrtcDestroyProgram(self, *arguments):
            alive.pop()
            return destroy(*arguments)

    monkeypatch.setattr(nvrtc, "library", Counting)
    nvrtc.compile(SCALE, names=("reverse",))
    for source, names in (("#error no", ()), (SCALE, ("nope",))):
        with pytest.raises(nvrtc.CompileError):
            nvrtc.compile(source, names=names)
    assert alive == []


def test_version_and_architectures():
    assert nvrtc.version() >= (12, 0)
    archs = nvrtc.architectures()
    assert set(ARCHS[:3]) <= set(archs)
    assert list(archs) == sorted(archs, key=lambda a: int(a[3:]))


def test_without_the_library_the_message_says_how_to_install(tmp_path):
    (tmp_path / "nvidia").mkdir()
    (tmp_path / "nvidia/__init__.py").write_text(
        "", encoding="utf-8"
    )  # hides the installed packages
    (tmp_path / "cuda").mkdir()
    (tmp_path / "cuda/__init__.py").write_text("", encoding="utf-8")
    script = "from minires_emulator import nvrtc; print(nvrtc.available())"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    broken = tmp_path / "toolkit/lib64/libnvrtc.so.13"
    for toolkit, message in (("", "is not installed"), (str(broken.parents[1]), "cannot be used")):
        environment = os.environ | {"PYTHONPATH": path, "CUDA_PATH": toolkit, "CUDA_HOME": ""}
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=100,
        )
        assert message in done.stdout, done.stderr
        assert "pip install nvidia-cuda-nvrtc" in done.stdout
        broken.parent.mkdir(parents=True, exist_ok=True)
        broken.write_bytes(b"no library")
