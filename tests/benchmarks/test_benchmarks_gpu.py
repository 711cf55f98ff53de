"""The GPU's benchmark without a GPU: rehearsed on the emulator, and run on a stand-in for CuPy."""

import contextlib
import dataclasses
import json
import time

import numpy as np
import pytest
from test_benchmarks_gpu_sanitizer import executable

import device_module
from benchmarks import figures, gpu, peers
from benchmarks.gpu import __main__ as program
from benchmarks.gpu.report import Report, Section
from minires_kernels import backends, specs
from minires_kernels import gpu as gpu_module
from minires_kernels.cuda import conv2d

try:
    from minires_emulator import compiler

    compiler()
    MISSING = ""
except Exception as problem:  # NoCompiler
    MISSING = str(problem)
needs_compiler = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(scope="module")
def place():
    if MISSING:
        pytest.skip(MISSING)
    return gpu.place.Rehearsal()


# ---- the whole program --------------------------------------------------------------------------
def small(monkeypatch, plan="TINY"):
    """Leave only three kernels to check."""
    few = {name: specs()[name] for name in ("linear", "max_pool2d", "sgd")}
    monkeypatch.setattr(gpu.checks, "specs", lambda: few)
    monkeypatch.setattr(program, plan, dataclasses.replace(gpu.plan.TINY, rounds=1))


@pytest.mark.slow
@needs_compiler
def test_a_rehearsal_runs_every_part_and_claims_nothing(tmp_path, monkeypatch, capsys):
    small(monkeypatch)
    everything = ",".join(gpu.parts.PARTS)
    assert program.main(["--rehearse", "--only", everything, "--out", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("REHEARSAL") == 2  # at the head and at the end
    (text, data, table, figure) = sorted(
        tmp_path.iterdir(), key=lambda p: (".md", ".json", ".csv", ".png").index(p.suffix)
    )
    assert {p.name.partition("_2")[0] for p in (text, data, table, figure)} == {"gpu_rehearsal"}
    assert "REHEARSAL" in text.read_text(encoding="utf-8")
    assert figure.read_bytes().startswith(b"\x89PNG")
    found = json.loads(data.read_text(encoding="utf-8"))
    assert found["measured on a GPU"] is False
    assert found["problems"] == []
    sections = {s["title"]: s for s in found["sections"]}
    titles = ("Checks", "Sanitizer", "Training step", "Kernels of a step", "Tiles of convolution")
    assert list(sections) == [f"{title} (rehearsal)" for title in titles]
    assert "Goals" not in text.read_text(
        encoding="utf-8"
    )  # nor any ratio: there is nothing to compare
    assert "below 1 we are faster" not in text.read_text(encoding="utf-8")

    checked = sections["Checks (rehearsal)"]["tables"][0]["rows"]
    assert all(row["failed"] == 0 and row["cases"] for row in checked)
    assert {row["kernel"] for row in checked} >= {"linear", "sgd", "step = cpu"}

    steps = sections["Training step (rehearsal)"]["tables"][0]["rows"]
    names = {row["contender"] for row in steps}
    assert names >= {name for name, *_ in gpu.step.OURS}
    if peers.torch() is not None:
        assert names >= {arm.name for arm in gpu.pytorch.ARMS if not arm.captured}
    assert all(row["first loss"] < 1e-3 and row["ms"] > 0 for row in steps)

    single, tensor = (t["rows"] for t in sections["Kernels of a step (rehearsal)"]["tables"])
    assert any(row["kernel"].startswith("conv2d_images_v3") for row in single)
    assert any(row["kernel"].startswith("conv2d_images_v4") for row in tensor)
    assert sum(row["share"] for row in single) == pytest.approx(1)

    tiles = sections["Tiles of convolution (rehearsal)"]["tables"][0]["rows"]
    assert {row["tile"] for row in tiles} >= {t[0] for t in conv2d.IMAGE_TILES[3].values()}
    assert {(row["version"], row["pass"]) for row in tiles if row["in use"]} == {
        (f"v{n}", pass_) for n in (3, 4) for pass_ in gpu.tiles.PASSES
    }
    assert table.read_text(encoding="utf-8").count("\n") == 1 + sum(
        map(len, (steps, single, tensor, tiles))
    )  # all that was timed


def test_without_cupy_the_program_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(gpu_module, "status", lambda: ("no-cupy", "CuPy is not installed; pip it"))
    monkeypatch.setattr(backends, "_packages", {})
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    assert program.main([]) == 2
    message = capsys.readouterr().err
    assert "CuPy is not installed; pip it" in message
    assert "--rehearse" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "check"], "'check' is not among checks, sanitizer, step, kernels, tiles"),
        (["--only", "step,step"], "given twice"),
        (["--rounds", "0"], "positive integer"),
        (["--rounds", "3", "--only", "checks"], "--rounds counts"),
        (["--plain-memory"], "--only checks"),
        (["--rehearse", "--plain-memory", "--only", "checks"], "rehearsal"),
        (["--rehearse", "--quick"], "rehearsal"),
    ],
)
def test_wrong_arguments_end_the_program(arguments, message, capsys):
    with pytest.raises(SystemExit) as error:
        program.main(arguments)
    assert error.value.code == 2
    assert message in capsys.readouterr().err


