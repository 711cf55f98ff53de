"""`minires cuda-check`: what it finds in CUDA files, what it says, and what it survives."""

import json
import re
import textwrap
from pathlib import Path

import pytest

from cuda_check import call, needs_compiler, needs_nvrtc
from minires.__main__ import main
from minires_emulator.checker.check import Settings, check_file

SCALE = """\
// check: launch scale<float> grid=ceil(n/128) block=128 x=float[n] y=float[n] n=1..300 a=0.5
template <class T>
__global__ void scale(const T* x, T* y, int n, T a)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i];
}
"""
# Faulty kernels, each with a repaired twin. The lines with "// here" are those to be reported.
TWINS = """\
// check: launch unguarded grid=2 block=64 x=float[100] n=100
extern "C" __global__ void unguarded(float* x, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    x[i] *= 2;                                            // here
}
// check: launch guarded grid=2 block=64 x=float[100] n=100
extern "C" __global__ void guarded(float* x, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2;
}
// check: launch racing grid=1 block=64 x=float[64]
extern "C" __global__ void racing(float* x)
{
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    x[threadIdx.x] = s[63 - threadIdx.x];                 // here
}
// check: launch waiting grid=1 block=64 x=float[64]
extern "C" __global__ void waiting(float* x)
{
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = s[63 - threadIdx.x];
}
// check: launch divergent grid=1 block=64 x=float[64] n=40
extern "C" __global__ void divergent(float* x, int n)
{
    if (threadIdx.x < n) __syncthreads();                 // here
    x[threadIdx.x] = 1;
}
// check: launch together grid=1 block=64 x=float[64] n=40
extern "C" __global__ void together(float* x, int n)
{
    __syncthreads();
    x[threadIdx.x] = 1;
}
// check: launch everyone grid=2 block=32 x=float[1]
extern "C" __global__ void everyone(float* x)
{
    x[0] = threadIdx.x;                                   // here
}
// check: launch one grid=1 block=32 x=float[1]
extern "C" __global__ void one(float* x)
{
    if (threadIdx.x == 0) x[0] = threadIdx.x;
}
"""
FAULTS = {
    "unguarded": "out-of-bounds access",
    "racing": "read/write race",
    "divergent": "divergent __syncthreads",
    "everyone": "write/write race",
}


@needs_nvrtc
@needs_compiler
def test_a_clean_file_exits_0_with_its_registers_and_runs(write, capsys):
    code, printed = call(capsys, write(SCALE, "scale.cu"))
    assert code == 0
    row = next(line.split() for line in printed.splitlines() if "scale<float>  " in line)
    assert len(row) == 7  # kernel, four architectures, shared, spilled
    assert all(int(cell) < 64 for cell in row[1:])
    assert "5    15  scale.cu:1  clean" in printed
    assert "0 errors, 0 warnings" in printed


@needs_compiler
def test_each_fault_is_reported_at_its_line_and_no_twin_is(write, capsys):
    code, printed = call(capsys, write(TWINS), "--no-compile", "--json")
    assert code == 1
    found = json.loads(printed)["findings"]
    assert {f["kernel"]: f["kind"] for f in found if f["severity"] == "error"} | {
        "racing": "read/write race"  # and unwritten shared memory, in some orders
    } == FAULTS
    told = [(f["kernel"], f["kind"]) for f in found]
    assert len(set(told)) == len(told)  # the same fault of several launches and orders is told once
    lines = TWINS.splitlines()
    for finding in found:
        quoted = [lines[line - 1] for _, line in finding["places"]]
        assert any("// here" in line for line in quoted), finding
    kinds = {f["kind"] for f in found if f["kernel"] == "racing"}
    assert kinds == {"read/write race", "read of memory that nobody wrote"}


@needs_compiler
def test_a_report_quotes_the_line_and_names_the_argument_and_the_launch(write, capsys):
    code, printed = call(capsys, write(TWINS), "--no-compile", "--kernel", "unguarded")
    assert code == 1
    assert "k.cu:5: error: unguarded: out-of-bounds access" in printed
    assert "of x (float32" in printed
    assert "    5 |     x[i] *= 2;" in printed
    assert "launch grid=2 block=64 n=100, ascending threads; seen in 3 runs" in printed
    assert "racing" not in printed


@needs_compiler
def test_a_guess_is_called_one_and_its_line_can_be_used(write, capsys):
    text = SCALE.partition("\n")[2]
    arguments = ("--no-compile", "--kernel", "scale<float>", "--n", "1,129")
    code, printed = call(capsys, write(text), *arguments)
    assert code == 0
    assert "are guesses, and a report may come from the guess" in printed
    line = next(line.strip() for line in printed.splitlines() if "// check: launch" in line)
    assert "grid=ceil(n/128) block=128 x=float[n] y=float[n] n=1..2000 a=0.0..1.0" in line
    code, printed = call(capsys, write(f"{line}\n{text}"), "--no-compile")
    assert code == 0
    assert "guess" not in printed


