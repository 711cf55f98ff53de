"""What every lesson of the course has: sections, exercises that climb, numbers with an origin."""

import re

import prose_numbers
import pytest

from minires.__main__ import main
from minires.lessons import glossary, kit
from minires.lessons.exercise import examine
from minires.lessons.files import cells, folder, lesson_files
from minires.results import read_text

LESSONS = [f for f in lesson_files() if prose_numbers.claims_file(f.number).exists()]
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda f: f.path.stem)
SECTIONS = (
    "Predict",
    "What people get wrong",
    "What the paper found",
    "Remember",
    "Read next",
)
KINDS = ("number", "line", "function", "experiment", "bug", "design")
FEWEST_EXERCISES = 3


def markdown(lesson):
    return ["\n".join(lines) for is_text, lines in cells(read_text(lesson.path)) if is_text]


def headings(lesson):
    return re.findall(r"^#+ (.*)$", "\n".join(markdown(lesson)), re.MULTILINE)


@each_lesson
def test_sections(lesson):
    found = headings(lesson)
    assert found[0].startswith(f"Lesson {lesson.number}: ")
    places = [i for s in SECTIONS for i, h in enumerate(found) if h.startswith(s)]
    assert [found[i] for i in places][-4:] == list(SECTIONS[1:])
    assert any(h.startswith("Predict") for h in found)
    assert places[-4:] == sorted(places[-4:])


@each_lesson
def test_three_sentences_to_remember(lesson):
    text = "\n\n".join(markdown(lesson))
    section = re.split(r"^## ", text.split("## Remember", 1)[1], flags=re.MULTILINE)[0]
    assert len(re.findall(r"^(?:-|\d\.) ", section, re.MULTILINE)) == 3


@each_lesson
def test_exercises_in_order_with_hints_and_a_bug_or_a_design(lesson):
    text = read_text(lesson.path)
    exercises = kit.exercises(lesson.number)
    order = re.findall(r'^@lesson\.exercise\("(.+?)"\)', text, re.MULTILINE)
    assert order == [f"{lesson.number}.{i + 1}" for i in range(len(order))]
    assert order == list(exercises)
    assert len(order) >= FEWEST_EXERCISES
    kinds = [e.kind for e in exercises.values()]
    assert set(kinds) <= set(KINDS)
    assert "bug" in kinds or "design" in kinds
    for name, exercise in exercises.items():
        assert len(exercise.hints) == 3, name
        assert len(set(exercise.hints)) == 3, name
        assert all(len(hint) > 20 for hint in exercise.hints), name
        assert f"Exercise {name}" in text, name


@pytest.mark.parametrize(
    "lesson",
    [  # those of lesson 17 are compiled, those of 1 and 7 are told their line
        pytest.param(f, marks=pytest.mark.slow if f.number in (1, 7, 17) else [], id=f.path.stem)
        for f in LESSONS
    ],
)
def test_typical_wrong_answers_fail_with_a_message(lesson):
    for name, exercise in kit.exercises(lesson.number).items():
        assert examine(name, exercise, exercise.reference).verdict == "PASS", name
        assert examine(name, exercise, lambda *_, **__: None).verdict == "TODO", name
        assert len(exercise.wrong) >= 2, name
        for i, wrong in enumerate(exercise.wrong):
            result = examine(name, exercise, wrong)
            assert result.verdict == "FAIL", (name, i, result)
            assert len(result.message) > 20, (name, i, result)


@each_lesson
def test_predictions_come_before_what_they_are_about(lesson):
    text = read_text(lesson.path)
    predicted = re.findall(r"lesson\.predict\(\s*\"(\w+)\"", text)
    revealed = re.findall(r"lesson\.reveal\(\s*\"(\w+)\"", text)
    assert predicted
    assert set(predicted) == set(revealed)
    for key in predicted:
        shown = re.search(rf'lesson\.reveal\(\s*"{key}"', text)
        assert text.index(f'"{key}"') < shown.start()


@each_lesson
def test_every_number_in_the_prose_is_placed(lesson):
    """Those that the script computes are compared in test_lessons.py, where it runs."""
    text = read_text(lesson.path)
    known = {k: v if isinstance(v, str) else "computed" for k, v in _known(lesson).items()}
    code = prose_numbers.settings(text)
    lost = [
        f"line {found.line}: {found.text}"
        for found in prose_numbers.numbers(text)
        if not prose_numbers.origin(found, known, {}, code)
    ]
    assert lost == []


@each_lesson
def test_no_number_is_explained_that_the_prose_does_not_hold(lesson):
    held = {f.text.replace("−", "-") for f in prose_numbers.numbers(read_text(lesson.path))}
    assert [text for text in _known(lesson) if text.replace("−", "-") not in held] == []


def _known(lesson):
    return prose_numbers.load(lesson.number).NUMBERS


def test_no_term_is_explained_twice():
    terms = [e.term.lower() for e in glossary.entries()]
    assert sorted({t for t in terms if terms.count(t) > 1}) == []


def test_a_term_is_found_directly_below_a_heading():
    lines = ["## Kinks", "A **kink** is a", "corner.", "", "- An **edge** is one too."]
    assert glossary._paragraphs(lines) == ["A **kink** is a corner.", "An **edge** is one too."]


def test_the_pages_beside_the_lessons_are_up_to_date():
    again = "minires lessons glossary --page > lessons/GLOSSARY.md"
    assert read_text(folder() / "GLOSSARY.md") == glossary.page(), again
    course = read_text(folder() / "README.md")
    assert [f.number for f in lesson_files()] == list(range(len(lesson_files())))
    for lesson in lesson_files():
        assert f"| {lesson.number}. {lesson.title} |" in course, "python tests/lessons/course.py"


def test_a_sentence_of_the_glossary_is_the_whole_sentence():
    text = "He et al. 2015 say so. A **kink** is, e.g., a corner (see below). *Why?* Read on."
    assert glossary.sentences(text) == [
        "He et al. 2015 say so.",
        "A **kink** is, e.g., a corner (see below).",
        "*Why?*",
        "Read on.",
    ]


def test_a_term_is_found_by_a_part_of_it_and_a_wrong_one_names_its_neighbours(capsys):
    assert main(["lessons", "glossary", "KINK"]) == 0
    assert "slope jumps" in capsys.readouterr().out
    assert main(["lessons", "glossary", "residul"]) == 2
    assert "residual" in capsys.readouterr().err
    assert main(["lessons", "glossary"]) == 0
    assert all(e.term in capsys.readouterr().out for e in glossary.entries()[:1])
