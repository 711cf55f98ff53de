"""What checks say of a learner's answer."""

import numpy as np
import pytest

from minires.lessons.exercise import Exercise, NotDone, Wrong
from minires.lessons.expect import expect_array, expect_choice, expect_number


@pytest.mark.parametrize("found", [0.5, 0.501, np.float32(0.5), np.array(0.5), " 5e-1 "])
def test_right_numbers(found):
    expect_number(found, 0.5)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([1, 2], "expected a number, got the list [1, 2]"),
        ((np.zeros(2), np.ones(3)), "got a tuple of 2 arrays, of shapes (2,), (3,)"),
        (np.zeros((2, 3)), "got an array of shape (2, 3)"),
        (np.zeros(1), "got an array of shape (1,)"),
        (float("nan"), "expected a number, got nan"),
        (float("inf"), "expected a number, got inf"),
        (True, "got the truth value True"),
        (np.True_, "got the truth value True"),
        (1j, "got the complex number 1j"),
        ("half", "got the text 'half'"),
        ({"a": 1}, "got the dictionary {'a': 1}"),
        (len, "got the function len: call it"),
        (10**400, "expected a number, got 1000"),
        (-0.5, "yours -0.5 is not right: look at its sign"),
        (50, "is a percentage asked for, or a fraction?"),
        (0.25, "yours 0.25 is not right: this is the factor of the square"),
        (0.7, "slope: yours 0.7 is not right"),
    ],
)
def test_wrong_numbers(found, words):
    with pytest.raises(Wrong) as error:
        expect_number(found, 0.5, what="slope", mistakes={"this is the factor of the square": 0.25})
    assert words in str(error.value)
    assert "0.5" not in str(error.value).replace("-0.5", "")


def test_what_returns_none_is_not_done():
    for expect in (
        lambda: expect_number(None, 1.0),
        lambda: expect_array(None, np.zeros(2)),
        lambda: expect_choice(None, "a", "why"),
    ):
        with pytest.raises(NotDone, match="below TODO"):
            expect()


@pytest.mark.parametrize("found", [[1, 2], (1.0, 2.0), np.array([1, 2]), [np.array(1.0), 2]])
def test_right_arrays(found):
    expect_array(found, np.array([1.0, 2.0]))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ((np.zeros(2), np.ones(3)), "expected an array of shape (2,), got a tuple of 2 arrays"),
        (np.zeros((1, 2)), "expected an array of shape (2,), got an array of shape (1, 2)"),
        (3.0, "expected an array of shape (2,), got 3.0"),
        (["a", "b"], "got the list ['a', 'b']"),
        ([1j, 2], "got the list [1j, 2]"),
        (np.array([1, 2j]), "got an array of complex128 numbers of shape (2,)"),
        ([1.0, np.nan], "worst entry (1,): yours +nan, expected +2"),
        ([1.0, 5.0], "worst entry (1,): yours +5, expected +2 (given 'x')"),
        ([2.0, 1.0], "expected +1 (given 'x'): the order is reversed"),
    ],
)
def test_wrong_arrays(found, words):
    with pytest.raises(Wrong) as error:
        expect_array(found, [1.0, 2.0], mistakes={"the order is reversed": [2.0, 1.0]}, given="x")
    assert words in str(error.value)


def test_answers_of_no_and_of_empty_axes_are_compared():
    expect_array(2.0, np.array(2.0))
    expect_array([], np.zeros(0))
    with pytest.raises(AssertionError, match=r"slope: yours \+3, expected \+2"):
        expect_array(3.0, np.array(2.0), "slope")
    with pytest.raises(AssertionError, match="yours \\+nan"):
        expect_array(np.nan, np.array(2.0))


@pytest.mark.parametrize(
    "found", ["optimization", "Optimisation", " OPTIMIZATION. ", "the optimiser"]
)
def test_right_spellings(found):
    expect_choice(found, "optimisation", "why", synonyms=["the optimizer"])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("batch norm", "batch-norm"), ("Batch_Norm", "batch-norm"), ("color", "colour"),
        ("vanishes", "vanishes"), ([0.01, 0.2], (0.01, 0.2)), (np.array([1, 2]), (1, 2)),
        (0.1 + 0.2, 0.3), (0, 0.0), (np.float64(2), 2), (np.bool_(True), True),
        ((np.float64(0.1), "B"), (0.1, "b")),
    ],
)  # fmt: skip
def test_right_choices(found, expected):
    expect_choice(found, expected, "why")


@pytest.mark.parametrize(
    ("found", "expected", "words"),
    [
        ("b", "a", "yours 'b' is not right: B is for beginners"),
        ("c", "a", "yours 'c' is not right: why"),
        (1, True, "expected True or False, got 1: why"),
        ("True", True, "expected True or False, got the text 'True'"),
        (False, True, "yours False is not right: why"),
        (True, 1, "yours True is not right"),
        (3, "a", "expected a word in quotes, got 3: why"),
        ((1, 2, 3), (1, 2), "yours (1, 2, 3) is not right"),
        (np.float64(0.25), 0.5, "yours 0.25 is not right"),
    ],
)
def test_wrong_choices(found, expected, words):
    with pytest.raises(Wrong) as error:
        expect_choice(found, expected, "why", mistakes={"B is for beginners": "B"})
    assert words in str(error.value)


def test_an_exercise_has_three_hints_and_a_kind():
    for hints, kind in ((("one",), "line"), ("one", "line"), (("1", "2", "3"), "riddle")):
        with pytest.raises(ValueError, match="expected"):
            Exercise(lambda f: None, lambda: 1, hints=hints, kind=kind)