@needs_compiler
def test_a_wrong_guess_says_so_beside_its_report(write, capsys):
    text = 'extern "C" __global__ void f(float* x, int rows) { x[blockIdx.x * rows + 5] = 0; }'
    code, printed = call(capsys, write(text), "--no-compile", "--n", "1")
    assert code == 1
    assert "out-of-bounds" in printed
    assert "may come from the guess" in printed


@needs_compiler
def test_what_cannot_be_guessed_is_not_called_clean(write, capsys):
    text = 'struct S { int n; };\nextern "C" __global__ void f(float* x, S s) { x[0] = s.n; }'
    code, printed = call(capsys, write(text), "--no-compile")
    assert code == 1
    assert "k.cu:2: not checked: f: cannot be launched: s is a struct" in printed
    launch = "f grid=1 block=1 x=float[1] s=3"
    code, printed = call(capsys, write(text), "--no-compile", "--launch", launch)
    assert code == 2
    assert "run the kernel in Python, within minires_emulator.check()" in printed


@needs_compiler
def test_a_launch_with_ranges_runs_with_their_ends_and_the_same_random_numbers_each_time(
    write, capsys
):
    path, launches = write(SCALE), []
    for _ in range(2):
        code, printed = call(capsys, path, "--no-compile", "--json")
        assert code == 0
        runs = json.loads(printed)["kernels"][0]["launches"]
        launches.append(list(dict.fromkeys(run["launch"] for run in runs)))
    assert launches[0] == launches[1]
    sizes = [int(launch.partition("n=")[2].split()[0]) for launch in launches[0]]
    assert sizes[:2] == [1, 300]  # the ends, and then
    assert len(set(sizes)) > 3
    assert all(1 <= n <= 300 for n in sizes)


@needs_compiler
def test_a_launch_of_the_command_line_replaces_those_of_the_file(write, capsys):
    launch = "// check: launch scale< float > grid=1 block=64 x=float[n] y=float[n] n=50 a=2"
    code, printed = call(capsys, write(SCALE), "--no-compile", "--json", "--launch", launch)
    assert code == 0
    runs = json.loads(printed)["kernels"][0]["launches"]
    assert {(run["launch"], run["origin"]) for run in runs} == {
        ("grid=1 block=64 n=50 a=2", "--launch")
    }


@needs_compiler
def test_values_of_all_forms_reach_the_kernel(write, capsys):
    text = """\
extern "C" __global__ void f(const int* index, float* y, const float* bias, float* more, int c,
                             bool negate, const bool* mask, long long most, unsigned char tag,
                             float4* z)
{
    extern __shared__ float shared[];
    const int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y;
    assert(gridDim.y == 3 && blockDim.x == 32);
    assert(bias == nullptr && more == nullptr && negate && most == 5000000000 && tag == 7);
    shared[threadIdx.x] = z[threadIdx.x].w;
    if (i >= c) return;
    assert(0 <= index[i] && index[i] < c && (mask[i] == 0 || mask[i] == 1));
    y[j * c + i] = shared[threadIdx.x];
}
"""
    launch = (
        "f grid=ceil(c/32),3 block=32 shared=4*32 c=1..100 index=int[c] in 0..c-1 y=float[3*c] "
        "bias=null negate=true mask=bool[c] "
        "most=5000000000 tag=7 z=float4[32] more=null"
    )
    code, printed = call(capsys, write(text), "--no-compile", "--launch", launch)
    assert code == 0, printed


@needs_compiler
def test_float_atomics_and_values_that_are_not_finite_are_warnings(write, capsys):
    text = """\
// check: launch total grid=4 block=64 x=float[256] sum=float[1]
extern "C" __global__ void total(const float* x, float* sum)
{
    atomicAdd(sum, x[blockIdx.x * blockDim.x + threadIdx.x]);
}
// check: launch inverse grid=1 block=64 y=float[64]
extern "C" __global__ void inverse(float* y) { y[threadIdx.x] = threadIdx.x / 0.0f; }
// check: launch slots grid=1 block=64 y=int[64] next=int[1] in 0..0
extern "C" __global__ void slots(int* y, int* next) { y[atomicAdd(next, 1)] = threadIdx.x; }
"""
    code, printed = call(capsys, write(text), "--no-compile")
    assert code == 0
    assert "k.cu:2: warning: total: float atomics" in printed
    assert "k.cu:7: warning: inverse: y has values that are not finite" in printed
    assert "k.cu:9: warning: slots: y depends on the order" in printed
    assert "0 errors, 3 warnings" in printed


