"""`minires cuda-check`: the compiler's messages, the JSON document, and tools that are missing."""

import json

from cuda_check import call, needs_compiler, needs_nvrtc
from minires.__main__ import main
from minires_emulator.checker.findings import Finding, merge

SCALE = """\
// check: launch scale<float> grid=ceil(n/128) block=128 x=float[n] y=float[n] n=1..300 a=0.5
template <class T>
__global__ void scale(const T* x, T* y, int n, T a)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
"""
EVERYONE = """\
// check: launch everyone grid=2 block=32 x=float[1]
extern "C" __global__ void everyone(float* x)
{
    x[0] = threadIdx.x;
}
"""


@needs_compiler
def test_without_nvrtc_the_rest_runs_and_the_exit_code_tells(write, capsys, monkeypatch, tmp_path):
    for package in ("nvidia", "cuda"):  # hide the installed ones
        (tmp_path / "hidden" / package).mkdir(parents=True)
        (tmp_path / "hidden" / package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "hidden")
    monkeypatch.setenv("CUDA_PATH", "")
    monkeypatch.setenv("CUDA_HOME", "")
    code, printed = call(capsys, write(SCALE))
    assert code == 1
    assert "not checked: not compiled for any GPU: NVRTC is not installed" in printed
    assert "pip install nvidia-cuda-nvrtc, or leave it out with --no-compile" in printed
    assert "clean" in printed
    assert "1 not checked" in printed


@needs_nvrtc
def test_without_a_compiler_the_rest_runs_and_the_exit_code_tells(write, capsys, monkeypatch):
    monkeypatch.setenv("MINIRES_CXX", "/no/such/compiler")
    code, printed = call(capsys, write(SCALE), "--arch", "sm_90")
    assert code == 1
    assert "compiled by NVRTC" in printed
    assert "not checked: not run: MINIRES_CXX=/no/such/compiler" in printed
    assert call(capsys, write(SCALE), "--arch", "sm_90", "--no-check")[0] == 0


@needs_nvrtc
@needs_compiler
def test_the_json_document(write, capsys):
    code, printed = call(capsys, write(SCALE, "scale.cu"), "--arch", "sm_80,sm_90", "--json")
    assert code == 0
    document = json.loads(printed)
    assert set(document) == {"file", "clean", "nvrtc", "compiler", "kernels", "findings"}
    assert document["clean"] is True
    assert document["findings"] == []
    (kernel,) = document["kernels"]
    assert set(kernel) == {
        "name", "line", "resources", "launches", "guessed", "profile", "profiled"
    }  # fmt: skip
    assert (kernel["name"], kernel["line"], kernel["guessed"]) == ("scale<float>", 3, None)
    assert list(kernel["resources"]) == ["sm_80", "sm_90"]
    assert kernel["resources"]["sm_90"]["spill_stores"] == 0
    assert kernel["launches"][0] == {
        "launch": "grid=1 block=128 n=1 a=0.5", "origin": "scale.cu:1"
    }  # fmt: skip
    code, printed = call(capsys, write(EVERYONE), "--no-compile", "--json")
    (finding,) = json.loads(printed)["findings"]
    assert set(finding) == {
        "severity", "kind", "message", "kernel", "places", "details", "archs", "launch", "count",
    }  # fmt: skip
    assert finding["places"][0] == ["k.cu", 4]


@needs_nvrtc
def test_compile_errors_and_warnings_stand_at_their_lines(write, capsys):
    text = "__global__ void f(float* y)\n{\n    int unused;\n    y[0] = sqq(2.0f);\n}\n"
    code, printed = call(capsys, write(text), "--no-check")
    assert code == 1
    archs = "[sm_75, sm_80, sm_90, sm_120]"
    assert f'k.cu:4: error: identifier "sqq" is undefined {archs}' in printed
    assert "    4 |     y[0] = sqq(2.0f);" in printed
    assert (
        f'k.cu:3: warning: variable "unused" was declared but never referenced {archs}' in printed
    )


