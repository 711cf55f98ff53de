"""From source text to a loaded module: compile errors, options, compilers, the cache."""

import ctypes
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minires_emulator
from minires_emulator import CompileError, KernelFault, NoCompiler, RawModule, check

f4, i4 = np.float32, np.int32


def simple(body, before=""):
    return f'{before}\nextern "C" __global__ void k(float* y, int n) {{\n{body}\n}}\n'


def launch(code, *args, **options):
    RawModule(code, **options).get_function("k")((1,), (1,), args or (np.zeros(4, f4), i4(1)))


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (simple("y[0] = missing_name;"), r"kernel.cu:3:\d+: error: .*missing_name"),
        (simple("y[0] = 1"), r"kernel.cu:[34]:\d+: error: expected"),
        (simple("", "#error not today"), r"kernel.cu:1:\d+: error: .*not today"),
        (simple("", '#line 12 "relu.cu"\nint f() { return x; }'), r"relu.cu:12:\d+: error"),
        ('#line 40 "dir/relu.cu"\n' + simple("oops;"), r"dir/relu.cu:42:\d+: error"),
        (simple("", "#include <vector>"), r"kernel.cu:1:\d+: .*error: .*vector"),
        # what NVRTC does not offer either
        (simple("y[0] = INFINITY;"), "INFINITY"),
        (simple("uint32_t i = 0;"), "uint32_t"),
        (simple("y[0] = std::sqrt(y[1]);"), "std"),
        (simple("y[0] = min(n, 2LL);"), "ambiguous"),
        (simple("threadIdx.x = 1;"), "read-only|const-qualified"),
        (simple("atomicMax(y, 1.0f);"), "no matching function"),
        (simple("__shared__ int s = 3; s += n; y[0] = s;"), "__shared__ variable has an init"),
        (simple("try { } catch (...) { throw; }"), "exception"),
    ],
)  # fmt: skip
def test_compile_errors(code, says):
    with pytest.raises(CompileError, match=says):
        launch(code)


def test_compile_error_in_a_name_expression():
    with pytest.raises(CompileError, match=r"kernel names:\d+:.*nothing"):
        launch(simple(""), name_expressions=["nothing<float>"])


def test_lines_of_reports_follow_line_directives():
    code = '#line 70 "my/relu.cu"\n' + simple("extern __shared__ float\n s[];\ny[9] = 1;")
    with check(), pytest.raises(KernelFault) as caught:
        launch(code)
    place = caught.value.reports[0].first
    assert (place.file, place.line) == ("my/relu.cu", 74)


TEMPLATE = "template <class T> __global__ void fill(T* y) { y[0] = 1; }" + simple("y[0] = 1;")


@pytest.mark.parametrize(
    ("code", "names", "name", "says"),
    [
        ("__global__ void k() {}", None, "other", "no kernel 'other'; known are: none"),
        (TEMPLATE, ("fill<int>",), "fill<float>", "known are: k, fill<int>"),
        (TEMPLATE, None, "fill", "known are: k"),
        (TEMPLATE, None, "missing", "known are: k"),
        ("", None, "k", "no kernel 'k'"),
    ],
)
def test_unknown_kernels(code, names, name, says):
    with pytest.raises(ValueError, match=says):
        RawModule(code, name_expressions=names).get_function(name)


def test_a_kernel_without_extern_c_needs_a_name_expression():
    code = "__global__ void k(float* y, int n) { y[0] = n; }"
    with pytest.raises(ValueError, match="name_expressions"):
        RawModule(code).get_function("k")
    z = np.zeros(1, f4)
    launch(code, z, i4(5), name_expressions=["k"])
    assert z[0] == 5


def test_comments_and_strings_hide_what_they_hold():
    code = simple('const char* t = "extern __shared__ float a[]; //"; y[0] = t[0];') + (
        '/* extern "C" __global__ void other() {}\nextern __shared__ float b[]; */\n'
        '// extern "C" __global__ void third() {}\n'
        "__device__ char c = '\"';\n"
        'extern "C" __global__ void last() {}\n'
    )
    module = RawModule(code)
    z = np.zeros(4, f4)
    module.get_function("k")((1,), (1,), (z, i4(1)))
    assert z[0] == ord("e")
    module.get_function("last")((1,), (1,), ())
    with pytest.raises((ValueError, CompileError)):
        module.get_function("third")((1,), (1,), ())


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ((), 1),
        (("-DVALUE=3",), 3),
        (("-D", "VALUE=3"), ValueError),
        (("--std=c++17", "-DVALUE=4", "--use_fast_math", "-arch=sm_90"), 4),
        (("--device-as-default-execution-space", "-std=c++20", "--fmad=false"), 1),
        (("-std=c++11",), 1),
        (("-O3",), ValueError),
        (("--std=fortran",), ValueError),
        ("-DVALUE=3", TypeError),
        ((3,), TypeError),
    ],
)
def test_options(options, value):
    code = "#ifndef VALUE\n#define VALUE 1\n#endif\n" + simple("y[0] = VALUE;")
    z = np.zeros(1, f4)
    if isinstance(value, type):
        with pytest.raises(value, match="option"):
            launch(code, z, i4(1), options=options)
    else:
        launch(code, z, i4(1), options=options)
        assert z[0] == value


