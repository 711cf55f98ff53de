"""`minires lessons list`, `hint`, `solution`, `progress` and `glossary`: what is done, and help."""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import console
from ..lessons.progress import Progress, Record, file_option, learners_folder, run_command


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add whose progress is meant."""
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="your copy of a lesson, or its folder"
    )


def progress_of(file: Path | None) -> Progress:
    """Return the progress kept beside a learner's file, in a folder, or in the current one."""
    if file is not None and not file.is_dir():
        require_file(file)
    return Progress(learners_folder(file))


def require_file(path: Path) -> None:
    """Require that there is such a file; it may be a link, but no device and no pipe."""
    if not path.is_file():
        what = "is no file" if path.exists() else "does not exist"
        what = "is a folder, not a file" if path.is_dir() else what
        raise ValueError(f"--file: {path} {what}; name your copy of a lesson")


def kept(progress: Progress, lesson: int, **values: Any) -> bool:
    """Change what is kept of a lesson; say so if the folder cannot be written."""
    try:
        progress.change(lesson, **values)
    except OSError as error:
        console.say(f"not kept: {error}")
        return False
    return True


def exercise_names(number: int, exercise: str | None) -> list[str]:
    """Return the names of a lesson's exercises, or the one that was asked for."""
    from minires.lessons.files import lesson_file
    from minires.lessons.kit import exercises

    lesson_file(number)
    found = list(exercises(number))
    if exercise is not None and exercise not in found:
        raise ValueError(f"lesson {number} has exercises {', '.join(found)}; got {exercise!r}")
    return found if exercise is None else [exercise]


def list_lessons(args: argparse.Namespace) -> int:
    """Print the lessons, what is solved of them, and which comes next."""
    from minires.lessons.files import lesson_files
    from minires.results import table

    lessons, progress = lesson_files(), progress_of(args.file)
    records = {f.number: progress.of(f.number) for f in lessons}
    following = next((n for n, record in records.items() if not _is_done(n, record)), None)
    rows = []
    for f in lessons:
        names, record = exercise_names(f.number, None), records[f.number]
        rows.append(
            {
                "": "next" if f.number == following else "",
                "lesson": f"{f.number:>2}  {f.title}",
                "minutes": f.minutes,
                "seconds": f.seconds or None,
                "solved": f"{sum(n in record.solved for n in names)} of {len(names)}",
                "read": "yes" if record.read else "begun" if record.place else "",
                "after": "" if f.needs == "-" else f.needs,
            }
        )
    print(table(rows))
    gaps = [str(n) for n in range(max(records)) if n not in records]
    if gaps:
        print(f"Not written yet: {', '.join(gaps)}.")
    if following is not None:
        command = run_command(following, learners_folder(args.file))
        own = "" if "--file" in command else "; copy DIR --student makes yours"
        print(f"\n{command} begins or goes on{own}.")
    return 0


def _is_done(number: int, record: Record) -> bool:
    """Return whether nothing is left to do: read, and all exercises solved or looked up."""
    done = {*record.solved, *record.solutions}
    return record.read and done >= set(exercise_names(number, None))


def hint(args: argparse.Namespace) -> int:
    """Print the next hint of an exercise, or of the first one that is not solved."""
    from minires.lessons.kit import exercises
    from minires.lessons.wrong_line import own_hint

    names, progress = exercise_names(args.number, args.exercise), progress_of(args.file)
    record, everything = progress.of(args.number), exercises(args.number)
    if not args.all and args.exercise is None:
        names = [n for n in names if n not in record.solved][:1] or names[:1]
    for name in names:
        hints = everything[name].hints
        shown = len(hints) if args.all else min(record.hints.get(name, 0) + 1, len(hints))
        first = 0 if args.all else shown - 1
        for i in range(first, shown):
            print(f"{name}, hint {i + 1} of {len(hints)}: {hints[i]}")
        if name not in record.solved and (own := own_hint(record.wrong.get(name), shown)):
            print(own)
        what = f"{args.number} {name}{file_option(args.file)}"
        if left := len(hints) - shown:
            print(f"{left} more: minires lessons hint {what}")
        else:
            print(f"No more hints; minires lessons solution {what} shows the code.")
        kept(progress, args.number, hints={name: max(shown, record.hints.get(name, 0))})
    return 0


def solution(args: argparse.Namespace) -> int:
    """Print the solution of an exercise, and record that it was looked up."""
    from minires.lessons.copies import solution as code

    (name,) = exercise_names(args.number, args.exercise)
    progress = progress_of(args.file)
    print(code(args.number, name))
    if kept(progress, args.number, solutions=[name]):
        print(f"\n(It is recorded in {progress.path} that you looked up {name}.)")
    return 0


def show(args: argparse.Namespace) -> int:
    """Print what was done of each lesson."""
    from minires.lessons.files import lesson_files
    from minires.results import read_text, table, to_json

    progress = progress_of(args.file)
    rows, documents = [], {}
    lessons = lesson_files()
    most = max(len(exercise_names(f.number, None)) for f in lessons)
    for f in lessons:
        record, names = progress.of(f.number), exercise_names(f.number, None)
        asked = re.findall(r"lesson\.predict\(\s*['\"](\w+)", read_text(f.path))
        document: dict[str, Any] = asdict(record)
        del document["seconds"]
        documents[str(f.number)] = {"exercises": names, "asked": asked, **document}
        row: dict[str, Any] = {"lesson": f"{f.number:>2}"}
        for i in range(most):
            row[f".{i + 1}"] = _state(record, names[i]) if i < len(names) else ""
        row["predicted"] = f"{sum(key in record.predictions for key in asked)} of {len(asked)}"
        row["hints"] = sum(record.hints.values())
        row["read"] = "yes" if record.read else "begun" if record.place else "no"
        rows.append(row)
    if args.json:
        print(to_json(documents), end="")
        return 0
    print(table(rows))
    print("\n.1 to the last: exercises; yes: solved by you; seen: the solution was looked up")
    print(f"kept in {progress.path}")
    return 0


def _state(record: Record, name: str) -> str:
    return "yes" if name in record.solved else "seen" if name in record.solutions else "-"


def glossary(args: argparse.Namespace) -> int:
    """Print the terms of the course that hold a text, or the whole page in Markdown."""
    from minires.lessons import desk, prose
    from minires.lessons import glossary as terms

    if args.page:
        print(terms.page(), end="")
        return 0
    found = "\n".join(map(terms.item, terms.matching(" ".join(args.term))))
    print(prose.render(found, desk.look()))
    return 0
