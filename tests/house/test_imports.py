"""Imports: light where a user waits, and one way only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_import_minires_loads_nothing_heavy():
    heavy = "('numba', 'matplotlib', 'tqdm', 'cupy', 'minires_emulator')"
    code = f"import sys, minires; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("kernels/minires_emulator", {"minires", "minires_kernels", "cupy", "numba"}),
        ("kernels/minires_kernels", {"minires", "lessons", "benchmarks", "torch"}),
        ("minires", {"benchmarks", "torch"}),
    ],
)
def test_imports_point_one_way(folder, forbidden):
    files = list((ROOT / folder).rglob("*.py"))
    assert len(files) > 10
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in forbidden, f"{path} imports {name}"
