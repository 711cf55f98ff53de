"""Parts of the GPU's benchmark: checks find what is wrong, launches are counted, arms are built."""

import contextlib
import types

import numpy as np
import pytest

from benchmarks import gpu, shapes
from minires import cuda
from minires_emulator import nvrtc
from minires_kernels import backends, kernel
from minires_kernels.cuda import conv2d, linear, relu
from minires_kernels.cuda.machine.device import OPTIONS, Device, source

try:
    from minires_emulator import RawModule, compiler

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


# ---- checks find what is wrong ------------------------------------------------------------------
class Broken:
    """A RawModule one of whose kernels computes its first result wrongly."""

    def __init__(self, **arguments):
        self.module = RawModule(**arguments)

    def get_function(self, name):
        kernel = self.module.get_function(name)

        def launch(grid, block, arguments):
            kernel(grid, block, arguments)
            if name == "relu_backward_v1<float>":
                arguments[2].flat[0] += 0.1  # dx

        return launch


class Wavering(Broken):
    """As Broken, but the error is far below what is allowed, and another one each time."""

    def get_function(self, name):
        kernel = self.module.get_function(name)
        calls = []

        def launch(grid, block, arguments):
            kernel(grid, block, arguments)
            if name == "matmul_v1<float>":
                calls.append(name)
                c = arguments[3].reshape(-1)
                c[np.abs(c).argmax()] *= np.float32(1 + 2e-7 * (len(calls) % 7))

        return launch


def no_code(code, **options):
    return RawModule(code=code + "this is no C++", **options)


def check(place, monkeypatch, raw_module, module=relu):
    """Check a kernel whose sources are compiled by `raw_module`."""
    name = module.__name__.rpartition(".")[2]
    monkeypatch.setitem(backends.load("cuda-sim").KERNELS, name, module.on(Device(np, raw_module)))
    monkeypatch.setattr(backends, "_cache", {})
    found = gpu.checks.Found()
    gpu.checks.check_kernels(place, gpu.plan.TINY, found, [name])
    return found


def test_a_wrong_kernel_is_a_row_of_failures(place, monkeypatch):
    found = check(place, monkeypatch, Broken)
    good = check(place, monkeypatch, RawModule)
    assert not good.failures
    assert [row["failed"] for row in good.rows] == [0, 0]
    assert found.rows[0]["failed"] > 0
    first = found.failures[0]
    assert (first["kernel"], first["version"], first["dtype"]) == ("relu", "v1", "float32")
    assert first["what"].startswith("dz") or first["what"].startswith("dx")
    assert first["error"] > first["allowed"]
    assert sum(row["failed"] for row in found.rows) == len(found.failures)


def test_two_runs_that_differ_in_a_bit_are_a_failure(place, monkeypatch):
    found = check(place, monkeypatch, Wavering, linear)
    assert found.failures
    assert {row["what"] for row in found.failures} == {"two runs differ"}


def test_a_kernel_that_does_not_compile_is_a_failure_of_its_cases_alone(place, monkeypatch):
    found = check(place, monkeypatch, no_code)
    assert found.failures
    assert all("CompileError" in row["what"] for row in found.failures)
    assert [row["version"] for row in found.rows] == ["v1", "v2"]


def test_errors_count_what_is_missing_misshapen_or_not_a_number():
    a = np.array([1.0, -2.0])
    assert gpu.checks.error(a, a) == gpu.checks.error(None, None) == 0
    assert gpu.checks.error(a * 1.01, a) == pytest.approx(0.01)
    for wrong in (None, a[:1], a * np.nan, a * np.inf):
        assert not gpu.checks.error(wrong, a) <= 1e3


@needs_compiler
def test_kernels_that_write_in_place_have_no_failures(place):
    found = gpu.checks.Found()
    gpu.checks.check_updates(place, gpu.plan.TINY, found)
    assert {row["kernel"] for row in found.rows} == {"add", "sgd", "running_statistics"}
    assert found.failures == []


