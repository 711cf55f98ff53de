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
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True, timeout=100
    )
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
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in forbidden, f"{path} imports {name}"


def modules(*folders):
    """Return {dotted name: path} of every module of the packages in these folders."""
    found = {}
    for folder in map(ROOT.__truediv__, folders):
        for path in folder.rglob("*.py"):
            parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imported(name, path, known):
    """Return the known modules that a module imports, within functions too, but for types alone."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree, needs = ast.parse(path.read_text(encoding="utf-8")), set()
    for_types = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.dump(branch.test)
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            needs |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, *filter(None, [node.module])]) if node.level else node.module
            # `from .nn import layers` needs that module; `from .nn import Linear` needs nn itself
            full = {f"{base}.{alias.name}" for alias in node.names}
            needs |= {n if n in known else base for n in full}
    # a package's __init__ is no part that one could read or move alone: it only gathers
    gathers = {
        n
        for n in needs
        if name.startswith(f"{n}.") and n in known and known[n].name == "__init__.py"
    }
    return {n for n in needs - gathers if n in known and n != name}


def test_no_module_needs_itself():
    known = modules("minires", "kernels/minires_kernels", "kernels/minires_emulator")
    graph = {name: imported(name, path, known) for name, path in known.items()}
    assert "minires.engine" in graph["minires.tensor"]
    circles = []
    for start in graph:
        seen, stack = set(), list(graph[start])
        while stack:
            name = stack.pop()
            if name not in seen:
                seen.add(name)
                stack += graph[name]
        if start in seen:
            circles.append(start)
    assert not circles, f"modules that import each other in a circle: {', '.join(sorted(circles))}"


def test_the_engine_knows_no_tensor():
    source = (ROOT / "minires" / "engine.py").read_text(encoding="utf-8")
    names = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(ast.parse(source))}
    assert "Tensor" not in names
    needs = imported("minires.engine", ROOT / "minires" / "engine.py", modules("minires"))
    assert needs == {"minires.observe"}
