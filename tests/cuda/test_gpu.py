"""On a real GPU: kernels, moves, labels, TF32, training, graphs, clocks. Skipped without one."""

import dataclasses

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from benchmarks import gpu
from minires_kernels import kernel, specs

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not mr.cuda.is_available(), reason=mr.cuda.status()[1]),
]
BOTH = dataclasses.replace(
    gpu.plan.TINY, dtypes=("float32", "float64"), trained=gpu.plan.FULL.trained
)


@pytest.fixture(scope="module")
def place():
    return gpu.place.Gpu()


SPECS = [name for name, spec in specs().items() if spec.gradients]


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


# ---- kernels ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", SPECS)
def test_every_version_equals_the_reference_and_itself(place, name):
    found = gpu.checks.Found()
    gpu.checks.check_kernels(place, BOTH, found, [name])
    assert not found.failures
    assert all(row["cases"] for row in found.rows if (row["version"], row["dtype"]) != TF32)


TF32 = ("v4", "float64")  # which has no case: TF32 is a way to compute in float32


@pytest.mark.slow
@pytest.mark.parametrize("name", SPECS)
def test_every_version_is_right_at_the_sizes_of_a_training_step(place, name):
    found = gpu.checks.Found()
    plan = dataclasses.replace(gpu.plan.TINY, stages=True)
    gpu.checks.check_kernels(place, plan, found, [name])
    assert not found.failures


def test_sgd_sums_and_running_statistics_equal_the_reference(place):
    found = gpu.checks.Found()
    gpu.checks.check_updates(place, BOTH, found)
    assert not found.failures


@pytest.mark.parametrize("name", ["relu", "add_relu"])
def test_arrays_that_begin_between_two_vectors_are_taken(place, name):
    whole = place.put(normal(0, 1001))
    arrays = [whole[1:] for _ in range(1 if name == "relu" else 2)]  # 4 bytes past an alignment
    y, *_ = kernel(name, "cuda").forward(*arrays)
    np.testing.assert_array_equal(place.get(y), np.maximum(len(arrays) * place.get(whole)[1:], 0))


def test_tf32_rounds_only_while_it_is_allowed(place):
    if not place.tensor_cores:
        pytest.skip("TF32 needs compute capability 8.0")
    x, w = (mr.tensor(normal(i, *s)) for i, s in enumerate(((8, 16, 16, 16), (16, 16, 3, 3))))
    exact, *_ = kernel("conv2d", "reference").forward(
        x.data.astype("d"), w.data.astype("d"), padding=1
    )

    def error():
        y = F.conv2d(x.cuda(), w.cuda(), padding=1)
        return np.abs(y.cpu().numpy() - exact).max() / np.abs(exact).max()

    assert error() < 2e-6
    with mr.cuda.allow_tf32(True):
        assert 1e-5 < error() < 3e-3
    assert error() < 2e-6


# ---- tensors ------------------------------------------------------------------------------------
def test_tensors_move_both_ways_and_gradients_with_them():
    x = mr.tensor(normal(0, 3, 4), requires_grad=True)
    there = x.to("cuda")
    assert (x.device, there.device) == ("cpu", "cuda")
    assert there.to("cuda") is there
    with pytest.raises(TypeError, match="cpu"):
        there.detach().numpy()
    back = (there * there).cpu()
    np.testing.assert_array_equal(back.detach().numpy(), x.data**2)
    back.sum().backward()
    assert type(x.grad) is np.ndarray
    np.testing.assert_allclose(x.grad, 2 * x.data, rtol=1e-6)


def test_a_net_moves_with_all_that_it_holds():
    net = mr.models.resnet(8, width=4, seed=0)
    before = net.state_dict()
    net.to("cuda")
    assert {p.device for p in net.parameters()} == {"cuda"}
    x = mr.tensor(normal(0, 2, 3, 8, 8), device="cuda")
    net.eval()
    y = net(x).detach().cpu().numpy()
    net.to("cpu")
    for name, a in net.state_dict().items():
        np.testing.assert_array_equal(a, before[name])
    np.testing.assert_allclose(net(x.cpu()).detach().numpy(), y, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("label", [-1, 5, 2**40])
def test_a_label_out_of_range_gives_nan_and_harms_nothing(label):
    logits = mr.tensor(normal(0, 4, 5), device="cuda", requires_grad=True)
    target = mr.tensor(np.array([0, label, 4, 1]), device="cuda")
    losses = F.cross_entropy(logits, target, reduction="none")
    assert np.isnan(losses.cpu().detach().numpy()).tolist() == [False, True, False, False]
    losses.sum().backward()
    bad = np.isnan(logits.grad.get()).any(axis=1)
    assert bad.tolist() == [False, True, False, False]
    mr.cuda.synchronize()


def test_arrays_of_two_places_are_never_mixed():
    here, there = mr.tensor(normal(0, 2, 3)), mr.tensor(normal(1, 2, 3), device="cuda")
    weight = mr.tensor(normal(2, 4, 3))
    for mix in (
        lambda: here + there,
        lambda: F.linear(there, weight),
        lambda: F.cross_entropy(there, np.array([0, 1])),
        lambda: kernel("add_relu", "cuda").forward(there.data, here.data),
    ):
        with pytest.raises(TypeError, match="GPU"):
            mix()


# ---- training -----------------------------------------------------------------------------------
def test_training_equals_the_cpus_and_a_graph_replays_it_with_a_new_learning_rate(place):
    found = gpu.checks.Found()
    gpu.training.check_training(place, BOTH, found)
    assert not found.failures


# ---- clocks: what the benchmark relies on -------------------------------------------------------
def test_work_is_queued_behind_the_delay_and_timed_without_it(place):
    place.hold(1e-3)  # compiles
    start = place.mark()
    place.hold(0.05)
    end = place.mark()
    place.synchronize()
    assert 0.02 < place.seconds(start, end) < 0.2
    a, b = place.xp.zeros(1 << 20, np.float32), place.xp.ones(1 << 20, np.float32)
    found = gpu.place.queued(place, lambda: place.xp.copyto(a, b))
    assert found.ahead
    assert 0 < found.seconds < 0.01


def test_limits_are_such_as_a_gpu_can_have(place):
    plan = dataclasses.replace(gpu.plan.TINY, copy=1 << 26, chain=1 << 10, repeats=3)
    found = gpu.limits.measure(place, plan)
    assert 1e10 < found.copy < 2e13
    assert 1e11 < found.fma < 1e15
    assert 0 < found.launch < 1e-4
    if place.tensor_cores:
        assert found.tf32 > found.fma / 4


def test_launches_of_a_step_lie_within_it(place):
    found = gpu.profile.measure(
        place, gpu.plan.TINY, gpu.limits.GpuLimits(1e12, 1e12, 1e12, 0), False
    )
    assert found.whole_s > 0
    assert sum(row["share"] for row in found.rows) == pytest.approx(1, abs=0.05)
    assert {"sgd_v2", "outside"} <= {row["kernel"] for row in found.rows}
