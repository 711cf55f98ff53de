"""`minires cuda-check`: mistakes in a CUDA file, found without a GPU."""

from __future__ import annotations

import argparse
from typing import Any

from .. import console


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    from minires_emulator.checker import command

    parser = subparsers.add_parser("cuda-check", help=command.HELP)
    command.add_arguments(parser)
    parser.set_defaults(run=command.run)
    old = subparsers.add_parser("cuda-lint")  # its name before; without help it is not listed
    command.add_arguments(old)
    old.set_defaults(run=run_as_before)


def run_as_before(args: argparse.Namespace) -> int:
    """Run under the old name, and name the new one."""
    from minires_emulator.checker import command

    console.say("minires: cuda-lint is called cuda-check now")
    return command.run(args)
