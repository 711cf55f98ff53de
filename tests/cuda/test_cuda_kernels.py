"""The CUDA kernels on the emulator: their own cases beside the reference, races, any order."""

import re

import numpy as np
import pytest

import minires as mr
from cuda_cases import MORE, VERSIONS, cases, runs, worst_error
from minires_emulator import KernelFault, check
from minires_kernels import kernel, specs, use_backend, use_versions
from minires_kernels.cuda import conv2d
from minires_kernels.cuda.kernels import UNITS, kernels_on
from minires_kernels.cuda.machine.device import Device, source
from minires_kernels.cuda.machine.options import allow_tf32
from minires_kernels.cuda_sim import DEVICE, KERNELS

DTYPES = ("float32", "float64")
LONG = (("conv2d", 3), ("conv2d", 4), ("conv2d_norm_relu", 1))  # half a minute together
SHORT_FIRST = [pytest.param(*v, marks=[pytest.mark.slow] * (v in LONG)) for v in VERSIONS]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "number"), [v for v in VERSIONS if v[0] in MORE])
def test_more_cases_against_the_reference(name, number, dtype):
    """Those of the specification: tests/kernels/test_kernels.py."""
    ran = 0
    for version, spec, case, i in runs(name, number, dtype, first=MORE[name]):
        allowed = spec.tolerance[dtype] * version.tolerance
        assert worst_error(version, spec, case, i, dtype) <= max(allowed, 1e-14), case.label
        ran += 1
    assert ran or (name, number, dtype) == ("conv2d", 4, "float64")  # TF32 is for float32


@pytest.mark.parametrize("number", [3, 4])
def test_large_tiles_of_convolution(number, monkeypatch):
    """Tiles of 64 × 64 are for calls with blocks enough; here a few are enough."""
    monkeypatch.setattr(conv2d, "MANY_BLOCKS", 1)
    for version, spec, case, i in runs("conv2d", number, "float32"):
        if case.label.startswith("stage"):
            allowed = spec.tolerance["float32"] * version.tolerance
            assert worst_error(version, spec, case, i, "float32") <= allowed, case.label


@pytest.mark.parametrize(("name", "number"), SHORT_FIRST)
def test_check_mode_has_nothing_to_report(name, number, thorough):
    """No race, no access out of bounds, no unset shared memory, in any order of threads."""
    has_nothing_to_report(name, number, "float32", every=1 if thorough else 12)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), VERSIONS)
def test_check_mode_has_nothing_to_report_in_float64(name, number):
    """The code is that of float32, a template: a part of the cases sees what the type changes."""
    has_nothing_to_report(name, number, "float64", every=4)


def has_nothing_to_report(name, number, dtype, every):
    for k, (version, spec, case, i) in enumerate(runs(name, number, dtype, every=every)):
        with check(order=(7, 1)[k % 2]) as session:
            worst = worst_error(version, spec, case, i, dtype)
        allowed = spec.tolerance[dtype] * version.tolerance
        assert worst <= max(allowed, 1e-14), case.label
        assert session.float_atomics == 0  # their order, and so their sum, would vary


@pytest.mark.parametrize(("name", "number"), SHORT_FIRST)
def test_any_order_of_threads_gives_the_same_bits(name, number, thorough):
    dtype = "float32"
    for version, spec, case, _ in runs(name, number, dtype, every=1 if thorough else 8):
        if case.arrays[0].size > 2000:
            continue
        arrays, options = spec.check_forward(*case.astype(dtype), **case.options)
        results = []
        for order in (0, 1, 5):
            with check(order=order):
                y, *saved = version.forward(*arrays, **options)
                dy = np.ones_like(y)
                gradients = version.backward(dy, *saved)
            found = gradients if isinstance(gradients, tuple) else (gradients,)
            results.append([a.tobytes() for a in (y, *found) if a is not None])
        assert results[0] == results[1] == results[2], case.label


def test_tf32_runs_only_when_allowed_or_asked_for():
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(s).astype("f") for s in ((2, 16, 8, 8), (16, 16, 3, 3)))
    exact = kernel("conv2d", "reference").forward(x.astype("d"), w.astype("d"), padding=1)[0]

    def error_of(version=None):
        y = kernel("conv2d", "cuda-sim", version).forward(x, w, padding=1)[0]
        return np.abs(y - exact).max() / np.abs(exact).max()

    assert error_of() < 2e-6
    assert 1e-5 < error_of(4) < 1e-3
    with allow_tf32(True):
        assert 1e-5 < error_of() < 1e-3
        with use_versions(conv2d=3):
            assert error_of() < 2e-6
    assert error_of() < 2e-6


