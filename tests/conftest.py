"""Without a C++ compiler, tests that run CUDA C++ in the emulator are skipped; all others run."""

import pytest

from minires_emulator import NoCompiler, compiler

try:
    compiler()
    MISSING = ""
except NoCompiler as error:
    MISSING = str(error)

EMULATED = ("test_device_", "test_benchmarks_gpu")  # files that run kernels in most of their tests
collect_ignore_glob = ["cuda/test_emulator*.py"] if MISSING else []  # they compile when imported


def pytest_report_header():
    return f"left out, or skipped: tests of emulated kernels; {MISSING}" if MISSING else None


def pytest_collection_modifyitems(items):
    if not MISSING:
        return
    skip = pytest.mark.skip(reason=MISSING)
    for item in items:
        if "cuda-sim" in item.nodeid or item.path.name.startswith(EMULATED):
            item.add_marker(skip)
