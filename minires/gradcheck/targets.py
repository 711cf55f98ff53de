"""Everything that `minires gradcheck` checks, by name: each kernel's versions, and each layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minires_kernels import Case, Kernel, kernel, specs, use_backend
from minires_kernels.arrays import to_device, to_host
from minires_kernels.backends import load

from .. import functional as F
from .. import models, nn, ops
from ..tensor import Array
from .check import check_backward, gradcheck
from .report import GradcheckReport

ELEMENTS = {"cuda-sim": 100}  # differenced one by one; an emulated launch takes a millisecond
MOST_FLOPS_IN_LOOPS = 20_000  # of one forward pass, for the versions written as Python loops


@dataclass(frozen=True)
class Target:
    """A named thing to check; `run(seed)` yields a report per case, labelled."""

    name: str
    kind: str  # "kernel" or "layer"
    run: Callable[[int], Iterator[tuple[str, GradcheckReport]]]


def kernel_targets(backend: str) -> list[Target]:
    """Return a target per kernel and version of a backend."""
    found = []
    for name in (name for name, spec in specs().items() if spec.gradients):
        for version in load(backend).KERNELS[name]:
            k = kernel(name, backend, version.number)
            found.append(Target(f"{name} v{version.number}", "kernel", _kernel_runner(k)))
    return found


def _supports(k: Kernel, case: Case, dtype: str) -> bool:
    """Whether the version of `k` runs this case in a dtype."""
    arrays, options = k.spec.check_forward(*_placed(k, case.astype(dtype)), **case.options)
    return any(v.supports(*arrays, **options) for v in k.implementations if v.number == k.version)


def _placed(k: Kernel, arrays: Any) -> list[Any]:
    """Return NumPy's arrays (or None) where the kernel's backend computes."""
    device = "cuda" if k.backend == "cuda" else "cpu"
    return [None if a is None else to_device(a, device) for a in arrays]


def _forward(k: Kernel, arrays: Any, options: dict[str, Any]) -> tuple[Any, ...]:
    """Return y as a NumPy array, and what the kernel saved as it is."""
    y, *saved = k.forward(*_placed(k, arrays), **options)
    return to_host(y), *saved


def _kernel_runner(k: Kernel) -> Callable[[int], Iterator[tuple[str, GradcheckReport]]]:
    def run(seed: int) -> Iterator[tuple[str, GradcheckReport]]:
        for case in k.spec.cases(np.random.default_rng(seed)):
            in_loops = k.backend == "reference" and k.version == 1
            if in_loops and k.spec.flops(*case.arrays, **case.options) > MOST_FLOPS_IN_LOOPS:
                continue
            if case.at_kinks:
                continue
            if not any(a is not None and a.size for a in case.arrays[:1]):
                continue  # an empty batch has no gradient
            if not (_supports(k, case, "float64") or _supports(k, case, "float32")):
                continue
            yield case.label, check_case(k, case, seed)

    return run


def check_case(k: Kernel, case: Case, seed: int = 0) -> GradcheckReport:
    """Check one case: finite differences in float64, then float32 against the float64 reference.

    A version for float32 only (Winograd) is too coarse for finite differences: they check the
    reference on this case, and the version is compared with that.
    """
    exact = k if _supports(k, case, "float64") else kernel(k.spec.name, "reference")
    names = list(k.spec.inputs)
    wanted = [n for group in k.spec.gradients.values() for n in group]
    moving = [i for i, n in enumerate(names[: len(case.arrays)]) if n in wanted]
    moving = [i for i in moving if case.arrays[i] is not None]

    def call(arrays: Any) -> tuple[Any, ...]:
        full = list(case.arrays)
        for i, a in zip(moving, arrays, strict=True):
            full[i] = a
        return _forward(exact, full, case.options)

    def forward(*arrays: Array) -> Any:
        return call(arrays)

    def backward(dy: Array, *saved: Any) -> Any:
        grads = gradients(exact, dy, saved)
        return tuple(grads[names[i]] for i in moving)

    arrays = [a for i in moving if (a := case.arrays[i]) is not None]
    branch = k.spec.branch
    # A dead ReLU case has no gradient, and with one class there is no loss.
    expect_zero = bool(np.all(call(arrays)[0] == 0))
    report = check_backward(
        forward,
        backward,
        *arrays,
        names=[names[i] for i in moving],
        seed=seed,
        max_elements=ELEMENTS.get(k.backend, 300),
        expect_zero=expect_zero,
        branch=branch and (lambda *saved: branch(k.spec.saved(*saved))),
    )
    report.name = f"{k.spec.name} v{k.version} on {k.backend}"
    if problem := float32_problem(k, case, seed):
        report.hygiene["float32"] = problem
    return report


def gradients(k: Kernel, dy: Array, saved: Any) -> dict[str, Array]:
    """Return the gradient of each input by name; one that belongs to two inputs is copied.

    Gradients are NumPy's arrays, and so is dy.
    """
    grads = k.backward(*_placed(k, [dy]), *saved)
    grads = grads if isinstance(grads, tuple) else (grads,)
    found = {}
    for group, g in zip(k.spec.gradients.values(), grads, strict=True):
        for i, name in enumerate(group):
            host: Any = g if g is None else to_host(g)
            found[name] = host if i == 0 else host.copy()
    return found


def _tolerance(k: Kernel) -> float:
    """Return the factor by which the version of `k` may round more than the definition does."""
    return next((v.tolerance for v in k.implementations if v.number == k.version), 1.0)


def float32_problem(k: Kernel, case: Case, seed: int) -> str:
    """Return what is wrong with the float32 results beside the float64 reference, or ""."""
    reference = kernel(k.spec.name, "reference")
    arrays = case.astype(np.float32)
    exact = [a.astype(np.float64) if a is not None and a.dtype.kind == "f" else a for a in arrays]
    y64, *saved64 = reference.forward(*exact, **case.options)
    dy = np.asarray(np.random.default_rng((seed, 1)).standard_normal(y64.shape)).astype(np.float32)
    y32, *saved32 = _forward(k, arrays, case.options)
    pairs = {"y": (y32, y64)}
    right = gradients(reference, dy.astype(np.float64), saved64)
    for name, g in gradients(k, dy, saved32).items():
        if g is not None:
            pairs["gradient of " + name] = (g, right[name])
    tolerance = 4 * k.spec.tolerance["float32"] * _tolerance(k)
    for name, (a, r) in pairs.items():
        size = float(np.linalg.norm(r))
        error = float(np.linalg.norm(a.astype(np.float64) - r))
        if a.dtype != np.float32:
            return f"{name} is {a.dtype}"
        if error > tolerance * size + 1e-30:
            return f"{name}: relative error {error / size:.1e} of the norm, allowed {tolerance:.0e}"
    return ""


Make = Callable[[np.random.Generator], tuple[Any, ...]]  # draws (f, *inputs)


def _layer(backend: str, name: str, make: Make, **options: Any) -> Target:
    def run(seed: int) -> Iterator[tuple[str, GradcheckReport]]:
        with use_backend(backend):
            f, *inputs = make(np.random.default_rng(seed))
            yield "", gradcheck(f, *inputs, seed=seed, **options)

    return Target(name, "layer", run)


def _normal(*shape: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: np.asarray(rng.standard_normal(shape))


def layer_targets(backend: str) -> list[Target]:
    """Return a target per layer, function, block and net; they run on the given backend."""
    n, target = _normal, partial(_layer, backend)
    x4, x2 = n(2, 3, 6, 5), n(6, 4)
    found = [
        target("Linear", lambda r: (nn.Linear(4, 3), x2(r))),
        target("Conv2d", lambda r: (nn.Conv2d(3, 4, 3, 2, 1), x4(r))),
        target("Conv2d groups", lambda r: (nn.Conv2d(4, 6, 3, groups=2), n(2, 4, 5, 5)(r))),
        target("BatchNorm1d", lambda r: (nn.BatchNorm1d(4), x2(r))),
        target("BatchNorm2d", lambda r: (nn.BatchNorm2d(3), x4(r))),
        target("BatchNorm2d eval", lambda r: (nn.BatchNorm2d(3).eval(), x4(r))),
        target("ReLU", lambda r: (nn.ReLU(), x4(r))),
        target("Sigmoid", lambda r: (nn.Sigmoid(), x4(r))),
        target("Tanh", lambda r: (nn.Tanh(), x4(r))),
        target("LeakyReLU", lambda r: (nn.LeakyReLU(0.1), x4(r))),
        target("GELU", lambda r: (nn.GELU(), x4(r))),
        target("GELU tanh", lambda r: (nn.GELU("tanh"), x4(r))),
        target("SiLU", lambda r: (nn.SiLU(), x4(r))),
        target("LayerNorm", lambda r: (nn.LayerNorm((3, 6, 5)), x4(r))),
        target("GroupNorm", lambda r: (nn.GroupNorm(2, 4), n(2, 4, 3, 5)(r))),
        target("Dropout", lambda r: (nn.Dropout(0.3), x2(r))),
        target("Dropout2d", lambda r: (nn.Dropout2d(0.4), x4(r))),
        target("ConvTranspose2d", lambda r: (nn.ConvTranspose2d(3, 4, 3, 2, 1, 1), x4(r))),
        target(
            "ConvTranspose2d groups",
            lambda r: (
                nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), groups=2, dilation=2),
                n(2, 4, 3, 3)(r),
            ),
        ),
        target("PixelShuffle", lambda r: (nn.PixelShuffle(2), n(2, 8, 3, 2)(r))),
        target("PixelUnshuffle", lambda r: (nn.PixelUnshuffle(2), n(2, 3, 4, 6)(r))),
        target("Upsample nearest", lambda r: (nn.Upsample((9, 4)), x4(r))),
        target("Upsample bilinear", lambda r: (nn.Upsample(None, (1.7, 0.6), "bilinear"), x4(r))),
        target("Upsample corners", lambda r: (nn.Upsample((4, 11), None, "bilinear", True), x4(r))),
        target("MaxPool2d", lambda r: (nn.MaxPool2d(3, 2, 1), x4(r))),
        target("AvgPool2d", lambda r: (nn.AvgPool2d(3, 2, 1), x4(r))),
        target("AdaptiveAvgPool2d", lambda r: (nn.AdaptiveAvgPool2d((4, 3)), x4(r))),
        target("Flatten", lambda r: (nn.Flatten(), x4(r))),
        target("CrossEntropyLoss", lambda r: (nn.CrossEntropyLoss(), x2(r), r.integers(0, 4, 6))),
        target(
            "CrossEntropyLoss smoothed",
            lambda r: (
                nn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.2),
                x2(r),
                np.arange(6) % 4,
            ),
        ),
        target("MSELoss", lambda r: (nn.MSELoss(), x2(r), x2(r))),
    ]
    found += _operations(backend)
    for name, build, x, options in _nets(backend):
        found.append(target(name, partial(_built, build, x), **options))
    return found


def _operations(backend: str) -> list[Target]:
    n, target = _normal, partial(_layer, backend)
    x4, x2 = n(2, 3, 6, 5), n(6, 4)
    return [
        target("softmax", lambda r: (F.softmax, x2(r))),
        target("log_softmax", lambda r: (F.log_softmax, x2(r))),
        target("add", lambda r: (lambda a, b: a + b, x4(r), n(3, 1, 1)(r))),
        target("sub", lambda r: (lambda a, b: a - b, n(1, 4)(r), x2(r))),
        target("mul", lambda r: (lambda a, b: a * b, x4(r), n(6, 1)(r))),
        target("div", lambda r: (lambda a, b: a / b, x2(r), r.uniform(1, 2, 4))),
        target("power", lambda r: (lambda a: a**3, x2(r))),
        target("matmul", lambda r: (ops.matmul, n(2, 1, 3, 4)(r), n(5, 4, 2)(r))),
        target("exp", lambda r: (ops.exp, x2(r))),
        target("log", lambda r: (ops.log, r.uniform(1, 2, (3, 4)))),
        target("sqrt", lambda r: (ops.sqrt, r.uniform(1, 2, (3, 4)))),
        target("clip", lambda r: (lambda a: a.clip(-0.5, 0.5), x4(r))),
        target("where", lambda r: (lambda a, b: ops.where(a.data > b.data, a, b), x2(r), x2(r))),
        target("sum", lambda r: (lambda a: a.sum((0, 2)), x4(r))),
        target("mean", lambda r: (lambda a: a.mean(1, keepdim=True), x4(r))),
        target("var", lambda r: (lambda a: a.var(0), x2(r))),
        target("max", lambda r: (lambda a: a.max(1), x4(r))),
        target("reshape", lambda r: (lambda a: a.reshape(5, -1), x4(r))),
        target("permute", lambda r: (lambda a: a.permute(2, 0, 3, 1), x4(r))),
        target("getitem", lambda r: (lambda a: a[[0, 0, 1], :, 1:4], x4(r))),
        target("concat", lambda r: (lambda a, b: ops.concat([a, b, a], 1), x2(r), n(6, 2)(r))),
        target("pad", lambda r: (lambda a: ops.pad(a, (1, 2, 0, 1), 3.0), x4(r))),
    ]


def _built(
    build: Callable[[], nn.Module], x: Callable[[np.random.Generator], Array], r: Any
) -> tuple[nn.Module, Array]:
    return build(), x(r)


def _nets(backend: str) -> list[tuple[str, Callable[[], nn.Module], Any, dict[str, Any]]]:
    def block(**options: Any) -> Callable[[], nn.Module]:
        return lambda: models.BasicBlock(4, 8, 2, **options)

    def mlp(**options: Any) -> Callable[[], nn.Module]:
        return lambda: models.mlp_stack(4, 6, seed=0, **options)

    few = {"max_elements": ELEMENTS.get(backend, 400)}
    n, x = _normal, _normal(3, 4, 6, 6)
    return [
        ("BasicBlock A", block(), x, few),
        ("BasicBlock B", block(shortcut="B"), x, few),
        ("BasicBlock plain", block(skip=False), x, few),
        ("mlp_stack plain bn", mlp(norm="bn"), n(8, 6), {}),
        ("mlp_stack identity bn", mlp(skip="identity", norm="bn"), n(8, 6), {}),
        ("mlp_stack preact", mlp(skip="preact", branch_scale=0.5, init="default"), n(8, 6), {}),
        ("resnet8", lambda: models.resnet(8, width=2, seed=0), n(3, 3, 8, 8), few),
        ("plain8", lambda: models.plain(8, width=2, seed=0), n(3, 3, 8, 8), few),
    ]


def all_targets(backend: str) -> list[Target]:
    """Return the kernels and then the layers."""
    return kernel_targets(backend) + layer_targets(backend)
