"""Entry point of `minires` and `python -m minires`."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from . import __version__, console
from .cli.arguments import Parser

COMMANDS = (
    "data",
    "train",
    "evaluate",
    "predict",
    "gradflow",
    "degradation",
    "sweep",
    "runs",
    "reproduce",
    "gradcheck",
    "mutate",
    "lessons",
    "convert",
    "export",
    "models",
    "summary",
    "cuda-check",
    "doctor",
)
FORMER = {"cuda-lint": "cuda-check"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0 on success, 1 for a failed check, 2 for a wrong call."""
    parser = Parser(
        prog="minires",
        description="Residual networks from scratch on NumPy, with every gradient checked.",
    )
    parser.add_argument("--version", action="version", version=f"minires {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    console.typed = list(sys.argv[1:] if argv is None else argv)
    arguments = _renamed(console.typed)
    # The one that is asked for: all of them take as long to import as many a command to run.
    asked = arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS
    for command in asked:
        module = importlib.import_module(f".cli.{command.replace('-', '_')}", __package__)
        module.add_parser(subparsers)
    args = parser.parse_args(arguments)
    console.take_any_text(json=getattr(args, "json", False))
    try:
        return int(args.run(args))
    except (ValueError, TypeError, OSError, ImportError) as error:
        console.say(f"minires: error: {_plainly(error)}")
    except MemoryError as error:
        console.say(f"minires: error: not enough memory: {error}; ask for smaller nets")
    return console.WRONG_CALL


def _renamed(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments, with a command's name for the one it had before."""
    if not arguments or arguments[0] not in FORMER:
        return arguments
    name = FORMER[arguments[0]]
    console.say(f"minires: {arguments[0]} is called {name} now")
    return [name, *arguments[1:]]


def _plainly(error: Exception) -> str:
    """Return what an error says; of the system's, the file and the reason without a number."""
    if isinstance(error, OSError) and isinstance(error.filename, str) and not error.filename2:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def entry() -> None:
    """Run `main` as a process."""
    os.environ["MPLBACKEND"] = "agg"  # figures go to files: no display, and no wrong name, matters
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps its fonts is its own
    # What is compiled stays: looking through it for garbage took a tenth of a first run.
    gc.set_threshold(10_000, 20, 20)
    console.process = True
    console.run(main)


if __name__ == "__main__":
    entry()