@pytest.mark.slow
@needs_compiler
def test_a_graph_that_does_not_see_the_new_learning_rate_is_noticed(place, monkeypatch):
    found = gpu.checks.Found()
    monkeypatch.setattr(gpu.training, "STEPS", 1)
    halve = gpu.training.Training.halve
    calls = []

    def only_eager(self):
        calls.append(self)
        if len(calls) == 1:
            halve(self)

    monkeypatch.setattr(gpu.training.Training, "halve", only_eager)
    gpu.training.check_training(place, gpu.plan.TINY, found)
    assert {row["kernel"] for row in found.failures} == {"graph = eager"}
    assert found.rows[0]["failed"] == 0


# ---- what launches are said to do ---------------------------------------------------------------
@pytest.mark.parametrize("number", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("x", "w", "options"),
    [
        ((2, 8, 9, 8), (16, 8, 3, 3), {"padding": 1}),
        ((2, 16, 8, 8), (32, 8, 3, 3), {"padding": 1, "stride": 2, "groups": 2}),
        pytest.param((1, 8, 7, 7), (16, 8, 1, 1), {}, marks=pytest.mark.slow),
    ],
)
def test_flops_of_launches_are_the_specifications(place, number, x, w, options):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype("f") for shape in (x, w)]
    k = kernel("conv2d", "cuda-sim", number)
    expected = k.spec.flops(*arrays, **options)
    with gpu.profile.launches(place) as forward:
        y, *saved = k.forward(*arrays, **options)
    with gpu.profile.launches(place) as backward:
        k.backward(np.ones_like(y), *saved)
    assert sum(launch.flops for launch in forward) == expected
    assert sum(launch.flops for launch in backward) == 2 * expected
    (main,) = [launch for launch in forward if launch.flops]
    assert main.nbytes >= arrays[0].nbytes + y.nbytes
    if number >= 3:
        (dx,) = [launch.name for launch in backward if launch.name.endswith(" dx")]
        assert dx.startswith(f"conv2d_images_v{number}<")


@needs_compiler
def test_bytes_of_launches_count_each_array_once_and_twice_in_place(place):
    x = np.ones(64, "f")
    with gpu.profile.launches(place) as found:
        kernel("relu", "cuda-sim").forward(x)
        kernel("add", "cuda-sim").forward(x, x)
        kernel("add", "cuda-sim").forward(x.copy(), x, owned=True)
        options = np.array([0.1, 0.9, 0, 0, 0], "f")
        p, g, v = (np.ones(64, "f") for _ in range(3))
        kernel("sgd", "cuda-sim").forward([p], [g], [v], [False], options)
    names = ["relu_forward_v2", "add", "add_into", "sgd_v2"]
    assert [launch.name for launch in found] == names
    n = x.nbytes
    relu_, add, into, sgd = [launch.nbytes for launch in found]
    assert (relu_, add, into) == (2 * n, 2 * n, 3 * n)
    assert 5 * n <= sgd <= 5 * n + 100
    run = Device.run
    assert run.__name__ == "run"  # and the wrapper is gone


