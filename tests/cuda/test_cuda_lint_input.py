"""Input of `minires cuda-lint`: the parsers of sources, sizes and launches, and wrong calls."""

import contextlib
import math
import re
import shutil
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from minires.__main__ import main
from minires.lint import launch, sizes
from minires.lint.source import read
from minires_kernels.cuda import nvrtc

needs_nvrtc = pytest.mark.skipif(nvrtc.available() is not None, reason=str(nvrtc.available()))
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")

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
    (tmp_path / "k.cu").write_text(SCALE)
    return str(tmp_path / "k.cu")


def call(capsys, *arguments):
    """Run the command; return its exit code and what it printed, errors included."""
    try:
        code = main(["cuda-lint", *arguments])
    except SystemExit as stop:  # argparse
        code = stop.code
    printed = capsys.readouterr()
    return code, printed.out + printed.err


SOURCE = """\
// lint: kernel conv<float, 16>
/* lint: kernel no */
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
    // lint: launch conv<float, 3> \\
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
    assert source.directives == (
        (1, "kernel conv<float, 16>"),
        (17, "launch conv<float, 3> grid=3 block=1"),
    )


@pytest.mark.parametrize(
    "piece",
    ["__global__ f(", "__global__ ", 'R"(', '"\\', "\'", "/*", "(", "#if 0\n", "\\\n",
     "__global__ void f(int a,", "template<", "namespace a { __global__ void f();"],
)  # fmt: skip
def test_no_text_keeps_the_reader_busy(piece, tmp_path):
    (tmp_path / "k.cu").write_text(piece * (100_000 // len(piece)))
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
def test_sizes_are_python_arithmetic_on_exact_fractions(text):
    values = {"n": Fraction(1000), "c": Fraction(3)}
    exact = {"Fraction": Fraction, "ceil": lambda x: Fraction(math.ceil(x)), "min": min}
    python = re.sub(r"(?<![\w.])(\d[\d.]*(?:e-\d)?)", r"Fraction('\1')", text)
    try:
        expected = eval(python, exact, values)
    except ZeroDivisionError:
        with pytest.raises(ValueError, match="divides by zero"):
            sizes.evaluate(text, values)
        return
    assert sizes.evaluate(text, values) == expected


@pytest.mark.parametrize(
    "text",
    ["9**9", "1 << 99", "(1).__class__", "__import__('os')", "f(1)", "n if n else 1", "[n]", "n, n",
     "lambda: 0", "True", "'a'", "1j", "1e400", "min()", "max(*n)", "min(n, key=n)", "ceil(n, 1)",
     "(" * 99 + ")" * 99, "-" * 299, "(" * 250, "1+" * 200 + "1", "", "n\0",
     "*".join(["9999999999"] * 9), "n=1", "1if 2 else 3", "m", "18446744073709551617"],
)  # fmt: skip
def test_other_text_is_no_arithmetic(text):
    with pytest.raises(ValueError):
        sizes.evaluate(text, {"n": Fraction(4)})


@given(st.integers(-50, 50), st.integers(0, 100), st.integers(0, 2**31))
def test_drawn_numbers_lie_in_their_ranges(low, width, seed):
    text = (
        f"f grid=ceil(m/32),2 block=32 k={low}..{low}+{width} m=1..k*k+1 a=-1.5..{width}.0 "
        "x=float[m*2] i=int[3] in k..k+9"
    )
    parsed = launch.parse(text, "here")
    for end in (None, 0, 1):
        drawn = launch.draw(parsed, ("x", "i", "a"), np.random.default_rng(seed), end)
        k, m, a = (drawn.numbers[name] for name in ("k", "m", "a"))
        assert low <= k <= low + width
        assert 1 <= m <= k * k + 1
        assert -1.5 <= a <= width
        assert drawn.grid == (math.ceil(m / 32), 2)
        assert drawn.arguments["x"] == launch.Array("float", m * 2, None)
        assert drawn.arguments["i"] == launch.Array("int", 3, (k, k + 9))
        if end is not None:
            assert (k, m) == ((low, 1), (low + width, k * k + 1))[end]


def test_expressions_have_one_spelling():
    assert launch.canonical(" conv <float ,16 > ") == "conv<float, 16>"
    assert launch.canonical("a :: b<unsigned  int*>") == "a::b<unsigned int*>"


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
        (["--launch", f"{LAUNCH} n=m a=1"], "'m' has no value here"),
        (["--launch", f"{LAUNCH} n=9**9 a=1"], "'9 ** 9' is not understood"),
        (["--launch", f"{LAUNCH} n=9..1 a=1"], "the range '9..1' is empty"),
        (["--launch", f"{LAUNCH} n=1/0 a=1"], "divides by zero"),
        (["--launch", f"{LAUNCH} n=99999999999 a=1"], "has 99999999999 elements"),
        (["--launch", f"{LAUNCH} n= a=1"], "n= has no value"),
        (["--launch", "nothing grid=1 block=1"], "has no kernel 'nothing'"),
        (["--launch", "scale<float> grid=1,1,1,1 block=1 x=float[1] y=float[1] n=1 a=1"], "three"),
        (["--launch", "scale<float> grid=1/2 block=1 x=float[1] y=float[1] n=1 a=1"], "ceil()"),
        (
            ["--launch", "scale<float> grid=99999 block=999 x=float[1] y=float[1] n=1 a=1"],
            "threads",
        ),
        (["--kernel", "scale<int>", "--launch", f"{LAUNCH} n=1 a=1"], "which --kernel leaves out"),
        (["--n", "0"], "positive integer"),
        (["--n", "1,x"], "positive integer"),
        (["--limit", "0"], "positive number"),
        (["--orders", "0"], "positive integer"),
        (["--seed", "-1"], "from 0 to"),
        (["-D", "1x"], "expected NAME or NAME=VALUE"),
        (["-I", "/no/such/folder"], "there is no folder"),
        (["--no-compile", "--no-check"], "nothing to do"),
    ],
)
def test_wrong_calls_exit_2_with_a_message(arguments, message, path, capsys):
    code, printed = call(capsys, path, *arguments)
    assert code == 2
    assert message in printed


@needs_compiler
@pytest.mark.parametrize(
    ("launch", "message"),
    [
        ("scale<float> grid=1 block=1 x=double[1] y=float[1] n=1 a=1", "float64"),
        ("scale<float> grid=1 block=1 x=word[1] y=float[1] n=1 a=1", "type 'word' is not known"),
        ("scale<float> grid=1 block=1 x=1 y=float[1] n=1 a=1", "x is a pointer"),
        ("scale<float> grid=1 block=1 x=float[1] y=float[1] n=0.5 a=1", "n=0.5 is no int32"),
        ("scale<float> grid=1 block=1 x=float[1] y=float[1] n=3000000000 a=1", "is no int32"),
        ("scale<float> grid=1 block=2000 x=float[1] y=float[1] n=1 a=1", "1024"),
        ("scale<float> grid=1 block=1 x=float[1] y=float[1] n=1 a={int 1}", "float"),
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
        (b"// lint: lunch f\n__global__ void f() {}\n", "k.cu:1: expected `// lint: kernel"),
        (b"\n// lint: launch f\n__global__ void f() {}\n", "k.cu:2: the launch of f has no grid"),
        (b"// lint: kernel g<1>\n__global__ void f() {}\n", "has no kernel 'g'"),
        (b"// lint: kernel f<1>\n__global__ void f() {}\n", "f is no template"),
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
