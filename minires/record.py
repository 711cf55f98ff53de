"""Recording gradient flow; what there is: minires/experiments/record.py."""

from .experiments.record import BlockRecord, LayerRecord, Recorder, norm, rms

__all__ = ["BlockRecord", "LayerRecord", "Recorder", "norm", "rms"]
