"""`minires runs`: list, show, compare, export and clean the runs of a store."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import console, results
from ..experiments.columns import COLUMNS

if TYPE_CHECKING:
    from ..store import Store, Stored

WRITERS = "minires gradflow, degradation, train --record and sweep write to it"
FILTERS = """\
filters: NAME=VALUE, several values as depth=20,56; also !=, and < <= > >= for numbers (quoted).
NAME is a field of the setting (depth, skip, norm, init, lr, …) or of what came out (test_error,
diverged, …), or task, seed, code, key (its first digits will do), seconds.
example: minires runs %s --store out"""
EXAMPLES = {
    "list": "list depth=56 skip=none 'train_error<0.5' --sort train_error",
    "show": "show 1a2b3c",
    "compare": "compare skip=none skip=identity depth=20,56",
    "export": "export layers.parquet depth=56",
    "clean": "clean --matching depth=56",
}


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "runs",
        help="list, show, compare, export and clean stored runs",
        description="A store keeps each run in a folder of its own, DIR/runs/<key>/, whole and "
        f"with checksums: run.json, made.json, tables as CSV. {WRITERS}.",
    )
    commands = p.add_subparsers(title="commands", metavar="COMMAND", required=True)
    p = _command(commands, "list", "a line for each run", show_list)
    p.add_argument("--sort", metavar="NAME", help="field to sort by. Default: the setting's order")
    p.add_argument("--json", action="store_true", help="print a JSON list instead of the table")
    add_filters(p)
    p = _command(commands, "show", "all that is known of one run", show)
    p.add_argument("--step", type=int, metavar="N", help="whose layers to show. Default: the first")
    add_filters(p)
    p = _command(
        commands, "compare", "the difference of two sets of runs, with its spread", compare
    )
    p.add_argument(
        "sides",
        nargs=2,
        metavar="SIDE",
        help="a store (a folder), or filters joined by + that choose from --store: "
        "skip=none skip=identity, code=1a2b code=3c4d, out other/out",
    )
    add_filters(p)
    p = _command(commands, "export", "one tidy table of many runs, for other programs", export)
    p.add_argument("file", metavar="FILE", help=".csv, or .parquet (needs minires[cluster])")
    p.add_argument(
        "--table",
        choices=("rows", "blocks", "curve", "runs"),
        default="rows",
        help="rows: layer × step; blocks: block × step; curve: step or epoch; runs: one each, with "
        "what came out. Each row has the whole setting. Default: rows",
    )
    add_filters(p)
    p = _command(commands, "clean", "remove what is of no use", clean)
    p.add_argument("--damaged", action="store_true", help="runs that are not as they were written")
    p.add_argument(
        "--unfinished",
        action="store_true",
        help="what killed processes left (untouched for 10 minutes). Without a choice: these two",
    )
    p.add_argument("--other-code", action="store_true", help="runs that other sources computed")
    p.add_argument(
        "--matching", action="store_true", help="runs that the filters choose, whatever they are"
    )
    p.add_argument("--yes", action="store_true", help="do not ask")
    add_filters(p)


def _command(commands: Any, name: str, about: str, run: Any) -> argparse.ArgumentParser:
    columns = ""
    if name == "export":
        width = max(map(len, COLUMNS))
        columns = "\n\ncolumns (FILE.columns.json has those of the file):\n" + "\n".join(
            f"  {n.ljust(width)}  {text}" for n, text in COLUMNS.items()
        )
    p: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=FILTERS % EXAMPLES[name] + columns,
    )
    p.add_argument("--store", default="out", metavar="DIR", help="the store. Default: out")
    p.set_defaults(run=run)
    return p


def add_filters(p: argparse.ArgumentParser) -> None:
    """Add the filters, after the other arguments."""
    p.add_argument("filters", nargs="*", metavar="FILTER", help="which runs; see below")


# ---- choosing -----------------------------------------------------------------------------------
def opened(path: str) -> Store:
    """Return a store that is there. Raises FileNotFoundError."""
    from ..store import Store
    from ..store.store import RUNS

    store = Store(path)
    if not store.runs_path.is_dir():
        raise FileNotFoundError(
            f"there is no store in {path} (no folder {store.runs_path}); {RUNS}/ is made by the "
            f"first run: {WRITERS}"
        )
    return store


def chosen(store: Store, texts: Sequence[str]) -> list[Stored]:
    """Return the runs that fit; say what is damaged, and why none fits."""
    from ..store import filters

    wanted = [filters.parse(text) for text in texts]
    runs = store.runs()
    if store.damaged:
        console.say(
            f"minires: {len(store.damaged)} of {len(store.keys())} runs are damaged and left out, "
            f"e.g. {next(iter(store.damaged.values()))}\n"
            f"they are computed again when they are asked for, or removed by: minires runs clean "
            f"--store {store.path}"
        )
    found = filters.chosen(runs, wanted)
    if not found and texts:
        console.say(f"minires: {filters.none_fits(runs, texts)}")
    return found


# ---- commands -----------------------------------------------------------------------------------
def show_list(args: argparse.Namespace) -> int:
    """Print what the runs differ in, and what came out."""
    from ..store import filters, version

    store = opened(args.store)
    runs = chosen(store, args.filters)
    rows = [filters.values(run) for run in runs]
    if args.sort:
        if rows and not any(args.sort in row for row in rows):
            raise ValueError(f"--sort: no run has a field {args.sort!r}")
        rows.sort(key=lambda row: _order(row.get(args.sort)))
    if args.json:
        sys.stdout.write(results.to_json(rows))
        return 0
    fields = dict.fromkeys(n for run in runs for n in (*run.setting, "task", "code"))
    same = {n for n in fields if len({repr(row.get(n)) for row in rows}) == 1}
    print(results.table([_line(row, set(fields) - same) for row in rows]) if rows else "no run")
    if same and rows:
        text = "all: " + " ".join(f"{n}={_told(rows[0].get(n))}" for n in fields if n in same)
        print("\n" + textwrap.fill(text, 100, subsequent_indent="     "))
    stale = sum(run.code != version.code(run.task) for run in runs)
    total = sum(run.seconds for run in runs)
    print(
        f"{len(runs)} runs in {store.runs_path}, {total:.1f} s of work"
        + (f"; {stale} of other code than this" if stale else "")
    )
    return 0


def _line(row: dict[str, Any], varying: set[str]) -> dict[str, Any]:
    shown = ("test_error", "train_error", "train_loss", "loss", "dx_factor", "decades_lost")
    found = {"key": row["key"]}
    found |= {n: _told(row.get(n)) for n in row if n in varying}
    found |= {"seed": row["seed"]} | {n: row[n] for n in shown if n in row}
    return found | {"diverged": row.get("diverged_at")}


def _told(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) else value


def _order(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return 0, float(value), ""
    return 2 if value is None else 1, 0.0, str(value)


def show(args: argparse.Namespace) -> int:
    """Print one run: what was asked, what came out, layer by layer."""
    store = opened(args.store)
    runs = chosen(store, [text if "=" in text else f"key={text}" for text in args.filters])
    if not runs and (bad := [k for k in store.damaged if k.startswith(tuple(args.filters))]):
        raise ValueError(f"the run {bad[0]} is damaged: {store.damaged[bad[0]]}")
    if len(runs) != 1:
        few = ", ".join(run.key for run in runs[:5])
        raise ValueError(
            f"expected one run, e.g. minires runs show KEY; {len(runs)} fit"
            + (f": {few}{', …' if len(runs) > 5 else ''}" if runs else "")
        )
    run = runs[0]
    print(f"{run.task} {run.key}, seed {run.seed}, in {run.path}")
    versions = run.made.get("versions", {})
    print(
        f"made {run.made.get('when')} in {run.seconds:.2f} s, code {run.code}, NumPy "
        f"{versions.get('numpy')}, {versions.get('machine')}\n"
    )
    for title, values in (("setting", run.setting), ("result", run.summary)):
        print(title)
        width = max(map(len, values), default=0)
        for name, value in values.items():
            print(f"  {name.ljust(width)}  {results.number(_told(value))}")
    rows = run.rows()
    steps = list(dict.fromkeys(row["step"] for row in rows))
    if rows:
        step = steps[0] if args.step is None else args.step
        if step not in steps:
            raise ValueError(f"--step: measured before {', '.join(map(str, steps))}; got {step}")
        print(f"\nlayers before step {step} (there are {', '.join(map(str, steps))})")
        print(results.table([_without(row, "step", "loss") for row in rows if row["step"] == step]))
    elif curve := run.curve():
        print()
        print(results.table(curve))
    return 0


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def compare(args: argparse.Namespace) -> int:
    """Print differences, setting by setting; return 0 whatever they are."""
    from ..store.compare import compare as differences
    from ..store.compare import differing

    a, b = (_side(args, side) for side in args.sides)
    found = differences(a, b)
    aside = differing(a, b)
    names = dict.fromkeys(n for d in found for n in d.setting)
    same = {n for n in names if len({repr(d.setting.get(n)) for d in found}) == 1}
    lines = []
    for d in found:
        line = {n: _told(d.setting.get(n)) for n in names if n not in same}
        change = "-" if d.change is None else f"{d.change:+.4g}"
        lines.append(
            (line or {"setting": "the only one"})
            | {"quantity": d.quantity, "a": _spread(d.a, d.lost[0]), "b": _spread(d.b, d.lost[1])}
            | {"b - a": change if d.margin is None else f"{change} ± {d.margin:.2g}"}
            | {"seeds": len(set(d.a) & set(d.b)) if d.twins else f"{len(d.a)}, {len(d.b)}"}
            | {"": d.verdict()}
        )
    print(results.table(lines))
    codes = {run.code for run in a} ^ {run.code for run in b}
    what = ", ".join([*sorted(aside), *(["code"] if codes else [])]) or "no field"
    print(f"\na: {args.sides[0]}   b: {args.sides[1]}   they differ in {what}")
    print("a, b: mean ± standard deviation over seeds. b - a ± half of its 95 % interval, over")
    print("common seeds (twins: same weights and batches) where there are some. Diverged runs are")
    print("counted, never averaged.")
    return 0


def _side(args: argparse.Namespace, side: str) -> list[Stored]:
    """Return the runs of one side: all of a store, or those of --store that filters choose."""
    if any(sign in side for sign in "=<>"):
        return chosen(opened(args.store), [*side.split("+"), *args.filters])
    return chosen(opened(side), args.filters)


def _spread(values: dict[int, float], lost: int) -> str:
    text = results.spread(list(values.values()), "{:.4g}")
    return f"{text} ({lost} diverged)" if lost else text


def export(args: argparse.Namespace) -> int:
    """Write one table of many runs."""
    from ..store import export as exporting

    exporting.check(args.file)
    runs = chosen(opened(args.store), args.filters)
    if not runs:
        raise ValueError("no run fits: nothing to export")
    paths = exporting.export(runs, args.file, args.table)
    print(results.wrote(paths, []))
    return 0


def clean(args: argparse.Namespace) -> int:
    """Say what is of no use, ask, and remove it."""
    from ..store import filters, version

    store = opened(args.store)
    if args.filters and not args.matching and not args.other_code:
        raise ValueError("filters choose whole runs: say --matching, or --other-code, with them")
    if args.matching and not args.filters:
        raise ValueError("--matching: say which runs, e.g. depth=56 skip=none")
    some = args.damaged or args.unfinished or args.other_code or args.matching
    runs = store.runs()
    gone: dict[str, str] = {}
    if args.damaged or not some:
        gone |= dict.fromkeys(store.damaged, "damaged")
    if args.unfinished or not some:
        gone |= {path.name: "unfinished" for path in store.unfinished()}
    if args.other_code or args.matching:
        for run in filters.chosen(runs, [filters.parse(text) for text in args.filters]):
            if args.matching or run.code != version.code(run.task):
                gone[run.key] = "of other code" if run.code != version.code(run.task) else "chosen"
    if not gone:
        print(f"nothing to remove; {len(runs)} whole runs in {store.runs_path}")
        return 0
    for what in dict.fromkeys(gone.values()):
        names = [name for name, kind in gone.items() if kind == what]
        print(f"{what}: {len(names)} ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})")
    if not args.yes and not _agreed(f"remove {len(gone)} of them from {store.runs_path}?"):
        print("nothing was removed")
        return 1
    for name in gone:
        store.remove(name)
    print(f"removed {len(gone)}; {len(store.runs())} whole runs stay")
    return 0


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise ValueError(f"{question} Say --yes: there is no terminal on which to ask")
    print(f"{question} [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