# ---- a stand-in for CuPy ----------------------------------------------------------------------
class Event:
    """A CUDA event: its time is set when the stream reaches it, which here is at once."""

    def record(self):
        self.time = time.perf_counter()

    done = False  # as if the GPU were held back


@pytest.fixture
def cupy(monkeypatch):
    """A stand-in for CuPy with the things that only this benchmark asks for."""
    if MISSING:
        pytest.skip(MISSING)
    stub = device_module.Cuda
    properties = {"name": b"Stand-In 1", "multiProcessorCount": 2}
    allocators = []
    monkeypatch.setattr(stub, "Event", Event, raising=False)
    monkeypatch.setattr(
        stub, "get_elapsed_time", lambda a, b: (b.time - a.time) * 1e3, raising=False
    )
    monkeypatch.setattr(stub, "set_allocator", allocators.append, raising=False)
    monkeypatch.setattr(stub.runtime, "getDeviceProperties", lambda _id: properties)
    with device_module.device():
        yield allocators


@pytest.mark.slow
def test_the_program_runs_on_a_gpu_whose_arrays_refuse_to_be_numpys(
    cupy, tmp_path, monkeypatch, capsys
):
    small(monkeypatch, "FULL")
    monkeypatch.setattr(gpu.sanitizer, "find", lambda: None)
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    assert program.main([]) == 0, capsys.readouterr().out
    out = capsys.readouterr().out
    assert "REHEARSAL" not in out
    assert "compute-sanitizer is neither" in out
    text = next(tmp_path.glob("gpu_stand-in-1_2*.md")).read_text(encoding="utf-8")
    assert "not measured" in text  # the goals are ResNet-20's
    data = json.loads(next(tmp_path.glob("*.json")).read_text(encoding="utf-8"))
    assert data["measured on a GPU"] is True
    assert data["facts"]["device"] == "Stand-In 1"
    (graph,) = [
        row
        for section in data["sections"]
        for table in section["tables"]
        for row in table["rows"]
        if row.get("kernel") == "graph = eager"
    ]
    assert graph["failed"] == 0
    assert graph["cases"] == 1
    assert program.main(["--only", "tiles"]) == 0
    assert next(tmp_path.glob("gpu_stand-in-1_*_tiles.csv")).exists()


def test_plain_memory_turns_cupys_pool_off(cupy, tmp_path, monkeypatch):
    monkeypatch.setattr(program, "run", lambda session: None)
    assert program.main(["--only", "checks", "--plain-memory", "--out", str(tmp_path)]) == 0
    assert cupy == [None]


def test_work_that_was_not_queued_in_time_is_repeated_with_a_longer_hold(cupy, monkeypatch):
    place = gpu.place.Gpu()
    done, holds = iter([True, True, False]), []
    monkeypatch.setattr(place, "passed", lambda mark: next(done))
    monkeypatch.setattr(place, "hold", holds.append)
    result = gpu.place.queued(place, lambda: len(holds))
    assert result.ahead
    assert result.result == 3
    assert holds == [gpu.place.HOLD_S * 2**i for i in range(3)]
    monkeypatch.setattr(place, "passed", lambda mark: True)
    assert not gpu.place.queued(place, lambda: None).ahead


def test_the_delay_is_as_long_as_it_is_asked_to_be(cupy, monkeypatch):
    place, asked = gpu.place.Gpu(), []

    def kernel(grid, block, arguments):
        asked.append(int(arguments[1]))

    monkeypatch.setattr(gpu.place, "limit_kernels", lambda place: {"delay": kernel}.__getitem__)
    monkeypatch.setattr(place, "seconds", lambda a, b: asked[-1] * 2e-9)
    place.hold(0.5)
    assert asked[-1] == 250_000_000


