"""A lesson of tests, number 90: many exercises with the same few tasks, and submissions to it."""

import numpy as np

from minires.__main__ import entry
from minires.lessons import kit
from minires.lessons.exercise import Exercise
from minires.lessons.expect import expect_array, expect_choice, expect_number, require

HINTS = ("a nudge", "more concrete", "almost the line")
HEAD = "import numpy as np\nfrom minires.lessons import Lesson\nlesson = Lesson(90)\n"


def _half(f):
    expect_number(f(), 0.5, what="a half", mistakes={"this is its square": 0.25})


def _scale(f):
    rng = np.random.default_rng(3)
    for _ in range(3):
        x, k = rng.standard_normal((2, 3)), float(rng.uniform(1, 2))
        expect_array(f(x, k), k * x, mistakes={"k is added": k + x})


def _slope(f):
    expect_number(f(np.sin, 0.7, 1e-5), np.cos(0.7), 1e-6, "the slope of sin")
    expect_number(f(lambda t: t**2, 3.0, 0.5), 6.0, 1e-9, "the slope of a parabola")


def _word(f):
    expect_choice(f(), "optimisation", "it is not the data")


def _depth(f):
    def measure(depth):
        require(isinstance(depth, int) and 0 < depth < 100, "a depth is 1 to 99")
        return 0.9**depth

    expect_number(f(measure), 7, 0, "the depth")


def _depth_reference(measure):
    return next(d for d in range(1, 100) if measure(d) < 0.5)


TASKS = {
    "half": Exercise(_half, lambda: 0.5, HINTS, "number"),
    "scale": Exercise(_scale, lambda x, k: k * x, HINTS, "line"),
    "slope": Exercise(_slope, lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), HINTS),
    "word": Exercise(_word, lambda: "optimisation", HINTS, "bug"),
    "depth": Exercise(_depth, _depth_reference, HINTS, "experiment"),
}
FIRST = {f"90.{i}": task for i, task in enumerate(TASKS.values(), 1)}


def install(exercises=FIRST, patch=setattr, number=90):
    """Let this lesson have these exercises, and the other lessons their own."""
    theirs = kit.exercises
    patch(kit, "exercises", lambda n: exercises if n == number else theirs(n))


def main():
    """Run the command line; lesson 1 has six exercises, the last two for a half and a word."""
    install_as_first()
    entry()


def install_as_first(patch=setattr):
    """Let lesson 1, whose file is its own, have exercises of this one."""
    tasks = [TASKS["scale"]] * 4 + [TASKS["half"], TASKS["word"]]
    install({f"1.{i}": task for i, task in enumerate(tasks, 1)}, patch, 1)