@needs_compiler
def test_the_profile_shows_bank_conflicts(write, capsys):
    kernel = """\
// check: launch f<PITCH> grid=1 block=32 y=float[32]
template <int P> __global__ void f(float* y)
{
    __shared__ float s[32 * P];
    for (int k = 0; k < 32; k++) s[k * P + threadIdx.x] = k;
    __syncthreads();
    y[threadIdx.x] = s[threadIdx.x * P];
}
"""
    ratios = {}
    for pitch in ("32", "33"):
        path = write(kernel.replace("PITCH", pitch))
        code, printed = call(capsys, path, "--no-compile", "--profile", "--json")
        assert code == 0
        rows = json.loads(printed)["kernels"][0]["profile"]
        found = [r for r in rows if r["line"] == 7 and r["space"] == "shared"]
        ratios[pitch] = [row["ratio"] for row in found]
    assert ratios == {"32": [32.0], "33": [1.0]}
    code, printed = call(capsys, path, "--no-compile", "--profile")
    assert "transactions/ideal" in printed


@needs_compiler
def test_a_loop_without_end_is_stopped_and_the_next_kernel_runs(write, capsys):
    text = """\
extern "C" __global__ void spin(float* y) { while (true) y[0] += 1; }
// check: launch fine grid=1 block=1 y=float[1]
extern "C" __global__ void fine(float* y) { y[0] = 1; }
"""
    code, printed = call(capsys, write(text), "--no-compile", "--limit", "1")
    assert code == 1
    assert "k.cu:1: error: spin: time limit of 1 s; look for a loop without end" in printed
    assert re.search(r"spin +1 +1 .* time limit\n +fine +1 +3 .* clean\n", printed)


@needs_compiler
@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [("pause", "time limit", "no end within"), ("abort", "crash", "SIGABRT")],
)
def test_a_worker_that_hangs_or_dies_takes_nothing_else_down(write, function, kind, message):
    # Functions of the host: the emulator cannot stop them, and the worker does not survive them.
    text = f"""\
extern "C" void {function}();
// check: launch lost grid=1 block=1 y=float[1]
extern "C" __global__ void lost(float* y) {{ for (;;) {function}(); }}
// check: launch fine grid=1 block=1 y=float[1]
extern "C" __global__ void fine(float* y) {{ y[0] = 1; }}
"""
    settings = Settings(compile=False, limit=0.1, grace=1.0)
    result = check_file(Path(write(text)), settings)
    (finding,) = result.findings
    assert (finding.severity, finding.kind, finding.kernel) == ("error", kind, "lost")
    assert message in finding.message
    assert "lost grid=1 block=1" in finding.message
    assert len(result.kernels["fine"].launches) == 3
    assert not result.clean


@needs_compiler
def test_what_a_kernel_prints_does_not_reach_the_output(write, capfd):
    text = 'extern "C" __global__ void f(float* y) { printf("{\\"done\\": true}\\n"); y[0] = 1; }'
    code, printed = call(capfd, write(text), "--no-compile", "--json", "--launch",
                         "f grid=1 block=1 y=float[1]")  # fmt: skip
    assert code == 0
    assert len(json.loads(printed)["kernels"][0]["launches"]) == 3


@needs_compiler
def test_modules_of_the_present_folder_are_not_run(write, capsys, monkeypatch, tmp_path):
    for name in ("json", "numpy", "minires"):
        (tmp_path / f"{name}.py").write_text(
            "raise SystemExit('taken for a module')\n", encoding="utf-8"
        )
    monkeypatch.chdir(tmp_path)
    assert call(capsys, write(SCALE), "--no-compile")[0] == 0


def test_the_help_tells_the_exit_codes_and_the_launches(capsys):
    code, printed = call(capsys, "--help")
    assert code == 0
    assert "exit codes: 0" in printed
    assert "// check: launch scale<float> grid=ceil(n/128)" in printed


@needs_compiler
def test_the_pages_example_is_what_the_command_prints(capsys):
    docs = Path(__file__).parents[2] / "kernels" / "docs"
    assert main(["cuda-check", str(docs / "smooth.cu"), "--no-compile"]) == 1
    printed = capsys.readouterr().out
    page = (docs / "cuda.md").read_text("utf-8")
    block = page[page.index("    smooth.cu:7: error") :].split("\n\n")[0]
    assert textwrap.dedent(block) in printed
    source = page[page.index("    // y[i] = mean") :].split("\n\n")[0]
    assert textwrap.dedent(source) in (docs / "smooth.cu").read_text("utf-8")


@needs_compiler
def test_more_shared_memory_than_a_kernel_gets_unasked_is_a_warning(tmp_path, capsys):
    file = tmp_path / "shared.cu"
    file.write_text(
        "// check: launch f grid=1 block=32 shared=60000 y=float[32]\n"
        'extern "C" __global__ void f(float* y)\n'
        "{ extern __shared__ float s[]; s[threadIdx.x] = 1; y[threadIdx.x] = s[threadIdx.x]; }\n",
        encoding="utf-8",
    )
    assert main(["cuda-check", str(file), "--no-compile"]) == 0
    printed = capsys.readouterr().out
    assert "60000 bytes of dynamic shared memory" in printed
    assert "1 warning" in printed
