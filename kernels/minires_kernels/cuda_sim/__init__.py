"""The cuda-sim backend: the .cu files of the cuda backend, run on NumPy arrays by the emulator.

For machines without a GPU. Slow, and meant for checking, stepping through and breaking kernels:
within `minires_emulator.check()` every launch is watched for races and accesses out of bounds.
"""

from __future__ import annotations

import numpy as np

from minires_emulator import RawModule

from ..cuda.kernels import kernels_on
from ..cuda.machine.device import Device

DEVICE = Device(np, RawModule)
KERNELS = kernels_on(DEVICE)
