"""Entry point of `minires` and `python -m minires`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from . import __version__
from .cli import cuda_lint, degradation, doctor, gradcheck, gradflow, lessons


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0 on success, 1 for a failed check, 2 for a wrong call."""
    parser = argparse.ArgumentParser(
        prog="minires",
        description="Residual networks from scratch on NumPy, with every gradient checked.",
    )
    parser.add_argument("--version", action="version", version=f"minires {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (gradflow, degradation, gradcheck, lessons, cuda_lint, doctor):
        command.add_parser(subparsers)
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except BrokenPipeError:
        raise  # for `entry`
    except (ValueError, TypeError, OSError, ImportError) as error:
        print(f"minires: error: {error}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"minires: error: not enough memory: {error}; ask for smaller nets", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("minires: interrupted", file=sys.stderr)
        return 130


def entry() -> None:
    """Run `main` and leave the process quietly if the reader of its output has gone."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code)


if __name__ == "__main__":
    entry()
