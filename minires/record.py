"""Recording gradient flow; what there is: minires/experiments/record.py."""

from .experiments.record import Recorder
from .experiments.rows import BlockRecord, LayerRecord, norm, rms

__all__ = ["BlockRecord", "LayerRecord", "Recorder", "norm", "rms"]
