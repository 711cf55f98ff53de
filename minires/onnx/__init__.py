"""Nets as ONNX files, for other runtimes and for pictures (netron.app).

import minires.onnx
minires.onnx.save(net, "net.onnx", (3, 32, 32))

Needs the packages `onnx` and `onnxruntime`: python -m pip install "minires[onnx]"
"""

from .save import Saved, difference, save

__all__ = ["Saved", "difference", "save"]