def test_include_folders(tmp_path, monkeypatch):
    (tmp_path / "common.cuh").write_text(
        "__device__ inline float three() { return 3; }\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    z = np.zeros(1, f4)
    launch(simple("y[0] = three();", '#include "common.cuh"'), z, i4(1), options=("-I.",))
    assert z[0] == 3
    (tmp_path / "common.cuh").write_text(
        "__device__ inline float three() { return 33; }\n", encoding="utf-8"
    )
    launch(simple("y[0] = three();", '#include "common.cuh"'), z, i4(1), options=("-I.",))
    assert z[0] == 33  # an included file that changed is compiled again


HOSTILE = {
    "comments": "/*" * 300_000,
    "strings": '"' * 500_000,
    "open strings": '"\\' * 100_000,
    "open raw strings": 'R"(' * 100_000,
    "open characters": "'\\" * 100_000,
    "extern": "extern " * 20_000,
    "shared": "extern __shared__ float " * 8_000,
    "kernels": "__global__ void " * 60_000,
    "braces": 'extern "C" {' * 80_000,
    "parentheses": "__global__ __launch_bounds__(" * 30_000,
    "launch bounds": "__global__ void __launch_bounds__" + "(" * 100_000,
    "pragmas": "#pragma unroll (" * 60_000,
    "hashes": "#\\\n" * 200_000,
}


def reading_time(code):
    started = time.process_time()  # others at work do not count
    module = RawModule(code)
    with pytest.raises((ValueError, CompileError)):
        module.get_function("k")
    return time.process_time() - started


@pytest.mark.parametrize("name", HOSTILE)
def test_four_times_as_much_of_anything_takes_about_four_times_as_long(name):
    code = HOSTILE[name]
    assert reading_time(code) < 8 * reading_time(code[: len(code) // 4]) + 0.5  # not 16 times


@pytest.mark.parametrize("code", [None, 3, b"x", "a\0b"])
def test_code_must_be_text(code):
    with pytest.raises((TypeError, ValueError), match="code"):
        RawModule(code)


@pytest.mark.parametrize("name", ["", "a;b", "a\nb", 'a"b', None])
def test_names_must_be_names(name):
    with pytest.raises(ValueError, match="not the name"):
        RawModule("", name_expressions=[name])


# ---- compilers and the cache


def in_python(code, **environment):
    env = {**os.environ, **{k: str(v) for k, v in environment.items()}}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=120, env=env
    )


SMALL = f"""
import numpy as np
from minires_emulator import RawModule
y = np.zeros(1, np.float32)
RawModule({simple("y[0] = n;")!r}).get_function("k")((1,), (1,), (y, np.int32(5)))
assert y[0] == 5
"""


def test_compiler_is_named():
    assert minires_emulator.compiler()


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"PATH": "", "MINIRES_CXX": ""}, "apt install g++"),
        ({"MINIRES_CXX": "no-such-compiler"}, "MINIRES_CXX=no-such-compiler"),
        ({"MINIRES_CXX": "false"}, "--version failed"),
    ],
)
def test_no_compiler(variables, says, monkeypatch):
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoCompiler) as caught:
        launch(simple("y[0] = 1;"))
    assert says in str(caught.value)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A cache with the runtime and one kernel."""
    folder = tmp_path_factory.mktemp("cache")
    assert in_python(SMALL, MINIRES_CACHE_DIR=folder).returncode == 0
    return folder


def test_compiled_files_are_used_again(compiled, tmp_path):
    shutil.copytree(compiled, tmp_path, dirs_exist_ok=True)
    before = {p: p.read_bytes() for p in (tmp_path / "emulator").iterdir()}
    assert in_python(SMALL, MINIRES_CACHE_DIR=tmp_path).returncode == 0
    assert {p: p.read_bytes() for p in (tmp_path / "emulator").iterdir()} == before


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "remove"])
def test_damaged_cache_entries_are_made_again(damage, compiled, tmp_path):
    cache = tmp_path / "emulator"
    shutil.copytree(compiled, tmp_path, dirs_exist_ok=True)
    (kernel,) = cache.glob("fast-*.so")
    content = kernel.read_bytes()
    flipped = content[:5000] + bytes([content[5000] ^ 255]) + content[5001:]
    if damage == "remove":
        kernel.unlink()
    else:
        kernel.write_bytes({"truncate": content[:4000], "flip": flipped, "empty": b""}[damage])
    done = in_python(SMALL, MINIRES_CACHE_DIR=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(kernel.read_bytes()) > 5000
    assert kernel.read_bytes() != flipped
    assert len(list(cache.iterdir())) == 2  # nothing else is left: the runtime and the kernel


def test_a_cache_that_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    done = in_python(SMALL, MINIRES_CACHE_DIR=blocked, TMPDIR=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["file"]  # the temporary one is gone


@pytest.mark.slow
def test_processes_that_compile_at_once(tmp_path):
    env = {**os.environ, "MINIRES_CACHE_DIR": str(tmp_path)}
    several = [
        subprocess.Popen([sys.executable, "-c", SMALL], env=env, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in several:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors


def test_compiling_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with check():
        launch(simple("y[0] = 1; // left behind"))
    assert not list(tmp_path.iterdir())


def test_importing_it_loads_and_compiles_nothing():
    done = in_python(
        "import sys, minires_emulator; "
        "print([m for m in ('minires_kernels', 'minires', 'numba') if m in sys.modules])",
        PATH="",
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_structures_have_the_size_that_the_runtime_has():
    from minires_emulator import native

    runtime = (Path(native.__file__).parent / "cpp" / "runtime.h").read_text(encoding="utf-8")
    code = runtime + "\n".join(
        f'static_assert(sizeof(emulator::{cpp}) == {ctypes.sizeof(python)}, "{cpp}");'
        for cpp, python in [
            ("Launch", native._Launch),
            ("Outcome", native._Outcome),
            ("Report", native.NativeReport),
            ("Side", native.Side),
            ("Buffer", native.Buffer),
            ("Object", native.Object),
        ]
    )
    done = subprocess.run(
        ["c++", "-x", "c++", "-std=c++17", "-fsyntax-only", "-"],
        input=code, capture_output=True, encoding="utf-8", timeout=100
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
