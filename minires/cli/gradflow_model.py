"""`minires gradflow --model my_file.py:make_net`: the gradient flow of the user's own net."""

from __future__ import annotations

import argparse
import math
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .. import data, gradflow, nn, results
from ..experiments.anynet import outputs_of
from ..experiments.record_torch import is_torch
from ..gradcheck import load
from ..gradcheck.wording import raised
from .arguments import choose_backend, shape

T = TypeVar("T")
OUT = "out/profile"
HELP = """\
your own net, of minires or of PyTorch:
  minires gradflow --model my_file.py:make_net               a function that returns a net
  minires gradflow --model my_file.py:Net --input 3x32x32    a class, an input of your shape
  minires gradflow --model package.module:net                a net that is made already

  One batch goes forward and back; the table, a figure and the numbers are written, and what is
  wrong is said in words, each with the rule, its source, what to try and the lesson about it.
  --input SHAPE  without the batch. The UCI digits if they fit (64 numbers), else normal numbers
                 with random labels. Default: 1x8x8, the digits
  In the file, where there are such names: batch() returns (x, y) in place of both;
  loss(output, y) a scalar; optimizer(net) an optimiser whose next step is measured.
  The file runs in this process, with your rights, and what stands below
  `if __name__ == "__main__"` does not run. --out, --batch-size, --backend and --json are as below.
"""
USED = {"model", "input", "out", "batch_size", "backend", "json", "run", "command", "default_of"}


def add_options(p: argparse.ArgumentParser) -> None:
    """Add the options for the user's own net."""
    p.add_argument("--model", metavar="FILE.py:NAME", help="your own net, see below")
    p.add_argument("--input", type=shape, metavar="SHAPE", help="of an input of --model, see below")
    p.set_defaults(default_of=p.get_default)


def run(args: argparse.Namespace) -> int:
    """Profile the net; the exit code is 0 also for a sick one. ValueError for a wrong call."""
    changed = [
        name for name, value in vars(args).items()
        if name not in USED and value != args.default_of(name)
    ]  # fmt: skip
    if changed:
        option = "--" + changed[0].replace("_", "-")
        raise ValueError(f"{option} is for nets that minires makes; leave it out with --model")
    choose_backend(args)
    out = args.out or OUT
    module, name, value = named(args.model)
    net = _theirs(name, lambda: _net(name, value))
    offered = vars(module)
    if "batch" in offered and args.input is None:
        x, y = _pair(_theirs("batch()", offered["batch"]))
    else:
        x, y = _data(net, args)
    optimizer = None
    if "optimizer" in offered:
        optimizer = _theirs("optimizer()", lambda: offered["optimizer"](net))
    size = "x".join(map(str, np.shape(x)[1:])) or "no dimensions"
    found = _theirs(
        name,
        lambda: gradflow.profile(net, x, y, offered.get("loss"), optimizer=optimizer),
        f"; does an input of shape {size} fit? --input 64 gives vectors, --input 3x32x32 images, "
        "batch() in your file anything",
    )
    before = results.files_of(Path(out))
    paths = found.save(out)
    if args.json:
        sys.stdout.write(results.read_text(paths[-1]))
    else:
        print(found)
        print(results.wrote(paths, before))
    return 0


def named(text: str) -> tuple[types.ModuleType, str, Any]:
    """Return the module, the name and the value of "my_file.py:make_net". ValueError."""
    where, colon, name = text.rpartition(":") if ":" in text else (text, "", "")
    if not colon or not name:
        raise ValueError(f"--model: expected FILE.py:NAME, e.g. my_file.py:make_net; got {text!r}")
    module = load.load(where)
    return module, name, load.attribute(module, name, where)


def _net(name: str, value: Any) -> Any:
    """Return the net: what is one, or what a function or a class without arguments makes."""
    if _is_net(value) and not isinstance(value, type):
        return value
    net = value()
    if not _is_net(net):
        raise ValueError(
            f"{name}() returned {type(net).__name__}; expected a net of minires or of PyTorch"
        )
    return net


def _is_net(value: Any) -> bool:
    return isinstance(value, nn.Module) or is_torch(value)


def _theirs(what: str, do: Callable[[], T], hint: str = "") -> T:
    """Run the user's code; what it raises is told in its words, with its line."""
    try:
        return do()
    except (ValueError, TypeError) as error:
        if str(error).startswith(("profile:", what)):
            raise ValueError(str(error)) from None
        raise ValueError(f"{what} raised {raised(error)}{hint}") from None
    except Exception as error:  # whatever their code may raise
        raise ValueError(f"{what} raised {raised(error)}{hint}") from None


def _pair(batch: Any) -> tuple[Any, Any]:
    if isinstance(batch, tuple | list) and len(batch) == 2:
        return batch[0], batch[1]
    kind = f"{len(batch)} values" if isinstance(batch, tuple | list) else type(batch).__name__
    raise ValueError(f"batch(): expected x and y, a tuple of two; got {kind}")


def _data(net: Any, args: argparse.Namespace) -> tuple[Any, Any]:
    """Return digits in the shape of --input, or normal numbers with random labels."""
    shape = args.input or (1, 8, 8)
    n = args.batch_size
    if math.prod(shape) == 64:
        digits = data.load_digits()
        if n > len(digits.x_train):
            raise ValueError(f"--batch-size: expected at most {len(digits.x_train)}, got {n}")
        return digits.x_train[:n].reshape(n, *shape), digits.y_train[:n]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, *shape)).astype(np.float32)
    return x, rng.integers(0, _classes(net, x[:2]), n)


def _classes(net: Any, x: Any) -> int:
    """Return into how many classes a net sorts, from what it makes of two inputs."""
    size = "x".join(map(str, x.shape[1:]))
    hint = f"; does an input of shape {size} fit?"
    y = _theirs("the net", lambda: outputs_of(net, x), hint)
    return int(y[1]) if len(y) == 2 else 10
