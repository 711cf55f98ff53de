"""The benchmarks: arguments, fair turns, counting lines, and output that programs can read."""

import json

import numpy as np
import pytest

from benchmarks import (
    kernels,
    limits,
    lines,
    nets,
    numpy_conv,
    peers,
    roofline,
    shapes,
    source_lines,
    step,
    step_overhead,
    timing,
)
from minires_kernels import kernel, specs
from minires_kernels.backends import load
from minires_kernels.cpu.machine import threads


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No peers, whatever is installed; instant limits; the number of threads is put back."""
    monkeypatch.setattr(peers, "torch", lambda: None)
    monkeypatch.setattr(peers, "jax", lambda: None)
    monkeypatch.setattr(peers, "mygrad", lambda: None)
    monkeypatch.setattr(limits, "SIZES", (64,))
    monkeypatch.setattr(limits, "TRIAD_BYTES", 12 << 10)
    monkeypatch.setattr(limits, "CACHE_BYTES", (6 << 10,))
    limits._measure.cache_clear()
    before = threads.num_threads()
    yield
    threads.set_num_threads(before)
    limits._measure.cache_clear()


@pytest.mark.parametrize("program", [kernels, roofline], ids=["kernels", "roofline"])
def test_a_wrong_kernel_is_named_with_those_that_exist(program, capsys):
    with pytest.raises(SystemExit) as error:
        program.main(["conv3d"])
    assert error.value.code == 2
    message = capsys.readouterr().err
    assert "conv3d" in message
    assert all(name in message for name in specs())


def test_a_wrong_model_is_named_with_those_that_exist(capsys):
    with pytest.raises(SystemExit) as error:
        step.main(["--models", "resnet20,vgg"])
    assert error.value.code == 2
    message = capsys.readouterr().err
    assert "'vgg'" in message
    assert all(name in message for name in nets.NETS)


@pytest.mark.parametrize(
    "arguments", [["--threads", "0"], ["--rounds", "x"], ["--shapes", "mnist"]]
)
def test_wrong_values_end_the_program(arguments):
    with pytest.raises(SystemExit) as error:
        kernels.main([*arguments, "relu"])
    assert error.value.code == 2


def test_a_kernel_without_shapes_is_skipped_with_a_message(monkeypatch, capsys):
    future = {**specs(), "attention": specs()["relu"]}
    monkeypatch.setattr(kernels, "specs", lambda: future)
    monkeypatch.setitem(load("cpu").KERNELS, "attention", load("cpu").KERNELS["relu"])
    assert kernels.main(["attention", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "attention: skipped" in err
    assert json.loads(out)["rows"] == []


def test_a_model_that_does_not_exist_is_skipped_with_a_message(monkeypatch, capsys):
    monkeypatch.setitem(nets.NETS, "mlp", nets.Net("mlp", 2, (4,), 2, "no_such_net"))
    assert step.available(["mlp", "resnet20"]) == ["resnet20"]
    assert "no_such_net" in capsys.readouterr().err


def test_every_kernel_has_calls_that_it_accepts():
    for name in specs():
        for call in shapes.calls(name) or []:
            arrays = call.arrays(2)
            assert all(a is None or a.dtype in (np.float32, np.int64) for a in arrays)
            specs()[name].check_forward(*arrays, **call.options)
    assert len(shapes.stage_calls("conv2d")) == len(shapes.STAGES) == 3


def test_contenders_take_turns_and_each_begins_a_round():
    turns = []
    calls = {name: lambda name=name: turns.append(name) for name in "abc"}
    times = timing.interleave(calls, 3, turn_s=0, pause_s=0, wake_s=0)
    assert "".join(turns) == "abcabcbcacab"
    assert all(len(t.wall) == len(t.cpu) == 3 for t in times.values())


def test_short_calls_are_repeated_and_a_budget_ends_the_rounds():
    count = [0]

    def call():
        count[0] += 1

    times = timing.interleave({"a": call}, 50, turn_s=1e-4, pause_s=0, wake_s=1e-4, budget_s=0)
    assert len(times["a"].wall) == timing.FEWEST_ROUNDS
    assert count[0] > 2 * timing.FEWEST_ROUNDS
    with pytest.raises(ValueError, match="rounds"):
        timing.interleave({"a": call}, 0)


def test_a_timing_reports_median_and_quartiles():
    t = timing.Timing((1.0, 2.0, 3.0, 4.0, 100.0), (2.0,) * 5)
    assert (t.median, t.quartiles, t.cpu_median) == (3.0, (2.0, 4.0), 2.0)


def test_other_programs_are_noticed(capsys):
    timing.warn_if_busy([{"others": None}, {"others": 0.05}, {}])
    assert capsys.readouterr().err == ""
    timing.warn_if_busy([{"others": 0.9}])
    assert "0.9 cores" in capsys.readouterr().err


SOURCE = '''"""Header
of two lines."""
import math  # counts


def f(x):
    """Docstring."""

    # comment
    text = """a string
    of two lines"""
    return (
        x,
        text,
    )
'''


def test_code_lines_leave_out_blanks_comments_and_docstrings():
    assert source_lines.code_lines(SOURCE) == {3, 6, 10, 11, 12, 13, 14, 15}


def test_lines_of_a_version_include_the_helpers_that_it_reaches():
    def count(*functions, **options):
        return source_lines.lines_of(*functions, package=__name__, **options)

    assert count(_leaf) == 2
    assert count(_uses_leaf) == 4
    assert count(_uses_leaf, _leaf) == 4
    assert count(_recursive) == 2
    assert count(np.zeros) == 0
    for name in (name for name, spec in specs().items() if spec.gradients):
        for version in load("cpu").KERNELS[name]:
            total = source_lines.version_lines(version)
            assert 10 < source_lines.version_lines(version, lines.THREADS) <= total < 3000


def _leaf():
    return 1


def _uses_leaf():
    return [_leaf() for _ in range(2)]


def _recursive(n):
    return _recursive(n - 1)


@pytest.mark.parametrize(("stride", "padding", "r"), [(1, 1, 3), (2, 1, 3), (2, 0, 1), (2, 3, 7)])
def test_the_numpy_convolution_is_a_convolution(stride, padding, r):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((3, 4, 9, 8)), rng.standard_normal((5, 4, r, r))
    exact = kernel("conv2d", "reference")
    y, *saved = exact.forward(x, w, None, stride=stride, padding=padding)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_allclose(numpy_conv.forward(x, w, stride, padding), y, atol=1e-12)
    found = numpy_conv.backward(dy, x, w, stride, padding)
    for a, b in zip(found, exact.backward(dy, *saved)[:2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)


@pytest.mark.parametrize(
    "name", [pytest.param("conv2d", marks=pytest.mark.slow), "batch_norm_relu"]
)
def test_errors_are_small_in_every_pass(name):
    if name not in specs():
        pytest.skip(f"there is no kernel {name}")
    call = shapes.stage_calls(name)[-1]
    (version,) = kernels.chosen_versions(name, call, "default")
    found = kernels.errors(name, call, version)
    assert set(found) == {"forward", *kernels.PASSES.get(name, {"backward": None})}
    assert all(0 <= e < 1e-4 for e in found.values()), found


def test_kernels_writes_json(capsys):
    arguments = ["relu", "--quick", "--json", "--rounds", "1", "--threads", "1"]
    assert kernels.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["threads"] == 1
    assert [row["pass"] for row in found["rows"]] == ["forward", "backward"]
    assert all(row["ms"] > 0 and row["error"] < 1e-6 for row in found["rows"])
    assert found["limits"]["flops"] > 0


@pytest.mark.parametrize("what", [[], ["--eval"], ["--overhead"]])
def test_step_writes_json(what, capsys):
    assert step.main(["--models", "mlp", "--quick", "--json", "--rounds", "1", *what]) == 0
    row, *others = json.loads(capsys.readouterr().out)["rows"]
    assert row["model"] == "mlp"
    assert [other["contender"] for other in others] == ["minires replayed"] * (
        "--overhead" not in what
    )
    if "--overhead" in what:
        assert row["compiled"] + row["glue"] + row["engine"] == pytest.approx(1)
        assert min(row["compiled"], row["glue"], row["engine"]) > 0
    else:
        assert row["ms"] > 0
        assert row["contender"] == "minires"


def test_the_clocks_are_taken_away_again():
    run, forward = threads.run, type(kernel("relu")).forward
    with pytest.raises(KeyError), step_overhead.clocked() as clock:
        kernel("relu").forward(np.ones((512, 512), np.float32))
        raise KeyError
    assert clock.kernels > clock.compiled_in_kernels == clock.compiled > 0
    assert (threads.run, type(kernel("relu")).forward) == (run, forward)


def test_roofline_writes_figure_and_csv(tmp_path, capsys):
    arguments = ["relu", "--quick", "--json", "--rounds", "1", "--out", str(tmp_path)]
    assert roofline.main(arguments) == 0
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 2
    assert (tmp_path / "roofline.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "roofline.csv").read_text(encoding="utf-8").count("\n") == 3


def test_the_figure_of_lines_states_what_they_buy():
    rows = [
        {"version": "NumPy im2col", "lines": 40, "forward 16×32²": 20.0, "backward 16×32²": 20.0},
        {"version": "v1", "lines": 100, "with threads": 200, "forward 16×32²": 2.0,
         "backward 16×32²": 1.0},
        {"version": "v2", "lines": 300, "with threads": 400, "forward 16×32²": 20.0,
         "backward 16×32²": 40.0},
    ]  # fmt: skip
    figure = lines.draw(rows, ["16×32²"], "")
    assert figure.get_suptitle() == (
        "v2 of the convolution takes 3 times the lines of v1 and is 20 times as fast"
    )
    assert not figure.legends
    assert "16×32²" in [text.get_text() for text in figure.axes[0].texts]
