"""`minires gradcheck`: check every kernel and layer against finite differences."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "gradcheck",
        help="check every kernel and layer against finite differences",
        description="Compare hand-written gradients with finite differences in float64, and "
        "float32 results with the float64 reference. Exits 1 if anything fails.",
    )
    p.add_argument(
        "names", nargs="*", metavar="NAME", help="what to check, e.g. conv2d; see --list"
    )
    p.add_argument("--backend", choices=("reference", "cpu"), default="cpu", help="default: cpu")
    p.add_argument("--seed", type=int, default=0, help="default: 0")
    p.add_argument("--list", action="store_true", help="list the names and stop")
    p.add_argument(
        "--mutants", action="store_true", help="check that wrong backward passes are rejected"
    )
    p.add_argument("--json", action="store_true", help="print the reports as JSON")
    p.add_argument("--verbose", action="store_true", help="print the whole table of every check")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the checks; return 1 if one fails, 2 for an unknown name."""
    if args.mutants:
        return _mutants(args)
    from minires.gradcheck.targets import all_targets

    targets = all_targets(args.backend)
    if args.list:
        print("\n".join(f"{t.kind:<7} {t.name}" for t in targets))
        return 0
    chosen = [t for t in targets if not args.names or _matches(t.name, args.names)]
    for name in args.names:
        if not any(_matches(t.name, [name]) for t in targets):
            known = ", ".join(dict.fromkeys(t.name.split(" ")[0] for t in targets))
            print(f"minires: error: nothing is called {name!r}; there are {known}", file=sys.stderr)
            return 2
    start, failed, documents = time.perf_counter(), 0, []
    for target in chosen:
        reports = list(target.run(args.seed))
        bad = [(label, r) for label, r in reports if not r.ok]
        failed += bool(bad)
        if args.json:
            documents += [
                r.to_dict() | {"target": target.name, "case": label} for label, r in reports
            ]
            continue
        worst = max((r.max_rel for _, r in reports), default=0.0)
        verdict = "FAIL" if bad else "PASS"
        cases = f"{len(reports)} case" + ("s" if len(reports) != 1 else "")
        print(f"{target.name:<24} {cases:>9}   max rel err {worst:.1e}   {verdict}", flush=True)
        for label, report in reports if args.verbose else bad:
            print(f"  case: {label}\n" + "\n".join("  " + s for s in str(report).splitlines()))
    if args.json:
        print(json.dumps({"backend": args.backend, "failed": failed, "reports": documents}))
    else:
        print(
            f"\n{args.backend} backend: {len(chosen) - failed} of {len(chosen)} passed in "
            f"{time.perf_counter() - start:.1f} s"
        )
    return 1 if failed else 0


def _matches(target: str, names: list[str]) -> bool:
    """A name means one target, or all that start with it as a word: conv2d, "conv2d v1"."""
    return any(target == name or target.split(" ")[0] == name for name in names)


def _mutants(args: argparse.Namespace) -> int:
    from minires.gradcheck.mutants import mutants

    accepted, hinted, documents = 0, 0, []
    found = mutants(args.seed)
    for mutant in found:
        wrong, right = mutant.check(seed=args.seed), mutant.check(mutated=False, seed=args.seed)
        caught = right.ok and not wrong.ok
        accepted += not caught
        families = [family for family, _ in wrong.hints]
        hinted += mutant.family in families
        hint = wrong.hints[0][1] if wrong.hints else "no hint"
        documents.append(wrong.to_dict() | {"mutant": mutant.name, "rejected": caught})
        if not args.json:
            print(f"{mutant.name:<44} {'rejected' if caught else 'MISSED':<9} {hint}")
    if args.json:
        print(json.dumps({"missed": accepted, "reports": documents}))
    else:
        print(
            f"\n{len(found) - accepted} of {len(found)} rejected (and accepted without the "
            f"mutation); the hint names the mistake's family for {hinted}"
        )
    return 1 if accepted else 0
