"""Input of `minires cuda-check`: the parsers of sources, sizes and launches, and wrong calls."""

import contextlib
import math
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from cuda_check import call, needs_compiler, needs_nvrtc
from minires_emulator.checker import launch, runs, values
from minires_emulator.checker.source import read

SCALE = """\
template <class T> __global__ void scale(const T* x, T* y, int n, T a)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
"""


@pytest.fixture
def path(tmp_path):
    """A file with one template."""
    (tmp_path / "k.cu").write_text(SCALE, encoding="utf-8")
    return str(tmp_path / "k.cu")


SOURCE = """\
// check: kernel conv<float, 16>
/* check: kernel no */  // lint: kernel no
#define KERNEL(x) __global__ void x() {}
#if 0
__global__ void dead(int a) {}
#if 1
#else
#endif
__global__ void dead_too(int a) {}
#else
__global__ void alive(int a, const Pair<int, 2> b, float*) {}
#endif
template <class T, int N> __global__ void __launch_bounds__(N * (2 + 3), 2)
conv(const T* __restrict__ x, T y[], unsigned int = 3, unsigned n = f(1, 2))
{
    auto s = "__global__ void text() {"; char c = '{'; auto r = R"a({ __global__ )")a"; // {
    // check: launch conv<float, 3> \\
    //   grid=3 block=1
}
extern "C" {
__global__ void plain(void);
static __global__ __launch_bounds__(32) void plain(void) {}
}
namespace a::b { namespace {
struct Q { int operator()(int) const { return 1'000; } };
__global__ void deep(float *x, long long n) { if (x) { n++; } }
} }
#ifdef ONE
extern "C" __global__ void either(struct S s) {}
#else
extern "C" __global__ void either(struct S s, int more) {}
#endif
template <> __global__ void conv<int, 1>(int* x) {}
template __global__ void conv<int, 2>(int* x);
typedef void (*function)(int);
"""


def test_kernels_parameters_and_comments_of_a_source(tmp_path):
    (tmp_path / "k.cu").write_bytes(b"\xef\xbb\xbf" + SOURCE.replace("\n", "\r\n").encode())
    source = read(tmp_path / "k.cu")
    found = {k.name: (k.line, k.parameters, k.template) for k in source.kernels.values()}
    assert found == {
        "alive": (11, (("a", "b", "argument2"),), False),
        "conv": (13, (("x", "y", "argument2", "n"),), True),
        "plain": (21, ((),), False),
        "a::b::deep": (26, (("x", "n"),), False),
        "either": (29, (("s",), ("s", "more")), False),
    }
    assert source.comments == (
        (1, "kernel conv<float, 16>"),
        (17, "launch conv<float, 3> grid=3 block=1"),
    )


@pytest.mark.parametrize(
    "piece",
    ["__global__ f(", "__global__ ", 'R"(', '"\\', "\'", "/*", "(", "#if 0\n", "\\\n",
     "__global__ void f(int a,", "template<", "namespace a { __global__ void f();"],
)  # fmt: skip
def test_no_text_keeps_the_reader_busy(piece, tmp_path):
    (tmp_path / "k.cu").write_text(piece * (100_000 // len(piece)), encoding="utf-8")
    with contextlib.suppress(ValueError):  # no __global__ function
        read(tmp_path / "k.cu")


numbers = st.integers(0, 50).map(str) | st.sampled_from(["n", "c", "0.5", "1e-3"])
expressions = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda e: f"ceil({e})"),
        inner.map(lambda e: f"-{e}"),
        st.tuples(inner, inner).map(lambda t: f"min({t[0]}, {t[1]})"),
    ),
    max_leaves=6,
)


@given(expressions)
def test_sizes_are_python_arithmetic(text):
    known = {"n": 1000, "c": 3}
    try:
        expected = eval(text, {"ceil": math.ceil, "min": min}, known)
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="divides by zero"):
            values.evaluate(text, known)
        return
    assert values.evaluate(text, known) == expected


