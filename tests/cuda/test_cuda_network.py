"""Whole nets through the emulated CUDA kernels: the same training as on the cpu backend."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from cuda_cases import KERNELS
from minires_emulator import check
from minires_kernels import use_backend, use_versions


def batch(dtype):
    rng = np.random.default_rng(0)
    return rng.standard_normal((4, 3, 9, 8)).astype(dtype), rng.integers(0, 5, 4)


def train(backend, dtype="float64", steps=3, **options):
    """Return the losses, the first gradients, and the last parameters and buffers of a resnet8."""
    x, target = batch(dtype)
    with use_backend(backend):
        net = mr.models.resnet(8, width=4, num_classes=5, seed=0, **options).to(dtype)
        optimizer = mr.optim.SGD(
            net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3, nesterov=True
        )
        losses, gradients = [], {}
        for step in range(steps):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(mr.tensor(x)), target)
            loss.backward()
            if step == 0:
                gradients = {name: p.grad.copy() for name, p in net.named_parameters()}
            optimizer.step()
            losses.append(loss.item())
    return losses, gradients, net.state_dict()


def assert_equal_training(found, expected, tolerance):
    np.testing.assert_allclose(found[0], expected[0], rtol=tolerance)
    for got, right in zip(found[1:], expected[1:], strict=True):
        assert got.keys() == right.keys()
        for name, value in right.items():
            size = max(np.linalg.norm(value), 1e-3)
            assert np.linalg.norm(got[name] - value) <= tolerance * size, name


OTHERS = [
    pytest.param(options, marks=pytest.mark.slow)
    for options in ({"shortcut": "B"}, {"skip": False}, {"norm": "none"})
]


@pytest.mark.parametrize("options", [{}, *OTHERS], ids=["A", "B", "plain", "no norm"])
def test_resnet8_trains_as_on_the_cpu(options):
    """Forward, backward and SGD, three steps of them, in float64."""
    assert_equal_training(train("cuda-sim", **options), train("cpu", **options), 1e-9)


def test_resnet8_trains_as_on_the_cpu_in_float32():
    exact = train("cpu", "float64", steps=1)
    assert_equal_training(train("cuda-sim", "float32", steps=1), exact, 2e-4)


def test_every_version_of_every_kernel_trains_the_same():
    expected = train("cpu", steps=2)
    newest = max(v.number for versions in KERNELS.values() for v in versions)
    for number in range(1, newest):
        with use_versions(**dict.fromkeys(KERNELS, number)):
            assert_equal_training(train("cuda-sim", steps=2), expected, 1e-9)


def test_a_whole_training_step_has_no_fault():
    with check(order=5) as session:
        found = train("cuda-sim", "float32", steps=1)
    assert np.isfinite(found[0]).all()
    assert session.float_atomics == 0
    launched = {name.split("<")[0] for name, *_ in session.launches}
    # the kernels that a GPU would run: the fast ones, with batch norm and ReLU fused
    assert {"conv2d_images_v3", "conv2d_weights_v3", "normalise_training_v3", "gradient_v3",
            "global_avg_forward_v2", "matmul_v3", "cross_entropy_forward_v2", "sgd_v2",
            "running_statistics"} <= launched  # fmt: skip


def test_two_runs_agree_bit_for_bit():
    first, second = (train("cuda-sim", "float32") for _ in range(2))
    assert first[0] == second[0]
    for name, value in first[2].items():
        assert value.tobytes() == second[2][name].tobytes(), name
