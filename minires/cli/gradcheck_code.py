"""`minires gradcheck my.py:forward,backward`: check the user's own passes."""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import shlex
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from .. import results
from ..gradcheck import GradcheckReport, code, given, load, page
from ..gradcheck.diagnosis import Diagnosis
from ..gradcheck.pairs import Pair, inputs_of
from ..gradcheck.wording import of_their_code, raised
from ..lessons.interrupt import interrupted
from .arguments import positive_float

T = TypeVar("T")

HELP = """\
your own passes:
  minires gradcheck my.py                           all pairs, found by their names
  minires gradcheck my.py:conv,conv_backward        a forward and a backward pass
  minires gradcheck my.py:Linear                    a class with forward and backward
  minires gradcheck package.module:f,g              of a module that Python can import

  --inputs "x=(2,3,8,8) w=(4,3,3,3)"  normal numbers of these shapes, by the names of forward's
           arguments; also positive(3), uniform(3), int(6)<4, bool(6), zeros(3), ones(3), numbers,
           'text', [1.5, 2], tuple(2,2), {"w": (3,4)}, 100 * (2,3) + 5
  --inputs FILE.npz                   the arrays of a file; nothing is unpickled
  Without --inputs a function `inputs()` (or `inputs(seed)`, `make_inputs`, `example_inputs`,
  `NAME_inputs` for one pair) in the file makes them: a tuple, or a dictionary by name.

The file runs in this process, with your rights; it is not written to.

exit codes: 0 all passed, 1 one failed, 2 a wrong call or a file that cannot be run, 3 none failed
but some are UNDECIDED or VACUOUS"""


def add_options(p: argparse.ArgumentParser) -> None:
    """Add the options for the user's own passes."""
    p.add_argument("--inputs", metavar="INPUTS", help="shapes by name, or an .npz file; see below")
    p.add_argument(
        "--rtol", type=positive_float, metavar="X", help="also accept this relative error"
    )
    p.add_argument(
        "--no-diagnosis", action="store_true", help="do not look for the wrong line of what fails"
    )
    p.add_argument("--html", metavar="FILE", help="also write a page, complete in itself")
    p.add_argument(
        "--seconds",
        type=positive_float,
        default=120.0,
        metavar="X",
        help="stop a file or a check that takes longer; default: 120",
    )


def meant(args: argparse.Namespace) -> bool:
    """Return whether the user's own passes are named. ValueError if only some of the words are."""
    own = [name for name in args.names if load.is_code(name)]
    if own and (rest := [name for name in args.names if name not in own]):
        raise ValueError(
            f"{rest[0]!r} is a name of minires, {own[0]!r} is code of yours: check one, then the "
            "other"
        )
    if own and (args.backend or args.list):
        raise ValueError("--backend and --list are for what comes with minires")
    if not own and (args.inputs or args.rtol or args.html or args.no_diagnosis):
        raise ValueError(
            "--inputs, --rtol, --no-diagnosis and --html are for passes of your own: name them, "
            "e.g. minires gradcheck my.py:conv,conv_backward"
        )
    return bool(own)


def run(args: argparse.Namespace) -> int:
    """Check what the words name; return the exit code. ValueError (exit 2) for what cannot be."""
    work = []
    for word in args.names:
        module, pairs = _within(args, f"loading {word}", functools.partial(load.chosen, word))
        work += [(word, module, pair) for pair in pairs]
    todo, missing = [], []
    for word, module, pair in work:
        inputs = _made(args, module, pair) if args.inputs is None else _typed(args, pair, len(work))
        if inputs is None:
            text = code.suggestion(pair, lambda text: given.from_text(text, args.seed))
            missing.append(
                f'  minires gradcheck {word.split(":")[0]}:{pair.spelled} --inputs "{text}"'
            )
        else:
            todo.append((word, pair, inputs))
    if missing:
        raise ValueError(
            "which inputs? Type the shapes (… stands for those that could not be guessed), or "
            "write a function inputs() that returns them into the file:\n" + "\n".join(missing)
        )
    start, reports = time.perf_counter(), []
    for word, pair, inputs in todo:
        report = _checked(args, pair, inputs)
        reports.append((word, pair, inputs, report))
        if not args.json:
            print(f"{_checked_with(pair, inputs)}\n{report}\n", flush=True)
    if args.html:
        _write_page(args, reports)
    found = [report for *_, report in reports]
    status = code.exit_code(found)
    if args.json:
        print(json.dumps(_document(args, reports, status), allow_nan=False))
    elif len(found) > 1:
        passed = sum(report.ok for report in found)
        print(f"{passed} of {len(found)} passed in {time.perf_counter() - start:.1f} s")
    return status


def _typed(args: argparse.Namespace, pair: Pair, pairs: int) -> Any:
    """Return what --inputs gives a pair; None if it is for others of several pairs."""
    if args.inputs.endswith((".npz", ".npy")):
        found = given.from_npz(Path(args.inputs))
    else:
        found = given.from_text(args.inputs, args.seed)
    if pairs == 1:
        return found
    taken = code.needed(pair)
    if any(p.default is p.empty and p.name not in found for p in taken):
        return None
    return {p.name: found[p.name] for p in taken if p.name in found}


