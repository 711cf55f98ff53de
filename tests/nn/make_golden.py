"""Writes golden/*.npz anew: what PyTorch makes of each net of `family`, for tests without PyTorch.

python tests/nn/make_golden.py [FILE…]

Per net: logits (float64 and float32), logits and loss of a training step (float64), and one number
each for the gradients and running statistics, in the order of their sorted names
(`family.probes`).
"""

import io
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "golden"


def golden(case):
    """Return the arrays that are kept of one net."""
    from family import probes
    from torch_twins import theirs

    double, single = theirs(case), theirs(case, "float32")
    return {
        "logits": double.logits,
        "logits32": single.logits,
        "logits_train": double.logits_train,
        "loss": np.float64(double.loss),
        "gradients": probes(double.gradients),
        "statistics": probes(double.statistics),
    }


def main(names):
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    import torch
    from family import FILES

    from minires.results import write_bytes

    for file in names or FILES:
        arrays = {"torch": np.array(torch.__version__)}
        for name, case in FILES[file].items():
            arrays |= {f"{name}/{part}": value for part, value in golden(case).items()}
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        path = write_bytes(FOLDER / f"{file}.npz", content.getvalue())
        print(f"{path.name}: {len(arrays)} arrays, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
