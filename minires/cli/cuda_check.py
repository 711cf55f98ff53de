"""`minires cuda-check`: mistakes in a CUDA file, found without a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import console


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    from minires_emulator.checker import command

    parser = subparsers.add_parser("cuda-check", help=command.HELP)
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)


def renamed(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments of `minires`, with this command's name for the one it had before."""
    if list(arguments[:1]) != ["cuda-lint"]:
        return arguments
    console.say("minires: cuda-lint is called cuda-check now")
    return ["cuda-check", *arguments[1:]]
