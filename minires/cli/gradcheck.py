"""`minires gradcheck`: check every kernel and layer, or the user's own passes, by differences."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from minires_kernels import BACKENDS, current_backend

from . import gradcheck_code
from .arguments import natural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from minires.gradcheck import GradcheckReport
    from minires.gradcheck.targets import Target


VERSIONS = "v1, v2, …: versions of a kernel, the plainest first; the last one that can is used."


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "gradcheck",
        help="check your own gradients, or every kernel and layer, against finite differences",
        description="Compare hand-written gradients with finite differences in float64: those of "
        "your own file, or of minires, whose kernels' float32 results are compared with the "
        "float64 reference, too.",
        epilog=gradcheck_code.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="my.py:forward,backward; or what of minires to check, e.g. conv2d, see --list",
    )
    gradcheck_code.add_options(p)
    p.add_argument("--backend", choices=BACKENDS, help="default: MINIRES_BACKEND, or cpu")
    p.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    p.add_argument("--list", action="store_true", help="list the names and stop")
    p.add_argument(
        "--mutants", action="store_true", help="check that wrong backward passes are rejected"
    )
    p.add_argument("--json", action="store_true", help="print the reports as JSON")
    p.add_argument("--verbose", action="store_true", help="print the whole table of every check")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the checks; return 1 if one fails. ValueError (exit 2) for an unknown name."""
    if not args.mutants and gradcheck_code.meant(args):
        return gradcheck_code.run(args)
    if args.mutants:
        return _mutants(args)
    from minires.gradcheck.targets import all_targets

    backend = args.backend or current_backend()
    chosen = _chosen(all_targets(backend), args.names)
    if args.list:
        return _listed([f"{t.kind:<7} {t.name}" for t in chosen], args.json)
    start, failed, documents = time.perf_counter(), 0, []
    for target in chosen:
        reports = _reports(target, args.seed)
        bad = [(label, report) for label, report in reports if not report.ok]
        failed += bool(bad)
        documents += [r.to_dict() | {"target": target.name, "case": label} for label, r in reports]
        if args.json:
            continue
        worst = max(report.max_rel for _, report in reports)
        cases = f"{len(reports)} case" + ("s" if len(reports) != 1 else "")
        verdict = "FAIL" if bad else "PASS"
        print(f"{target.name:<24} {cases:>9}   max rel err {worst:.1e}   {verdict}", flush=True)
        for label, report in reports if args.verbose else bad:
            _print_indented(report, f"case: {label}" if label else "")
    if args.json:
        print(json.dumps({"backend": backend, "failed": failed, "reports": documents}))
    else:
        if any(target.kind == "kernel" for target in chosen):
            print(VERSIONS)
        print(
            f"\n{backend} backend: {len(chosen) - failed} of {len(chosen)} passed in "
            f"{time.perf_counter() - start:.1f} s"
        )
    return 1 if failed else 0


def _reports(target: Target, seed: int) -> list[tuple[str, GradcheckReport]]:
    """Run one target; a crash, or no case at all, is a failure of it and stops no other."""
    from minires.gradcheck import GradcheckReport

    reports: list[tuple[str, GradcheckReport]] = []
    try:
        reports.extend(target.run(seed))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        reports.append(("", GradcheckReport(target.name, 0.0, error=text)))
    if not reports:
        reports.append(("", GradcheckReport(target.name, 0.0, error="no case that it supports")))
    return reports


def _chosen(found: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Return those that are named; a name means one, or all that start with it as a word."""

    def word(name: str) -> str:
        return name.split(" ")[0].rstrip(":")

    for name in names:
        if not any(name in (t.name, word(t.name)) for t in found):
            known = ", ".join(dict.fromkeys(word(t.name) for t in found))
            raise ValueError(f"nothing to check is called {name!r}; there are {known}")
    return [t for t in found if not names or t.name in names or word(t.name) in names]


def _listed(lines: list[str], as_json: bool) -> int:
    print(json.dumps([" ".join(line.split()) for line in lines]) if as_json else "\n".join(lines))
    return 0


def _print_indented(report: GradcheckReport, title: str) -> None:
    lines = [title] if title else []
    print("\n".join("  " + line for line in [*lines, *str(report).splitlines()]))


def _mutants(args: argparse.Namespace) -> int:
    from minires.gradcheck.mutants import mutants

    if args.backend not in (None, "reference"):
        raise ValueError("--mutants: they are changes of the reference kernels; omit --backend")
    chosen = _chosen(mutants(args.seed), args.names)
    if args.list:
        return _listed([f"mutant  {m.name}" for m in chosen], args.json)
    missed, hinted, documents = 0, 0, []
    for mutant in chosen:
        wrong, right = mutant.check(seed=args.seed), mutant.check(mutated=False, seed=args.seed)
        caught = right.ok and not wrong.ok
        missed += not caught
        hinted += mutant.family in [family for family, _ in wrong.hints]
        documents.append(wrong.to_dict() | {"mutant": mutant.name, "rejected": caught})
        if args.json:
            continue
        hint = wrong.hints[0][1] if wrong.hints else "no hint"
        print(f"{mutant.name:<44} {'rejected' if caught else 'MISSED':<9} {hint}", flush=True)
        if args.verbose or not caught:
            _print_indented(wrong, "")
        if not right.ok:
            _print_indented(right, "without the mutation:")
    if args.json:
        print(json.dumps({"missed": missed, "reports": documents}))
    else:
        print(
            f"\n{len(chosen) - missed} of {len(chosen)} rejected (and accepted without the "
            f"mutation); the hint names the mistake's family for {hinted}"
        )
    return 1 if missed else 0
