"""What the files in tests/weights/files hold, and how PyTorch wrote them.

python tests/weights/golden.py        writes them anew, with PyTorch
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np

FILES = Path(__file__).with_name("files")


def numbers():
    """Return the arrays that each file holds."""
    x = np.arange(-6, 18, dtype=np.float32).reshape(4, 6) / 4
    return {
        "conv.weight": x,
        "conv.transposed": x.T,  # these three share its storage
        "conv.part": x[1:3, ::2],
        "conv.row": x[2],
        "half": x.astype(np.float16),
        "bf16": x,  # exact in bfloat16
        "double": x.astype(np.float64),
        "num_batches_tracked": np.array(7),
        "int32": np.arange(3, dtype=np.int32),
        "int16": np.arange(3, dtype=np.int16),
        "int8": np.arange(-1, 2, dtype=np.int8),
        "uint8": np.array([0, 255], np.uint8),
        "bool": np.array([True, False, True]),
        "empty": np.zeros((0, 4), np.float32),
        "repeated": np.broadcast_to(np.float32(3), (2, 5)),
        "channels_last": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4),
    }


def tensors():
    """Return them as PyTorch's tensors, of which some share storages."""
    import torch

    found = OrderedDict((k, torch.from_numpy(np.array(v))) for k, v in numbers().items())
    x = found["conv.weight"]
    found["conv.transposed"], found["conv.part"], found["conv.row"] = x.t(), x[1:3, ::2], x[2]
    found["conv.weight"] = torch.nn.Parameter(x)
    found["bf16"] = found["bf16"].bfloat16()
    found["repeated"] = torch.tensor(3.0).expand(2, 5)
    found["channels_last"] = found["channels_last"].to(memory_format=torch.channels_last)
    return found


def checkpoints():
    """Return what is saved, by the name of the file."""
    import argparse

    import torch

    state = tensors()
    # As an old checkpoint has it: wrapped by DataParallel, with an optimiser, and other objects.
    around = {
        "epoch": 3,
        "arch": "resnet18",
        "best_acc1": torch.tensor(71.5),
        "args": argparse.Namespace(lr=0.1, milestones=[30, 60]),
        "state_dict": OrderedDict(("module." + k, v) for k, v in state.items()),
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": []},
        "state_dict_ema": {"conv.weight": torch.zeros(1)},
    }
    return {"state": state, "checkpoint": around}


def main():
    """Write the files."""
    import torch

    FILES.mkdir(exist_ok=True)
    for name, found in checkpoints().items():
        torch.save(found, FILES / f"zip_{name}.pth")
        old = {"_use_new_zipfile_serialization": False}
        torch.save(found, FILES / f"legacy_{name}.pth", **old)


if __name__ == "__main__":
    main()
