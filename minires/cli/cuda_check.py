"""`minires cuda-check`: mistakes in a CUDA file, found without a GPU."""

from __future__ import annotations

from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    from minires_emulator.checker import command

    parser = subparsers.add_parser("cuda-check", help=command.HELP)
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)
