"""What the commands that write to a store of runs share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import console, results
from .arguments import progress_bar

if TYPE_CHECKING:
    from ..store import Job, Store
    from ..store.fill import Filled


def add_store_option(p: argparse.ArgumentParser, default: str) -> None:
    """Add --store."""
    p.add_argument(
        "--store",
        metavar="DIR",
        help="folder whose runs/ keeps every net as soon as it is done: what is there is not "
        f"computed again, so more --seeds add to it. Default: {default}; see `minires runs`",
    )


def opened(args: argparse.Namespace) -> Store:
    """Return the store of --store, else that in --out; OSError if either cannot be written to."""
    from ..store import Store

    args.store = args.store or args.out
    results.folder(args.out)
    store = Store(args.store)
    results.folder(args.store)
    return store


def filled(store: Store, jobs: Sequence[Job]) -> Filled:
    """Find or compute all jobs; tell what was damaged. KeyboardInterrupt if there is none."""
    from ..store.fill import fill

    done = fill(store, jobs, progress_bar)
    for wrong in done.damaged:
        console.say(f"minires: {wrong}; it was computed again")
    if done.signal is not None and not done.runs:
        raise KeyboardInterrupt
    return done


def ended(done: Filled, what: str) -> int:
    """Say how to go on after a signal; return the exit code."""
    if done.signal is None:
        return 0
    console.say(
        f"minires: interrupted: {len(done.runs)} of {done.asked} nets were {what} and written\n"
        f"go on: {console.command()}"
    )
    return 128 + done.signal


def counted(done: Filled, store: Store, seconds: float) -> str:
    """Return "48 nets in 3.2 s, 36 of 48 from the store out/runs"."""
    text = f"{len(done.runs)} nets in {seconds:.1f} s"
    known = f", {done.known} of {done.asked} from the store" if done.known else ""
    return f"{text}{known}; each is kept in {store.runs_path}"


def made(done: Filled, what: str) -> dict[str, Any]:
    """Return what run.json says of it."""
    return {f"nets_{what}": len(done.runs), "nets_asked": done.asked}
