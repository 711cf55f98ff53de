"""Measure the diagnosis on a folder of wrong backward passes whose mistake is known.

    python benchmarks/measure_faults.py FOLDER [--details] [--only s003,s017]

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


def main(arguments: list[str]) -> None:
    """Print a line per module (those not wholly right, or all with --details) and the totals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--details", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--wall", type=float, default=120.0, help="seconds by the clock for each")
    options = parser.parse_args(arguments)
    doctor.WALL = options.wall  # a busy machine: the processor time is what is measured
    only = set(options.only.split(",")) - {""}
    count: Counter[str] = Counter()
    seconds, used = [], []
    for path in sorted(options.folder.glob("[a-z][0-9][0-9][0-9]*.py")):
        if only and path.stem not in only:
            continue
        module = load(path)
        with np.errstate(all="ignore"):
            result = wrong(module)
        count["all"] += 1
        keys = [k for k, x in result.items() if isinstance(x, bool)]
        for key in keys:
            count[key] += result[key]
        seconds.append(result["seconds"])
        used.append(result["used"])
        good = result["right line first"] and result["right fix"] and result["right family"]
        if options.details or only or not good:
            labels = module.LABELS
            said = ", ".join(k for k in keys if result[k]) or "-"
            print(f"{path.stem} {labels['op'][:44]} ({labels['family']}): {said}")
            print(f"      {used[-1]:.2f} s, {result['found'].tried} tried; right: {labels['fix']}")
            for f in result["found"][:3]:
                print(f"      {f.family}{'' if f.general else ' (here only)'}: {f.edits}")
            if result["found"].note:
                print(f"      {result['found'].note}")
            sys.stdout.flush()
    accused = 0
    right = sorted((options.folder / "right").glob("[a-z][0-9][0-9][0-9]*.py"))
    for path in right if not only else []:
        module = load(path)
        with np.errstate(all="ignore"):
            arrays = _copies(module.inputs(0))
            report = check_backward(module.forward, module.right_backward, *arrays)
            accused += bool(report.diagnosis)
    total = count.pop("all")
    print("; ".join(f"{key} {n}/{total}" for key, n in count.items()))
    print(f"seconds of processor time: median {median(used):.2f}, most {max(used):.2f}; "
          f"by the clock: median {median(seconds):.2f}, most {max(seconds):.2f}")  # fmt: skip
    if right and not only:
        print(f"right but tricky: a diagnosis was made of {accused}/{len(right)}")


if __name__ == "__main__":
    main(sys.argv[1:])
