"""What the tests of the CUDA kernels share: which calls there are, and how results are compared."""

import functools

import numpy as np
import pytest

from minires_emulator import NoCompiler, compiler
from minires_kernels import Case, kernel, specs
from minires_kernels.cuda_sim import KERNELS

try:
    compiler()
except NoCompiler as missing:
    pytest.skip(f"the emulator needs a C++ compiler: {missing}", allow_module_level=True)

SPECS = {name: spec for name, spec in specs().items() if spec.gradients}
VERSIONS = [(name, v.number) for name in SPECS for v in KERNELS[name]]


def _convolutions(rng):
    """Calls that reach every tile of the tables in conv2d.py, with remainders on every side."""

    def case(label, x, w, **options):
        b = rng.standard_normal(w[0])
        return Case(label, (rng.standard_normal(x), rng.standard_normal(w), b), options)

    return [
        case("stage 1", (2, 16, 12, 12), (16, 16, 3, 3), padding=1),
        case("stage 1 to 2", (2, 16, 12, 11), (32, 16, 3, 3), padding=1, stride=2),
        case("stage 2", (1, 20, 9, 8), (30, 20, 3, 3), padding=1),
        case("stage 3", (1, 40, 6, 6), (65, 40, 3, 3), padding=1),
        case("dilated groups, stride 3", (1, 24, 9, 10), (48, 12, 2, 3), stride=3, padding=2,
             dilation=2, groups=2),
        case("stride beyond the kernel", (2, 5, 9, 9), (7, 5, 2, 2), stride=(4, 3)),
        case("many pixels, dw in parts", (4, 3, 24, 24), (5, 3, 3, 3), padding=1),
    ]  # fmt: skip


@functools.cache
def cases(name):
    """Return the kernel's own cases and those that its CUDA versions need besides."""
    rng = np.random.default_rng(0)
    own = list(SPECS[name].cases(rng))
    if name == "conv2d":
        own += _convolutions(rng)
    if name.startswith("batch_norm"):
        for label, shape in (("two chunks", (5, 2, 30, 32)), ("two chunks, odd", (12, 2, 19, 19))):
            arrays = (rng.standard_normal(shape), *rng.standard_normal((2, 2)), None, None)
            residual = (rng.standard_normal(shape),) if name == "batch_norm_relu" else ()
            own.append(Case(label, arrays + residual))
    if name == "global_avg_pool2d":
        own.append(Case("more pixels than lanes", (rng.standard_normal((2, 3, 9, 8)),)))
    if name == "cross_entropy":
        own.append(
            Case("more classes than lanes", (rng.standard_normal((3, 70)), rng.integers(0, 70, 3)))
        )
    return own


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


@functools.cache
def reference(name, i):
    """Return y, an upstream gradient and the gradients of case i, in float64."""
    k, case = kernel(name, "reference"), cases(name)[i]
    y, *saved = k.forward(*case.arrays, **case.options)
    dy = np.asarray(np.random.default_rng((1, i)).standard_normal(y.shape))
    return y, dy, as_tuple(k.backward(dy, *saved))


def supported(version, spec, case, dtype):
    arrays, options = spec.check_forward(*case.astype(dtype), **case.options)
    return version.supports(*arrays, **options)


def error(got, expected):
    """Return the largest error relative to the largest expected value; 0 where both are None."""
    if got is None and expected is None:
        return 0.0
    assert got.shape == expected.shape
    if not expected.size:
        return 0.0
    scale = np.abs(expected).max()
    difference = np.abs(got.astype(np.float64) - expected).max()
    return float(difference / scale) if scale else float(difference)


def worst_error(version, spec, case, i, dtype):
    """Run a version forward and backward on case i; return the worst error of all results."""
    arrays, options = spec.check_forward(*case.astype(dtype), **case.options)
    y0, dy, gradients0 = reference(spec.name, i)
    y, *saved = version.forward(*arrays, **options)
    errors = [error(y, y0)]
    upstream = np.asarray(dy.astype(dtype))
    if version.supports_backward(upstream, *saved):
        gradients = as_tuple(version.backward(upstream, *saved))
        errors += [error(g, g0) for g, g0 in zip(gradients, gradients0, strict=True)]
    return max(errors)


MORE = {  # by name, where the cases begin that are not the specification's
    name: len(spec.cases(np.random.default_rng(0)))
    for name, spec in SPECS.items()
    if len(spec.cases(np.random.default_rng(0))) < len(cases(name))
}


def runs(name, number, dtype, every=1, first=0):
    """Yield (version, spec, case, i) of the cases of a kernel that a version supports.

    every   1: all of them, 3: every third
    first   the number of the first
    """
    (version,) = [v for v in KERNELS[name] if v.number == number]
    for i, case in enumerate(cases(name)):
        if i >= first and i % every == 0 and supported(version, SPECS[name], case, dtype):
            yield version, SPECS[name], case, i
