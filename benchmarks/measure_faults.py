"""Measure the diagnosis on a folder of wrong backward passes whose mistake is known.

    python -m benchmarks.measure_faults FOLDER [--details] [--only s003,s017] [--table FILE.md]

Each module of the folder has `inputs(seed)`, `forward`, `right_backward`, `wrong_backward` and
LABELS with the family of the mistake, its lines and the right text; FOLDER/right has modules with a
right backward pass that is easy to accuse. A fix counts as right if it agrees with `right_backward`
on inputs and upstreams that the diagnosis has not seen.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import os
import sys
import textwrap
import time
import types
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from minires.gradcheck import check_backward
from minires.gradcheck.diagnosis import Finding, doctor
from minires.results import write_text

SEEDS = (1, 2, 3)  # of inputs that the diagnosis has not seen
CLOSE = 1e-7  # of the largest derivative: how near a fix must come to the right backward pass


def load(path: Path) -> types.ModuleType:
    """Import a module from its file, under its own name, so that its source can be found."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def corrected(module: types.ModuleType, finding: Finding) -> Any:
    """Return wrong_backward with `after` put for `before` at each line of a finding."""
    name = finding.function
    old = getattr(module, name)
    text = inspect.getsource(old)
    for line, before, after in sorted(finding.edits, reverse=True):
        lines = text.splitlines(keepends=True)
        head, rest = "".join(lines[: line - 1]), "".join(lines[line - 1 :])
        pad = rest[: len(rest) - len(rest.lstrip(" "))]
        if before not in rest.splitlines()[0]:
            before = before.replace("\n", "\n" + pad)
        after = after.replace("\n", "\n" + pad)
        text = head + rest.replace(before, after, 1)
    space = dict(vars(module))
    exec(compile(textwrap.dedent(text), name, "exec"), space)
    if name != "wrong_backward":
        source = textwrap.dedent(inspect.getsource(module.wrong_backward))
        exec(compile(source, "wrong_backward", "exec"), space)
    return space["wrong_backward"]


def agrees(module: types.ModuleType, candidate: Any) -> bool:
    """Whether a backward pass equals the right one on unseen inputs."""
    for seed in SEEDS:
        arrays = module.inputs(seed)
        y = np.asarray(module.forward(*_copies(arrays)))
        v = np.asarray(np.random.default_rng((seed, 77)).standard_normal(y.shape))
        try:
            found = _tuple(candidate(v.copy(), *_copies(arrays)))
        except Exception:
            return False
        right = _tuple(module.right_backward(v.copy(), *_copies(arrays)))
        for a, b in zip(found, right, strict=True):
            if b is None:
                continue
            scale = CLOSE * float(np.abs(b).max(initial=0.0)) + 1e-12
            if np.shape(a) != np.shape(b) or not (np.abs(a - b) <= scale).all():
                return False
    return True


def _copies(arrays: Any) -> list[Any]:
    return [a.copy() if isinstance(a, np.ndarray) else a for a in arrays]


def _tuple(grads: Any) -> tuple[Any, ...]:
    return tuple(grads) if isinstance(grads, tuple | list) else (grads,)


def wrong(module: types.ModuleType) -> dict[str, Any]:
    """Check and diagnose the wrong backward pass of a module."""
    labels = module.LABELS
    start, used = time.perf_counter(), sum(os.times()[:4])
    options = getattr(module, "OPTIONS", {})
    report = check_backward(
        module.forward, module.wrong_backward, *_copies(module.inputs(0)), **options
    )
    found = report.diagnosis
    seconds, used = time.perf_counter() - start, sum(os.times()[:4]) - used
    lines = set(labels["wrong_lines"])
    near = lines | {n - 1 for n in lines if str(labels["fix"].get(n, "")).startswith("insert")}
    hits = [bool({line for line, _, _ in f.edits} & near) for f in found[:3]]
    mended = bool(found) and agrees(module, corrected(module, found[0]))
    first = hits[:1] == [True]
    return {
        "rejected": report.verdict == "FAIL",
        "right line first": first,
        "right line in three": any(hits),
        "right fix": mended,
        "right family": bool(found) and found[0].family == labels["family"],
        "wrong diagnosis": bool(found) and not mended,
        "nothing found": not found,
        "seconds": seconds,
        "used": used,
        "found": found,
    }


