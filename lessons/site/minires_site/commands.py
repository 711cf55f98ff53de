"""Figures that a command of minires makes in seconds: the build runs it, and keeps them by content."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minires import results

from . import record


@dataclass(frozen=True)
class Command:
    """A command, the figure that it writes, and what that figure shows.

    alt   a sentence; the figure's title comes before it
    """

    name: str
    line: str  # without --out
    file: str
    title: str
    alt: str


COMMANDS = (
    Command(
        "gradflow-56",
        "minires gradflow --depths 56 --norm none",
        "gradflow.svg",
        "The gradient on its way back through 56 layers, plain and residual",
        "Curves of the norm of the gradient, on a logarithmic axis, over the layers passed on the "
        "way back from the loss, for networks as PyTorch initialises them. The plain net falls "
        "along a straight line, on the line of theory, by 22 decades over 56 layers. Its residual "
        "twin stays level and loses 0.3 decades.",
    ),
    Command(
        "gradflow",
        "minires gradflow",
        "gradflow.svg",
        "The gradient on its way back, without normalisation and with batch norm",
        "Two panels of curves of the norm of the gradient over the layers passed on the way back "
        "from the loss, for 8, 20 and 56 layers. Without normalisation the plain nets fall and the "
        "residual ones stay level; with batch norm the plain nets rise along the line of theory, "
        "and the residual ones less.",
    ),
)


def run(line: str, folder: str) -> list[str]:
    """Run a command in this process; return the sources of minires that took part."""
    from minires.__main__ import main

    os.environ["MPLBACKEND"] = "Agg"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = main([*line.split()[1:], "--out", folder])
    if status:
        raise RuntimeError(f"{line} ended with status {status}: {said.getvalue()}")
    return record.imported()


def kept(command: Command) -> tuple[Path, Path | None]:
    """Return the folder for what a command wrote, and the one that is valid."""
    home = (
        record.cache() / f"{command.name}-{hashlib.sha256(command.line.encode()).hexdigest()[:12]}"
    )
    try:
        names = json.loads((home / "imported.json").read_text("utf-8"))
    except FileNotFoundError:
        return home, None
    found = home / record.digest_of(names)
    return home, found if (found / command.file).exists() else None


def run_all(say: Any = print) -> dict[str, Path]:
    """Return the figures of all commands by name, after running those whose figure is missing."""
    found = {command.name: kept(command)[1] for command in COMMANDS}
    missing = [command for command in COMMANDS if found[command.name] is None]
    if missing:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
            for command in missing:
                say(f"running {command.line} …")
                home, _ = kept(command)
                home.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=home) as folder:
                    work = Path(folder) / "work"
                    names = pool.submit(run, command.line, str(work)).result()
                    found[command.name] = target = home / record.digest_of(names)
                    if not target.exists():
                        work.rename(target)
                results.write_text(home / "imported.json", json.dumps(names))
    return {c.name: place / c.file for c in COMMANDS if (place := found[c.name])}
