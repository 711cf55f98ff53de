"""Running `minires cuda-check` in this process, for its tests."""

import shutil

import pytest

from minires.__main__ import main
from minires_emulator import nvrtc

needs_nvrtc = pytest.mark.skipif(nvrtc.available() is not None, reason=str(nvrtc.available()))
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")


def call(capsys, *arguments):
    """Run the command; return its exit code and what it printed, errors included."""
    try:
        code = main(["cuda-check", *arguments])
    except SystemExit as stop:  # argparse
        code = stop.code
    printed = capsys.readouterr()
    return code, printed.out + printed.err