@given(st.integers(1, 2**25), st.integers(1, 1024))
def test_a_grid_of_ceil_covers_every_element_exactly(n, block):
    assert values.whole(f"ceil(n/{block})", {"n": n}) == -(-n // block)


@pytest.mark.parametrize(
    "text",
    ["9**9", "1 << 99", "(1).__class__", "__import__('os')", "f(1)", "n if n else 1", "[n]", "n, n",
     "lambda: 0", "True", "'a'", "1j", "min()", "max(*n)", "min(n, key=n)", "ceil(n, 1)", "min(n)",
     "(" * 250, "1+" * 200 + "1", "", "n\0", "not n", "ceil(inf)", "ceil(nan)", "1 % 0",
     "*".join(["9999999999"] * 9), "n=1", "1if 2 else 3", "m", "18446744073709551617"],
)  # fmt: skip
def test_other_text_is_no_arithmetic(text):
    with pytest.raises(ValueError):
        values.evaluate(text, {"n": 4})


@given(st.integers(-50, 50), st.integers(0, 100), st.integers(0, 2**31))
def test_drawn_numbers_lie_in_their_ranges(low, width, seed):
    text = (
        f"f grid=ceil(m/32),min(2,m) block=32 k={low}..{low}+{width} m=2..k*k+2 a=-1.5..{width}.0 "
        "x=float[m*2] i=int[3] in k..k+9"
    )
    parsed = launch.parse(text, "here")
    pointer = SimpleNamespace(is_pointer=True)
    for end in (None, 0, 1):
        drawn = runs.draw(parsed, np.random.default_rng(seed), end)
        k, m, a = (drawn.numbers[name] for name in ("k", "m", "a"))
        assert low <= k <= low + width
        assert 2 <= m <= k * k + 2
        assert -1.5 <= a <= width
        assert drawn.grid == (math.ceil(m / 32), 2)
        x, i = (
            values.argument(name, parsed.values[name], pointer, drawn.numbers, drawn.rng)
            for name in ("x", "i")
        )
        assert (x.dtype, x.size) == (np.float32, 2 * m)
        assert i.dtype == np.int32
        assert ((k <= i) & (i <= k + 9)).all()
        if end is not None:
            assert (k, m) == ((low, 2), (low + width, k * k + 2))[end]


def test_expressions_have_one_spelling():
    assert launch.canonical(" conv<float ,16 > ", "here") == "conv<float, 16>"
    assert launch.canonical("a::b<unsigned  int *>", "here") == "a::b<unsigned int*>"


LAUNCH = "scale<float> grid=1 block=1 x=float[n] y=float[n]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--arch", "90"], "expected sm_75, sm_90 or the like, got '90'"),
        (["--kernel", "scal<float>"], "has no kernel 'scal'; it has scale"),
        (["--kernel", "scale"], "scale is a template; name an instantiation"),
        (["--kernel", 'scale<float>; int x = "'], "--kernel: expected a kernel"),
        (["--launch", "scale<float>"], "no grid="),
        (["--launch", LAUNCH], "--launch: scale<float>(x, y, n, a) gets no value for n, a"),
        (["--launch", f"{LAUNCH} n=3 a=1 b=2"], "has no parameter 'b'"),
        (["--launch", f"{LAUNCH} n=3 a=1 n=2"], "n is given twice"),
        (["--launch", f"{LAUNCH} n= a=1"], "n= has no value"),
        (["--launch", "nothing grid=1 block=1"], "has no kernel 'nothing'"),
        (["--kernel", "scale<int>", "--launch", f"{LAUNCH} n=1 a=1"], "which --kernel leaves out"),
        (["--n", "0"], "positive integers"),
        (["--n", "1,x"], "positive integers"),
        (["--limit", "0"], "positive number"),
        (["-D", "1x"], "expected NAME or NAME=VALUE"),
        (["-I", "/no/such/folder"], "there is no folder"),
        (["--no-compile", "--no-check"], "nothing to do"),
    ],
)
def test_wrong_calls_exit_2_with_a_message(arguments, message, path, capsys):
    code, printed = call(capsys, path, *arguments)
    assert code == 2
    assert message in printed