def test_facts_are_nvidia_smis_and_never_an_error(cupy, tmp_path, monkeypatch):
    place = gpu.place.Gpu()
    values = ["580.1", "1980 MHz", "1980 MHz", "3201 MHz", "120.5 W", "700.00 W", "31", "[N/A]"]
    executable(tmp_path / "nvidia-smi", f"print({', '.join(values)!r})")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = gpu.facts.facts(place, torch=False)
    assert found["driver"] == "580.1"
    assert found["power limit"] == "700.00 W"
    assert "ECC" not in found
    assert "SM clock 1980 MHz" in gpu.facts.clocks(place)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert "driver" not in gpu.facts.facts(place, torch=False)


# ---- what goes wrong ----------------------------------------------------------------------------
class Dead(contextlib.nullcontext):
    """A place whose GPU takes no more work."""

    measured, title, backend, tensor_cores = True, "dead", "reference", True

    def put(self, a):
        raise RuntimeError("cudaErrorIllegalAddress: an illegal memory access was encountered")

    synchronize = put


def report_of(*parts):
    return Report(True, {"device": "Some GPU 7"}, parts, quick=False)


def test_a_lost_gpu_ends_the_run_and_names_what_was_left_out(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(Dead, "synchronize", lambda self: self.put(None))
    report, called = report_of("checks", "step"), []
    monkeypatch.setitem(gpu.parts.PARTS, "step", called.append)
    gpu.parts.run(gpu.parts.Session(Dead(), gpu.plan.TINY, report, tmp_path))
    assert [s.title for s in report.sections] == ["Checks"]
    assert not called
    assert "not run: step" in report.verdict()
    assert "not run: step" in next(tmp_path.glob("*.md")).read_text(encoding="utf-8")
    assert any("1 failures" in p for p in report.problems)
    assert "illegal memory access" in capsys.readouterr().out


def test_an_error_in_one_part_keeps_no_other_from_running(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(Dead, "synchronize", lambda self: None)
    monkeypatch.setitem(gpu.parts.PARTS, "step", lambda session: 1 / 0)
    monkeypatch.setitem(
        gpu.parts.PARTS, "kernels", lambda session: session.report.add(Section("K"))
    )
    report = report_of("step", "kernels")
    gpu.parts.run(gpu.parts.Session(Dead(), gpu.plan.TINY, report, tmp_path))
    assert [s.title for s in report.sections] == ["K"]
    assert report.problems == ["step ended early: ZeroDivisionError: division by zero"]
    assert "ZeroDivisionError" in capsys.readouterr().err


@needs_compiler
def test_any_problem_makes_the_program_fail(monkeypatch, tmp_path, capsys):
    def checks(session):
        session.report.problems.append("checks: 3 failures")

    monkeypatch.setitem(gpu.parts.PARTS, "checks", checks)
    assert program.main(["--rehearse", "--only", "checks", "--out", str(tmp_path)]) == 1
    assert "checks: 3 failures" in capsys.readouterr().out
    assert "checks: 3 failures" in next(tmp_path.glob("*.md")).read_text(encoding="utf-8")


# ---- the report ---------------------------------------------------------------------------------
def test_reports_replace_their_own_files_and_no_others(tmp_path):
    report = report_of("checks", "step")
    first = report.write(tmp_path)
    assert {p.suffix for p in first} == {".md", ".json"}  # nothing was timed or drawn
    assert "not run: checks, step" in first[0].read_text(encoding="utf-8")
    report.ended = ["checks", "step"]
    assert report.write(tmp_path) == first
    assert "No part reported a problem" in first[0].read_text(encoding="utf-8")
    second = report_of("checks", "step").write(tmp_path)
    assert first[0].name.startswith("gpu_some-gpu-7_2")
    assert second[0].stem == first[0].stem + "_2"


def test_the_name_of_a_report_tells_what_it_lacks():
    report = report_of("checks", "step")
    report.complete, report.quick = False, True
    assert report.stem().endswith("_checks-step_quick")


def test_json_has_no_values_that_json_has_not(tmp_path):
    report = report_of("checks")
    section = Section("S")
    section.add("T", [{"ms": float("nan"), "n": np.float32(1), "log": "long"}])
    report.add(section)
    _, data, table = report.write(tmp_path)
    (row,) = json.loads(data.read_text(encoding="utf-8"))["sections"][0]["tables"][0]["rows"]
    assert row == {"ms": None, "n": 1.0, "log": "long"}
    assert table.read_text(encoding="utf-8").startswith("part,ms,n")