@needs_compiler
def test_every_tile_computes_the_same_and_the_tables_are_put_back(place):
    tables = (conv2d.IMAGE_TILES, conv2d.WEIGHT_TILES, conv2d.SMALL_TILE, conv2d.TILED)
    before = [dict(table) for table in tables]
    call = shapes.convolution(2, 16, 16, 6, 1, 3)
    unit = gpu.tiles.unit(3, more=False)
    passes = gpu.tiles.calls(place, place.device, 3, call)
    expected = [passes["y"]()[0], passes["dx"]()[0], passes["dw"]()[1]]
    for tile in gpu.tiles.image_tiles(3, more=False).values():
        with gpu.tiles.only(3, tile, None, unit), gpu.profile.launches(place) as found:
            np.testing.assert_allclose(passes["y"]()[0], expected[0], rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(passes["dx"]()[0], expected[1], rtol=1e-4, atol=1e-4)
        assert f"conv2d_images_v3<{tile[0]}>" in [launch.name for launch in found]
    for tile in gpu.tiles.weight_tiles(3, more=False).values():
        with gpu.tiles.only(3, None, tile, unit), gpu.profile.launches(place) as found:
            np.testing.assert_allclose(passes["dw"]()[1], expected[2], rtol=1e-3, atol=1e-3)
        assert f"conv2d_weights_v3<{tile[0]}>" in [launch.name for launch in found]
    assert [dict(table) for table in tables] == before


@pytest.mark.parametrize("version", gpu.tiles.VERSIONS)
def test_more_tiles_satisfy_what_the_templates_assert(version):
    """The static_asserts of conv2d_tile.cuh, conv2d_v3.cu and conv2d_v4.cu, and 48 KiB."""
    unit = gpu.tiles.unit(version, more=True)
    for kind, tiles in (
        ("images", gpu.tiles.image_tiles(version, more=True)),
        ("weights", gpu.tiles.weight_tiles(version, more=True)),
    ):
        assert len(tiles) >= 8
        for arguments, rows, columns, depth, threads in tiles.values():
            assert any(f"{kind}_v{version}" in k and f"{arguments}>" in k for k in unit.kernels)
            assert threads % 32 == 0
            assert threads <= 1024
            assert 2 * depth * (rows + columns + 16) * 4 <= 48 << 10
            if kind == "images":
                assert rows * depth % threads == 0
                assert columns % threads == 0 or threads % columns == 0
                assert depth % max(1, threads // columns) == 0
            else:
                assert threads % depth == 0
                assert rows % (threads // depth) == columns % (threads // depth) == 0
            if version == 4:
                across = int(arguments.split(", ")[2])
                assert rows * across % 64 == 0
                assert columns % (8 * across) == 0


needs_nvrtc = pytest.mark.skipif(
    nvrtc.available() is not None, reason=nvrtc.available() or "NVRTC is here"
)


@needs_nvrtc
def test_the_kernels_of_the_limits_compile_for_gpus(monkeypatch):
    class Place:
        def raw_module(self, code, options):
            self.found = nvrtc.compile(code, "limits.cu", "sm_90", options)
            return types.SimpleNamespace(get_function=self.found.resources.__getitem__)

    kernels = gpu.place.limit_kernels(Place())
    for name in ("copy", "fma_loop", "mma_loop", "delay", "nothing"):
        assert kernels(name).spill_stores == kernels(name).spill_loads == 0


@needs_nvrtc
@pytest.mark.slow
@pytest.mark.parametrize("version", gpu.tiles.VERSIONS)
def test_more_tiles_compile_for_gpus(version):
    unit = gpu.tiles.unit(version, more=True)
    names = unit.names(np.dtype(np.float32))
    found = nvrtc.compile(source(unit.file), unit.file, "sm_90", OPTIONS, names)
    assert all(r.shared <= 48 << 10 and r.registers <= 255 for r in found.resources.values())


# ---- steps --------------------------------------------------------------------------------------
def rows_of(**ms):
    return [
        {"net": "ResNet-20", "contender": name.replace("_", " "), "ms": value}
        for name, value in ms.items()
    ]


def test_ratios_and_goals_are_over_the_fastest_peer():
    rows = rows_of(minires_graph_fp32=1.4, minires_graph_tf32=0.9)
    rows += [
        {"net": "ResNet-20", "contender": f"PyTorch {how} {order} {p}", "ms": ms}
        for how, order, p, ms in (
            ("eager", "NCHW", "fp32", 4.0),
            ("eager", "channels_last", "fp32", 2.0),
            ("graph", "NCHW", "fp32", 1.0),
        )
    ]
    rows.append({"net": "ResNet-20", "contender": "minires eager fp32", "problem": "no memory"})
    over = {row["over"]: row["minires graph fp32"] for row in gpu.step.ratios(rows)}
    assert over["PyTorch eager channels_last fp32"] == pytest.approx(0.7)
    found = [(row["measured"], row["met"]) for row in gpu.step.goals(rows)]
    assert found == [
        (pytest.approx(0.7), "yes"),
        (1.4, "yes"),
        (pytest.approx(1.4), "no"),
        (0.9, "no"),
        (None, "not measured"),
    ]


@needs_compiler
def test_a_contender_that_cannot_be_built_is_a_problem_and_no_more(place, monkeypatch, capsys):
    def ours(place, net, captured, tf32):
        if tf32:
            raise MemoryError("out of memory")
        return gpu.step.Arm(lambda n: None, lambda: float("nan"), 1.0)

    monkeypatch.setattr(gpu.step, "ours", ours)
    ((_, net),) = gpu.plan.TINY.nets
    rows = gpu.step.measure(place, gpu.plan.TINY, "ResNet-8", net, None)
    problems = {row["contender"]: row["problem"] for row in rows}
    assert problems["minires eager tf32"] == "MemoryError: out of memory"
    assert problems["minires graph fp32"] == "the loss is no longer finite"
    assert "is left out" in capsys.readouterr().err


@pytest.mark.torch
def test_the_torch_twin_trains_as_our_net_does():
    torch = pytest.importorskip("torch")
    ((_, net),) = gpu.plan.TINY.nets
    arms = [arm for arm in gpu.pytorch.ARMS if not arm.captured]
    assert len({arm.name for arm in gpu.pytorch.ARMS}) == 8
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    losses = []
    with gpu.pytorch.settings(torch):
        assert cudnn.benchmark
        for arm in arms:
            contender = gpu.step.theirs(torch, "cpu", net, arm)
            assert cudnn.allow_tf32 == torch.backends.cuda.matmul.allow_tf32 == arm.tf32
            contender.turn(2)
            losses.append((contender.first_loss, contender.loss()))
        assert gpu.pytorch.rounding(torch, "cpu", False) < gpu.pytorch.BETWEEN
    assert before == (cudnn.benchmark, cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)
    assert losses[0][0] == pytest.approx(gpu.step.expected_loss(net), rel=1e-5)
    for first, last in losses:
        assert (first, last) == pytest.approx(losses[0], rel=1e-4)
        assert last < first


@pytest.mark.torch
def test_a_torch_step_is_captured_as_its_documentation_asks(monkeypatch):
    torch = pytest.importorskip("torch")
    ((_, net),) = gpu.plan.TINY.nets
    log = []

    class Stream:
        def __init__(self, name="side"):
            self.name = name

        def wait_stream(self, other):
            log.append(f"{self.name} waits for {other.name}")

    @contextlib.contextmanager
    def block(name):
        log.append(f"begin {name}")
        yield
        log.append(f"end {name}")

    graph = type("Graph", (), {"replay": lambda self: log.append("replay")})
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: Stream("current"))
    monkeypatch.setattr(torch.cuda, "stream", lambda s: block(s.name))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda g: block("capture"))
    twin = gpu.pytorch.Twin(torch, net, "cpu", gpu.pytorch.ARMS[-1])
    backward = twin.forward_backward

    def noted():
        log.append("with gradients" if twin.net.conv1.weight.grad is not None else "step")
        return backward()

    monkeypatch.setattr(twin, "forward_backward", noted)
    replay = twin.capture()
    assert float(replay()) == float(replay())
    assert log == [
        "side waits for current", "begin side", *["step"] * gpu.pytorch.WARMUP, "end side",
        "current waits for side", "begin capture", "step", "end capture", "replay", "replay",
    ]  # fmt: skip


def test_allow_tf32_is_left_as_it_was(place):
    ((_, net),) = gpu.plan.TINY.nets
    gpu.step.ours(place, net, False, True).turn(1)
    assert not cuda.tf32_allowed()