def test_tf32_is_not_offered_where_there_are_no_tensor_cores_for_it():
    for has_tf32 in (True, False):
        versions = kernels_on(Device(np, None, has_tf32))["conv2d"]
        with allow_tf32(True):
            assert versions[3].offered() is has_tf32
        assert not versions[3].offered()


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("label", [-1, 4, 2**40, -(2**40)])
def test_a_label_out_of_range_gives_nan_and_reads_nothing_outside(number, label):
    """On a GPU labels are not looked at before the launch; the kernel must not follow them."""
    (version,) = [v for v in KERNELS["cross_entropy"] if v.number == number]
    logits, target = np.random.default_rng(0).standard_normal((3, 4)), np.array([0, label, 3])
    with check():
        loss, *saved = version.forward(logits, target)
        d = version.backward(np.ones(3), *saved)
    assert np.isnan(loss).tolist() == [False, True, False]
    assert np.isnan(d).any(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("name", ["relu", "add_relu"])
def test_arrays_that_vector_loads_cannot_take_are_read_one_by_one(name):
    n = 1 if name == "relu" else 2
    shifted = [np.arange(-20, 21, dtype="f")[1:] for _ in range(n)]  # 4 bytes past an alignment
    with check() as session:
        y, *_ = kernel(name, "cuda-sim", 2).forward(*shifted)
    np.testing.assert_array_equal(y, np.maximum(sum(shifted), 0))
    assert "forward_v1" in session.launches[0][0]


@pytest.mark.parametrize("name", ["relu", "add_relu"])
def test_nan_passes_and_negative_infinity_does_not(name):
    x = np.array([np.nan, -np.inf, np.inf, -0.0, 1.0], "f")
    arrays = (x,) if name == "relu" else (x, np.zeros(5, "f"))
    for number in (1, 2):
        k = kernel(name, "cuda-sim", number)
        y, saved = k.forward(*arrays)
        np.testing.assert_array_equal(y, [np.nan, 0, np.inf, 0, 1])
        np.testing.assert_array_equal(k.backward(np.ones(5, "f"), saved), [1, 0, 1, 0, 1])


def test_batch_norm_keeps_the_digits_that_a_large_mean_takes():
    rng = np.random.default_rng(0)
    x = (1e4 + rng.standard_normal((8, 3, 40, 40))).astype("f")  # several chunks of v3
    exact = kernel("batch_norm", "reference").forward(x.astype("d"))
    for number in (1, 2, 3):
        y, _, _, _, var, *_ = kernel("batch_norm", "cuda-sim", number).forward(x)
        # v1 adds up 12,800 numbers near 1e4 one by one, which moves the mean
        limit = 2e-2 if number == 1 else 3e-4
        assert np.abs(var / exact[4] - 1).max() < limit, number
        assert np.abs(y - exact[0]).max() < 10 * limit, number


def test_grids_beyond_a_gpus_limits_are_refused():
    with pytest.raises(ValueError, match="more than a GPU takes"):
        DEVICE.run(UNITS[0], "conv2d_db<T>", np.dtype("f"), (1, 65536), 256)


def test_an_empty_grid_launches_nothing():
    compiled = []
    device = Device(np, lambda **options: compiled.append(options))
    device.run(UNITS[0], "conv2d_db<T>", np.dtype("f"), (0, 4), 256)
    assert not compiled


def test_sources_have_no_headers_and_no_float_atomics():
    for unit in UNITS:
        text = source(unit.file)
        assert "#include" not in text
        assert not re.search("atomic[A-Z]", text)


def test_versions_say_what_they_do():
    for name, versions in KERNELS.items():
        assert [v.number for v in versions] == list(range(1, len(versions) + 1)), name
        assert all(len(v.idea) > 10 for v in versions), name


# ---- steps in place -----------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["add", "sgd", "running_statistics"])
def test_kernels_that_write_have_no_fault(name, dtype):
    for version in KERNELS[name]:
        for case in specs()[name].cases(np.random.default_rng(0)):
            arrays = case.astype(dtype)
            with check(order=3) as session:
                kernel(name, "cuda-sim", version.number).forward(*arrays, **case.options)
            assert session.float_atomics == 0


def test_sgd_takes_numpys_numbers_as_options():
    p = mr.nn.Parameter(np.ones(3, np.float32))
    with use_backend("cuda-sim"):
        sgd = mr.optim.SGD([p], lr=np.float32(0.5), momentum=np.float64(0.9))
        for _ in range(2):
            p.grad = np.ones(3, np.float32)
            sgd.step()
    np.testing.assert_allclose(p.data, 1 - 0.5 - 0.5 * 1.9, rtol=1e-6)


def test_a_fault_in_a_kernel_is_an_error_with_the_place():
    """What a learner sees who breaks a kernel: the file and the line."""
    from minires_emulator import RawModule

    def broken(code, **options):
        return RawModule(code=code.replace("if (i < n) y[i] =", "y[i] ="), **options)

    from minires_kernels.cuda.relu import relu_forward

    first, rest = re.search(r'#line (\d+) "relu.cu"\n(.*)$', source("relu.cu")[20:], re.S).groups()
    lines = rest.splitlines()
    place = int(first) + next(i for i, line in enumerate(lines) if "y[i] = positive" in line)
    with check(), pytest.raises(KernelFault, match=rf"relu\.cu:{place}\b"):
        relu_forward(Device(np, broken), 1, np.zeros(5, "f"))


def test_every_kernel_has_cases():
    assert all(len(cases(name)) > 3 for name, _ in VERSIONS)
