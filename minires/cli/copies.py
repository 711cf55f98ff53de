"""`minires lessons copy`, `notebook` and `reset`: files of the learner's own."""

from __future__ import annotations

import argparse
import itertools
import os
import shlex
from pathlib import Path

from .learning import exercise_names, progress_of, require_file


def copy(args: argparse.Namespace) -> int:
    """Write the lessons, or one of them, to a folder."""
    from minires.lessons.files import lesson_file, lesson_files, student_version
    from minires.results import folder, read_text

    lessons = lesson_files() if args.number is None else [lesson_file(args.number)]
    texts = {}
    for f in lessons:
        text = read_text(f.path)
        texts[args.folder / f.path.name] = student_version(text) if args.student else text
    folder(args.folder)
    _write(texts, args.force)
    first = lessons[0]
    commands = [
        f"minires lessons {action} {first.number} --file {first.path.name}"
        for action in ("run", "check")
    ]
    if args.folder != Path():
        commands.insert(0, f"cd {shlex.quote(str(args.folder))}")
    print("next: " + "\n      ".join(commands))
    return 0


def notebook(args: argparse.Namespace) -> int:
    """Write a lesson as a notebook."""
    from minires.lessons.files import lesson_file, notebook, student_version
    from minires.results import read_text

    path = lesson_file(args.number).path
    text = student_version(read_text(path)) if args.student else read_text(path)
    return _write({args.output or Path(path.stem + ".ipynb"): notebook(text)}, args.force)


def reset(args: argparse.Namespace) -> int:
    """Put exercises back as a student gets them, in a copy if one is named, and forget them."""
    from minires.lessons.copies import restored
    from minires.results import read_text, write_all

    names, progress = exercise_names(args.number, args.exercise), progress_of(args.file)
    if args.file is not None:
        require_file(args.file)
        text = restored(args.file, args.number, names)
        before = read_text(args.file)
        if text != before:
            backup = next(b for b in _backups(args.file) if not os.path.lexists(b))
            write_all({backup: before.encode(), args.file: text.encode()})
            print(f"{args.file}: {', '.join(names)} as at the start; the file before: {backup}")
        else:
            print(f"{args.file}: {', '.join(names)}: nothing had changed")
    progress.forget(args.number, args.exercise)
    what = f"exercise {args.exercise}" if args.exercise else f"lesson {args.number}"
    print(f"progress of {what} is forgotten ({progress.path})")
    return 0


def _backups(path: Path) -> list[Path]:
    numbers = itertools.chain([""], map(str, range(2, 1000)))
    return [path.with_name(f"{path.name}.before{n}") for n in numbers]


def _write(texts: dict[Path, str], force: bool) -> int:
    from minires.results import write_all

    existing = [str(p) for p in texts if os.path.lexists(p) and not p.is_dir()]
    if existing and not force:
        raise ValueError(f"{', '.join(existing)}: there already; --force overwrites what is there")
    for path in write_all({path: text.encode() for path, text in texts.items()}):
        print(f"wrote {path}")
    return 0
