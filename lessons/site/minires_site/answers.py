"""Answer keys for teachers: a page per lesson, which no menu leads to and no search finds."""

from __future__ import annotations

import re

from minires import results
from minires.lessons import copies
from minires.lessons.files import LessonFile, parts
from minires.lessons.kit import exercises

KINDS = {
    "number": "a number", "line": "a line", "function": "a function", "experiment": "an experiment",
    "bug": "a bug to find", "design": "something to design",
}  # fmt: skip


def title_of(lesson: LessonFile, name: str) -> str:
    """Return what the lesson's heading says of an exercise."""
    for part in parts(results.read_text(lesson.path)):
        for line in part.lines if part.markdown else []:
            found = re.match(rf"#+ Exercise {re.escape(name)}: (.*)", line)
            if found:
                return f"Exercise {name}: {found[1]}"
    return f"Exercise {name}"


def page(lesson: LessonFile) -> str:
    """Return the answer key of a lesson as MyST."""
    lines = ["---", "orphan: true", "nosearch: true", "---"]
    lines += [f"# Answer key of lesson {lesson.number}", ""]
    lines += [
        f"{lesson.title} {len(exercises(lesson.number))} exercises. Do not hand this page out."
    ]
    for name, exercise in exercises(lesson.number).items():
        code = copies.solution(lesson.number, name)
        lines += ["", f"## {title_of(lesson, name)}", "", f"Asks for {KINDS[exercise.kind]}."]
        lines += ["", "```python", code, "```", "", "The hints that a student can ask for:", ""]
        lines += [f"{i}. {hint}" for i, hint in enumerate(exercise.hints, 1)]
    return "\n".join(lines) + "\n"