@needs_nvrtc
def test_what_one_architecture_lacks_names_it(write, capsys):
    text = """\
extern "C" __global__ void f(float* y)
{
    unsigned x;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(x) : "f"(y[0]));
    y[0] = x;
}
"""
    code, printed = call(capsys, write(text), "--no-check", "--arch", "sm_75,sm_80")
    assert code == 1
    assert "sm_80 or higher" in printed
    assert "[sm_75]" in printed
    row = next(line.split() for line in printed.splitlines() if line.startswith("  f "))
    assert row[1] == "-"
    assert int(row[2]) > 0


def test_a_race_is_one_finding_whichever_thread_came_first():
    found = []
    for launch, places in (
        ("n=1", [("k.cu", 3), ("k.cu", 4)]),
        ("n=2", [("k.cu", 4), ("k.cu", 3)]),
    ):
        message = f"read/write race, {launch}"
        merge(found, Finding("error", "race", message, "f", places, launch=launch))
    merge(found, Finding("error", "race", "another", "f", [("k.cu", 3)], launch="n=2"))
    assert [(f.message, f.count) for f in found] == [("read/write race, n=1", 2), ("another", 1)]


@needs_nvrtc
def test_spills_are_warnings(write, capsys):
    text = """\
extern "C" __global__ void __launch_bounds__(1024) hold(const float* x, float* y)
{
    float a[96];
#pragma unroll
    for (int i = 0; i < 96; i++) a[i] = x[i * 1024 + threadIdx.x];
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 96; i++) y[i * 1024 + threadIdx.x] = a[i] * a[i * 7 % 96];
}
"""
    code, printed = call(capsys, write(text), "--no-check", "--arch", "sm_90")
    assert code == 0
    assert "k.cu:1: warning: hold:" in printed
    assert "spill to memory, which is slow [sm_90]" in printed


@needs_nvrtc
@needs_compiler
def test_templates_are_seen_by_their_instantiations_only(write, capsys):
    text = SCALE.partition("\n")[2]
    code, printed = call(capsys, write(text))
    assert code == 1
    assert "k.cu:2: not checked: scale: a template of which nobody names" in printed
    assert "0 kernels" in printed
    instances = "// check: kernel scale<double>\n// check: kernel scale< nonsense >\n"
    code, printed = call(capsys, write(instances + text), "--arch", "sm_90")
    assert code == 1
    assert 'error: scale<nonsense>: identifier "nonsense" is undefined' in printed
    assert "k.cu:4: not checked: scale<nonsense>: the emulator cannot compile" in printed
    rows = [line.split() for line in printed.splitlines() if line.startswith("  scale<double>")]
    assert int(rows[0][1]) > 0
    assert rows[1][-1] == "clean"


@needs_nvrtc
@needs_compiler
def test_includes_macros_and_odd_names(write, capsys, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/far.cuh").write_text("#define FAR 1\n", encoding="utf-8")
    write("__device__ float to_device_of(const float* x) {\n    return x[7];\n}\n", "near.cuh")
    text = '#include "near.cuh"\n#include "far.cuh"\n// check: launch f grid=1 block=1 y=float[7]\n'
    text += 'extern "C" __global__ void f(float* y) { y[FAR - GAP] = to_device_of(y); }\n'
    path = write("\ufeff" + text.replace("\n", "\r\n"), 'odd "name" é.cu')
    code, printed = call(capsys, path, "--arch", "sm_90a", "-I", str(tmp_path / "lib"), "-DGAP=1")
    assert code == 1
    assert "near.cuh:2: error: f: out-of-bounds access" in printed
    assert "    2 |     return x[7];" in printed
    assert "compiled by NVRTC" in printed
    assert "1 error," in printed


@needs_compiler
def test_the_command_runs_under_its_old_name_and_without_minires(write, capsys):
    from minires_emulator.checker import command

    path = write(EVERYONE)
    code, printed = call(capsys, path, "--no-compile")
    assert code == 1
    assert main(["cuda-lint", path, "--no-compile"]) == 1
    old = capsys.readouterr()
    assert (old.out, old.err) == (printed, "minires: cuda-lint is called cuda-check now\n")
    assert command.main([path, "--no-compile"]) == 1
    assert capsys.readouterr().out == printed
    assert command.main([path + "no"]) == 2
    assert capsys.readouterr().err == f"error: there is no file {path}no\n"