def modules(folder: Path) -> list[Path]:
    """Return the modules of a folder, in the order of their names."""
    return sorted(folder.glob("[a-z][0-9][0-9][0-9]*.py"))


def told(path: Path, labels: dict[str, Any], result: dict[str, Any]) -> str:
    """Return what was found for one module, in lines."""
    said = ", ".join(k for k, x in result.items() if x is True) or "-"
    found = result["found"]
    lines = [
        f"{path.stem} {labels['op'][:44]} ({labels['family']}): {said}",
        f"      {result['used']:.2f} s, {found.tried} tried; right: {labels['fix']}",
        *(f"      {f.family}{'' if f.general else ' (here only)'}: {f.edits}" for f in found[:3]),
    ]
    return "\n".join([*lines, f"      {found.note}"] if found.note else lines)


def accusations(folder: Path) -> list[str]:
    """Return the modules with a right backward pass of which a diagnosis is made."""
    found = []
    for path in modules(folder):
        module = load(path)
        with np.errstate(all="ignore"):
            arrays = _copies(module.inputs(0))
            report = check_backward(module.forward, module.right_backward, *arrays)
            if report.diagnosis:
                found.append(path.stem)
    return found


def table(results: list[tuple[str, dict[str, Any]]]) -> str:
    """Return the shares as a table in Markdown: of all, then of each family of mistakes."""
    keys = [k for k, x in results[0][1].items() if isinstance(x, bool)]
    families = Counter(family for family, _ in results)
    lines = ["| mistakes | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for family in [None, *sorted(families)]:
        chosen = [r for f, r in results if family in (None, f)]
        counts = [sum(r[k] for r in chosen) for k in keys]
        cells = [f"{n} ({n / len(chosen):.0%})" if family is None else str(n) for n in counts]
        lines.append(f"| {family or 'all'}: {len(chosen)} | " + " | ".join(cells) + " |")
    used, seconds = ([r[k] for _, r in results] for k in ("used", "seconds"))
    lines += [
        "",
        f"Seconds of processor time: median {median(used):.2f}, most {max(used):.2f}; "
        f"by the clock: median {median(seconds):.2f}, most {max(seconds):.2f}.",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Print a line per module (those not wholly right, or all with --details) and the totals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--details", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, help="an even sample: one of so many")
    parser.add_argument("--table", type=Path, help="a file for the shares, in Markdown")
    parser.add_argument("--wall", type=float, default=120.0, help="seconds by the clock for each")
    options = parser.parse_args(arguments)
    doctor.WALL = options.wall  # a busy machine: the processor time is what is measured
    only = set(options.only.split(",")) - {""}
    results = []
    for path in modules(options.folder)[:: options.every]:
        if only and path.stem not in only:
            continue
        module = load(path)
        with np.errstate(all="ignore"):
            result = wrong(module)
        results.append((module.LABELS["family"], result))
        good = result["right line first"] and result["right fix"] and result["right family"]
        if options.details or only or not good:
            print(told(path, module.LABELS, result), flush=True)
    if not results:
        raise SystemExit(f"{options.folder} has no modules such as s001.py to measure")
    text = table(results)
    right = [] if only else modules(options.folder / "right")
    if right:
        accused = accusations(options.folder / "right")
        text += f"\nRight but tricky: a diagnosis was made of {len(accused)} of {len(right)}"
        text += f" ({', '.join(accused)}).\n" if accused else ".\n"
    print(text)
    if options.table:
        write_text(options.table, text)


if __name__ == "__main__":
    main(sys.argv[1:])