ONE = "scale<float> grid=1 block=1 y=float[1] a=1"
WRONG = [
    (f"{ONE} x=word[1] n=1", "type 'word' is not known"),
    (f"{ONE} x=1 n=1", "x is a pointer"),
    (f"{ONE} x=float[1] n=null", "n is no pointer"),
    (f"{ONE} x=float[1] n=float[1]", "n is no pointer"),
    (f"{ONE} x=float[1] n=0.5", "n=0.5 is no int32"),
    (f"{ONE} x=float[1] n=3000000000", "is no int32"),
    (f"{ONE} x=float[1] n=inf", "n=inf is no int32"),
    (f"{ONE} x=float[1] n=nan", "n=nan is no int32"),
    (f"{ONE} x=float[n] n=m", "'m' has no value here; known before it: a"),
    (f"{ONE} x=float[n] n=9**9", "'9 ** 9' is not understood"),
    (f"{ONE} x=float[n] n=9..1", "the range '9..1' is empty"),
    (f"{ONE} x=float[n] n=0..nan", "is nan and no integer"),
    (f"{ONE} x=float[n] n=1/0", "divides by zero"),
    (f"{ONE} x=float[n] n=99999999999", "has 99999999999 elements"),
    (f"{ONE} x=float[0-n] n=1", "has -1 elements"),
    (f"{ONE} x=float[inf] n=1", "inf"),
    (f"{ONE} x=int[1] in 0..2**31 n=1", "not understood"),
    (f"{ONE} x=char[1] in 0..999 n=1", "no int8"),
    ("scale<float> grid=1,1,1,1 block=1 x=float[1] y=float[1] n=1 a=1", "three"),
    ("scale<float> grid=0 block=1 x=float[1] y=float[1] n=1 a=1", "at least 1"),
    ("scale<float> grid=1/2 block=1 x=float[1] y=float[1] n=1 a=1", "ceil()"),
    ("scale<float> grid=99999 block=999 x=float[1] y=float[1] n=1 a=1", "threads"),
    ("scale<float> grid=1 block=1 shared=x x=float[1] y=float[1] n=1 a=1", "'x' has no value"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_values_that_do_not_fit_say_why(text, message):
    signature = {
        name: SimpleNamespace(is_pointer=name in "xy", kind="f", dtype=np.dtype(dtype))
        for name, dtype in (("x", "f4"), ("y", "f4"), ("n", "i4"), ("a", "f4"))
    }
    parsed = launch.parse(text, "here")
    launch.check(parsed, list(signature))
    with pytest.raises(ValueError) as error:
        drawn = runs.draw(parsed, np.random.default_rng(0))
        for name, p in signature.items():
            values.argument(name, parsed.values[name], p, drawn.numbers, drawn.rng)
    assert message in str(error.value)


@needs_compiler
@pytest.mark.parametrize(
    ("launch", "message"),
    [
        WRONG[0],
        (f"{ONE} x=double[1] n=1", "float64"),
        ("scale<float> grid=1 block=2000 x=float[1] y=float[1] n=1 a=1", "1024"),
    ],
)
def test_launches_that_do_not_fit_the_signature_exit_2(launch, message, path, capsys):
    code, printed = call(capsys, path, "--no-compile", "--launch", launch)
    assert code == 2
    assert printed.startswith("minires: error: --launch: scale<float>: ")
    assert message in printed


@needs_nvrtc
def test_an_architecture_that_nvrtc_does_not_know_exits_2(path, capsys):
    code, printed = call(
        capsys, path, "--arch", "sm_90,sm_33", "--no-check", "--kernel", "scale<float>"
    )
    assert code == 2
    assert "compiles for sm_" in printed
    assert "got sm_33" in printed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no file"),
        (b"", "has no __global__ function; it is empty"),
        (b"int x;\n", "has no __global__ function"),
        (b"__global__ void f() {}\0", "is a binary file"),
        (b"// caf\xe9\n__global__ void f() {}\n", "k.cu:1: not UTF-8"),
        (b"// " + b"x" * 2**20, "more than 1 MiB"),
        (b"// check: lunch f\n__global__ void f() {}\n", "k.cu:1: expected `// check: kernel"),
        (b"\n// check: launch f\n__global__ void f() {}\n", "k.cu:2: the launch of f has no grid"),
        (b"// check: kernel g<1>\n__global__ void f() {}\n", "has no kernel 'g'"),
        (b"// check: kernel f<1>\n__global__ void f() {}\n", "f is no template"),
    ],
)
def test_bad_files_exit_2_with_a_message(content, message, tmp_path, capsys):
    path = tmp_path / "k.cu"
    if content is not None:
        path.write_bytes(content)
    code, printed = call(capsys, str(path))
    assert code == 2
    assert printed.startswith("minires: error: ")
    assert message in printed


def test_a_folder_and_a_device_are_no_files(tmp_path, capsys):
    for path in (str(tmp_path), "/dev/zero"):
        code, printed = call(capsys, path)
        assert code == 2
        assert "is no file" in printed
