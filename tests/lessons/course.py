"""The course as a table: what each lesson takes, what it measures, and what that should be.

    python tests/lessons/course.py               # every lesson, each in a process of its own
    python tests/lessons/course.py 2 5 --full

Reading is counted at 200 words a minute. The seconds are those of this run, with the interpreter's
start; the numbers are those that this run measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import prose_numbers

WORDS_A_MINUTE = 200
HEAD = ("lesson", "reading, min", "with exercises, min", "running, s", "exercises", "headline",
        "measured", "theory or paper", "verdict")  # fmt: skip


def words(text: str) -> int:
    """Return the number of words of a lesson's prose, formulas and code cells left out."""
    prose = " ".join(p for _, p in [*prose_numbers.paragraphs(text), *prose_numbers.said(text)])
    return len(re.findall(r"[^\W\d_]{2,}", re.sub(r"\$[^$]*\$|`[^`]*`", " ", prose)))


def measure(number: int) -> dict[str, str]:
    """Run a lesson in this process and return its headline."""
    from minires.lessons import runner
    from minires.lessons.files import lesson_file

    return prose_numbers.load(number).headline(runner.namespace(lesson_file(number).path))


def in_a_process(number: int, full: bool) -> tuple[float, dict[str, str]]:
    """Return the seconds that a lesson takes from start to end, and its headline."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"MINIRES_OUT": folder, "MINIRES_ANSWERS": folder} | (
            {"MINIRES_FULL": "1"} if full else {}
        )
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, "--headline", str(number)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8", check=True,
            env=os.environ | settings, timeout=3600,
        )  # fmt: skip
        return time.perf_counter() - start, json.loads(done.stdout.splitlines()[-1])


def row(lesson: Any, full: bool) -> tuple[float, list[str]]:
    """Return the seconds of a lesson and its row of the table."""
    from minires.lessons.kit import exercises

    seconds, headline = in_a_process(lesson.number, full)
    reading = round(words(lesson.path.read_text(encoding="utf-8")) / WORDS_A_MINUTE)
    numbers = [reading, lesson.minutes, f"{seconds:.0f}", len(exercises(lesson.number))]
    texts = [headline[k] for k in ("what", "measured", "reference", "verdict")]
    return seconds, [f"{lesson.number}. {lesson.title}", *map(str, numbers), *texts]


def processor() -> str:
    """Return the name of the processor where the system tells it."""
    try:
        found = re.search(
            r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8")
        )
    except OSError:
        found = None
    return found.group(1) if found else platform.processor() or platform.machine()


def main() -> None:
    """Print the table as Markdown."""
    from minires.lessons.files import lesson_files

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", type=int, metavar="N")
    parser.add_argument("--full", action="store_true", help="more seeds and depths")
    parser.add_argument("--headline", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.headline:
        headline = measure(*args.numbers)
        print("\n" + json.dumps(headline))
        return
    print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|")
    total = 0.0
    for lesson in lesson_files():
        if not args.numbers or lesson.number in args.numbers:
            seconds, cells = row(lesson, args.full)
            total += seconds
            print("| " + " | ".join(cells) + " |", flush=True)
    print(f"\n{total / 60:.1f} minutes in all on {os.cpu_count()} cores of {processor()}.")


if __name__ == "__main__":
    main()
