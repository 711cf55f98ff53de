"""What makes a run stale: the sources that compute it, and nothing else."""

import ast
import inspect

import pytest

import minires_kernels.cpu.conv2d
import minires_kernels.reference.conv2d
from minires import engine, nn, optim
from minires.data import loader
from minires.experiments import degradation, gradflow, record, settings, theory, training
from minires.models import mlp, resnet_cifar
from minires.optim import lr_scheduler
from minires.store import tasks, version
from minires.train import loop

SHOWING = ("columns", "panels")  # compute nothing


def test_the_sources_are_those_that_compute():
    names = {str(path) for path in version.sources()}
    for what in (
        engine, nn.Linear, nn.Module, optim.SGD, optim.Adam, lr_scheduler, loader, loop,
        mlp, resnet_cifar, degradation, gradflow, record, settings, theory, training, tasks,
        minires_kernels.cpu.conv2d, minires_kernels.reference.conv2d,
    ):  # fmt: skip
        assert inspect.getfile(what) in names
    for part in ("/cli/", "/lessons/", "/gradcheck/", "figures.py", "plotting.py", "results.py"):
        assert not any(part in name for name in names)


def test_what_they_need_of_the_experiments_is_among_them():
    sources = set(version.sources())
    for path in [s for s in sources if s.parent.name == "experiments"]:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module] if node.module else [alias.name for alias in node.names]
                needed = {path.with_name(f"{name}.py") for name in names if name not in SHOWING}
                assert needed <= sources, path.name


@pytest.mark.parametrize("change", ["text", "name", "line ends"])
def test_a_change_of_a_source_is_another_code(change, tmp_path, monkeypatch):
    monkeypatch.setattr(version, "_ROOT", tmp_path)
    monkeypatch.setattr(version, "SOURCES", ("ops", "engine.py"))
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "a.py").write_bytes(b"1\n2\n")
    before = version.code.__wrapped__()
    assert version.code.__wrapped__() == before
    if change == "text":
        (tmp_path / "ops" / "a.py").write_bytes(b"1\n3\n")
    elif change == "name":
        (tmp_path / "ops" / "a.py").rename(tmp_path / "ops" / "b.py")
    else:
        (tmp_path / "ops" / "a.py").write_bytes(b"1\r\n2\r\n")
    assert (version.code.__wrapped__() == before) == (change == "line ends")