def _made(args: argparse.Namespace, module: types.ModuleType, pair: Pair) -> Any:
    """Return the inputs that the file makes for a pair, None if it makes none."""
    offered = inputs_of(module, pair)
    if offered is None:
        return None
    name, maker = offered
    try:
        return _within(args, f"{name}()", lambda: code.made(name, maker, args.seed))
    except ValueError:
        raise
    except Exception as error:  # whatever the user's code may raise
        raise ValueError(f"{name}() raised {type(error).__name__}: {error}") from None


def _checked(args: argparse.Namespace, pair: Pair, inputs: Any) -> GradcheckReport:
    """Check a pair; what their code raises, before there is a report, is told with its line."""
    try:
        return _compared(args, pair, inputs)
    except Exception as error:  # whatever the user's code may raise
        if not of_their_code(error):
            raise
        raise ValueError(f"{pair.name} raised {raised(error)}; do the inputs fit?") from None


def _compared(args: argparse.Namespace, pair: Pair, inputs: Any) -> GradcheckReport:
    options = {"seed": args.seed} | ({} if args.rtol is None else {"rtol": args.rtol})

    def check() -> GradcheckReport:
        report = code.check_pair(pair, inputs, **options)
        if args.no_diagnosis:
            report.diagnosis = Diagnosis()
        _ = report.diagnosis  # looked for now, within the limits
        return report

    return _within(args, pair.spelled, check, silent=True)


def _within(args: argparse.Namespace, what: str, do: Callable[[], T], silent: bool = False) -> T:
    """Run the user's code for a limited time; what it prints is kept out of what is asked for."""
    end = time.monotonic() + args.seconds
    with _printed(args.json, silent), interrupted(lambda: end) as expired:
        try:
            return do()
        except KeyboardInterrupt as error:
            if not expired.is_set():
                raise
            frames = list(traceback.extract_tb(error.__traceback__))
            raise ValueError(
                f"{what} had not ended after {args.seconds:g} s{_last_own(frames)}; does a loop "
                "run for ever? (--seconds gives it more time)"
            ) from None


def _last_own(frames: list[traceback.FrameSummary]) -> str:
    """Say where in the user's code the time was spent."""
    import minires

    ours = str(Path(minires.__file__).parent)
    own = [f for f in frames if not f.filename.startswith((ours, sys.base_prefix, "<"))]
    own = [f for f in own if "site-packages" not in f.filename]
    return f" (line {own[-1].lineno}: {own[-1].line})" if own else ""


@contextlib.contextmanager
def _printed(as_json: bool, silent: bool) -> Iterator[None]:
    """Let nothing that the user's code prints come between: a check calls it a thousand times."""
    if silent:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            yield
        if lines := said.getvalue().count("\n"):
            print(f"(your code printed {lines} lines while it was checked)", file=sys.stderr)
    elif as_json:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    else:
        yield


def _write_page(args: argparse.Namespace, reports: list[Any]) -> None:
    sections = [(report, _checked_with(pair, inputs)) for _, pair, inputs, report in reports]
    title = ", ".join(dict.fromkeys(word.split(":")[0] for word in args.names))
    command = "minires gradcheck " + shlex.join(args.names)
    command += f" --inputs {shlex.quote(args.inputs)}" if args.inputs else ""
    command += f" --seed {args.seed}" if args.seed else ""
    path = results.write_text(
        Path(args.html), page.page(sections, f"Gradients of {title}", command)
    )
    if not args.json:
        print(f"wrote {path}")


def _checked_with(pair: Pair, inputs: Any) -> str:
    """Return what was checked: "f,f_backward with x: float64 (2, 3)"."""
    listed = [f"{name}: {given.described(value)}" for name, value in _named(pair, inputs)]
    return f"{pair.spelled} with {', '.join(listed)}"


def _named(pair: Pair, inputs: Any) -> list[tuple[str, Any]]:
    """Return the inputs with the names that forward gives them."""
    if isinstance(pair.forward, type) and isinstance(inputs, Mapping):
        return list(inputs.items())
    values, keywords = code.arranged(pair, inputs)
    names = [p.name for p in code.taken(pair.forward) if p.kind is not p.KEYWORD_ONLY]
    names += [f"input {i}" for i in range(len(names), len(values))]
    return [*zip(names, values, strict=False), *keywords.items()]


def _document(args: argparse.Namespace, reports: list[Any], status: int) -> dict[str, Any]:
    """Return what --json prints; the page "How to check your gradients" describes it."""
    return {
        "schema": 1,
        "exit_code": status,
        "seed": args.seed,
        "reports": [
            {
                "target": word,
                "forward": pair.forward.__name__,
                "backward": pair.name,
                "inputs": [
                    {"name": name, "value": given.described(value)}
                    for name, value in _named(pair, inputs)
                ],
            }
            | report.to_dict()
            for word, pair, inputs, report in reports
        ],
    }
