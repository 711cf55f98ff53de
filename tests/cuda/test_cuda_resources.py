"""What the CUDA kernels need of a GPU, as NVIDIA's compiler reports it: no GPU is asked.

Registers decide how many warps a multiprocessor holds, and a spill goes through memory. A change
that costs either shows here. The budgets are what was measured with NVRTC 13.5, rounded up by the
slack below, which lets a new release of the compiler differ a little.
"""

import numpy as np
import pytest

from minires_emulator import nvrtc
from minires_kernels.cuda.kernels import UNITS
from minires_kernels.cuda.machine.device import OPTIONS, source

pytestmark = pytest.mark.skipif(
    nvrtc.available() is not None, reason=str(nvrtc.available() or "NVRTC is there")
)
ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_120")  # T4, A100, H100 and H200, RTX 50
TENSOR_CORES = "conv2d_v4.cu"  # TF32 begins with sm_80
COMPILED = [  # what has tiles on each architecture, the others on every second one in turn
    (unit, arch)
    for i, unit in enumerate(UNITS)
    for j, arch in enumerate(ARCHITECTURES)
    if unit.file in ("conv2d_v3.cu", TENSOR_CORES) or (i + j) % 2 == 0
]
SLACK = 8  # registers, which ptxas gives in steps of 8
SPILLS = 48  # bytes a thread, in float64 or on architectures where the tiles are not tuned

# The most registers of any instance and architecture: float32, float64.
REGISTERS = {
    "conv2d_forward_v1": (58, 56),
    "conv2d_dx_v1": (58, 60),
    "conv2d_dw_v1": (52, 55),
    "conv2d_db": (36, 36),
    "conv2d_forward_v2": (42, 44),
    "conv2d_dx_v2": (40, 40),
    "conv2d_dw_v2": (42, 46),
    "pack_weights": (28, 28),
    "conv2d_images_v3": (122, 176),
    "conv2d_weights_v3": (161, 210),
    "conv2d_images_v4": (126, 0),
    "conv2d_weights_v4": (128, 0),
    "statistics_v1": (32, 34),
    "normalise_v1": (20, 24),
    "gradient_sums_v1": (30, 34),
    "gradient_v1": (25, 38),
    "forward_v2": (38, 40),
    "backward_v2": (42, 40),
    "partial_statistics_v3": (64, 90),
    "partial_gradients_v3": (46, 44),
    "normalise_training_v3": (54, 60),
    "normalise_given_v3": (32, 40),
    "gradient_v3": (53, 64),
    "relu_forward_v1": (10, 10),
    "relu_backward_v1": (12, 12),
    "relu_forward_v2": (35, 44),
    "relu_backward_v2": (24, 26),
    "add_relu_forward_v1": (12, 12),
    "add_relu_forward_v2": (46, 62),
    "max_pool_forward": (40, 38),
    "max_pool_backward": (40, 41),
    "avg_pool_forward": (40, 40),
    "avg_pool_backward": (38, 44),
    "global_avg_forward_v1": (41, 44),
    "global_avg_forward_v2": (41, 46),
    "global_avg_backward_v1": (18, 26),
    "global_avg_backward_v2": (18, 28),
    "matmul_v1": (57, 64),
    "matmul_v2": (39, 40),
    "matmul_v3": (64, 84),
    "column_sums_v1": (40, 52),
    "column_sums_v2": (40, 40),
    "cross_entropy_forward_v1": (62, 64),
    "cross_entropy_forward_v2": (52, 60),
    "cross_entropy_backward_v1": (22, 32),
    "cross_entropy_backward_v2": (29, 39),
    "gated_forward": (18, 32),
    "gated_backward": (19, 34),
    "group_norm_forward": (40, 40),
    "group_norm_dx": (42, 42),
    "group_norm_parameters": (42, 40),
    "add": (12, 12),
    "add_into": (10, 10),
    "sgd_v1": (18, 24),
    "sgd_v2": (18, 24),
    "running_statistics": (20, 22),
}


def compiled(unit, dtype, arch):
    """Return {kernel expression: resources} of a unit."""
    code = source(unit.file)
    options = (*OPTIONS, "--device-as-default-execution-space")
    return nvrtc.compile(
        code, unit.file, arch, options=options, names=unit.names(np.dtype(dtype))
    ).resources


def within_budget(unit, dtype, arch):
    for expression, used in compiled(unit, dtype, arch).items():
        budget = REGISTERS[expression.split("<")[0]][dtype == "float64"]
        assert used.registers <= budget + SLACK, expression
        spilled = used.spill_stores + used.spill_loads
        tuned = dtype == "float32" and arch in ("sm_80", "sm_90")
        assert spilled <= (0 if tuned else SPILLS), expression
        assert used.shared <= 48 * 1024, expression


MAIN = ("linear.cu", "relu.cu")  # the others: with -m slow


@pytest.mark.parametrize("unit", [u for u in UNITS if u.file in MAIN], ids=lambda u: u.file)
def test_resources_on_the_architecture_of_the_goals(unit):
    within_budget(unit, "float32", "sm_90")


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "arch"), COMPILED, ids=[f"{u.file}-{a}" for u, a in COMPILED])
def test_every_kernel_compiles_for_every_architecture_within_budget(unit, arch):
    if unit.file == TENSOR_CORES and arch == "sm_75":
        with pytest.raises(nvrtc.CompileError, match="sm_80"):
            compiled(unit, "float32", arch)
        return
    for dtype in ("float32", "float64"):
        if unit.only in (None, dtype):
            within_budget(unit, dtype, arch)


def test_every_kernel_has_a_budget():
    kernels = {name.split("<")[0] for unit in UNITS for name in unit.kernels}
    assert kernels == set(REGISTERS)
