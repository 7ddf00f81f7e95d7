"""The words of the checks, from exercises small enough to see through."""

import pytest
import torch

from fmtutorial.checks import EXERCISES, check
from fmtutorial.checks._engine import Exercise, judge
from fmtutorial.checks._exercises import chapters, laboratory


def cases(generator):
    """Three numbers."""
    return [(1.0,), (2.0,), (3.0,)]


def five_at_two(x):
    """A mistake that can be computed in one case only."""
    if x != 2:
        raise ValueError("unknown")
    return 5.0


DOUBLE = Exercise(
    "a function double(x)",
    lambda x: 2 * x,
    cases,
    "Twice as much.",
    {
        "You squared it.": lambda x: x**2,  # right at x = 2
        "You wrote 5 for x = 2.": five_at_two,
    },
)
VALUE = Exercise("a number", lambda: 4.0, None, "Four.", {"Five is too many.": lambda: 5.0})


def squared(x):
    return x * x


def test_a_right_answer_gets_the_insight():
    result = judge("x.1", DOUBLE, lambda x: x + x)
    assert result and result.message == "Twice as much."


def test_a_known_mistake_must_explain_every_case():
    assert judge("x.1", DOUBLE, squared).message == "You squared it."
    almost = judge("x.1", DOUBLE, lambda x: x * x if x < 3 else 0.0)
    assert almost.message == "For x = 1: expected 2, got 1."


def test_a_mistake_counts_where_it_can_be_computed():
    assert judge("x.1", DOUBLE, lambda x: 5.0 if x == 2 else 2 * x).message == "You wrote 5 for x = 2."


def test_a_mistake_that_gives_the_truth_everywhere_explains_nothing():
    exercise = Exercise("a number", lambda: 4.0, None, "Four.", {"Wrong, but right.": lambda: 4.0})
    assert judge("x.2", exercise, 5.0).message == "Expected 4, got 5."


@pytest.mark.parametrize(
    "answer, start", [(lambda x: x, "Your function returns"), (lambda x: -2 * x, "The sign")]
)
def test_an_unknown_mistake_is_shown_in_whole_sentences(answer, start):
    exercise = Exercise("a function", lambda x: 2 * x, lambda g: [(torch.arange(1.0, 6.0),)], "Twice.", {})
    message = judge("x.1", exercise, answer).message
    assert message.startswith(start)
    assert "For x = 5: expected 10, got " in message and message.endswith(".")


def test_a_value_without_inputs_is_expected_without_them():
    assert judge("x.2", VALUE, 7.0).message == "Expected 4, got 7."
    assert judge("x.2", VALUE, 5.0).message == "Five is too many."


def test_the_kind_of_answer_is_told():
    assert "a value, not a function" in judge("x.2", VALUE, squared).message
    assert "a function, got float" in judge("x.1", DOUBLE, 3.0).message


@pytest.mark.parametrize("answer", [lambda *a: b"bytes", lambda *a: "text", [], {}, 3])
def test_no_answer_and_no_name_raises(answer):
    assert not check("00.1", answer, quiet=True)
    assert not check(answer, None, quiet=True)


def test_the_list_has_every_exercise_in_the_order_of_the_course():
    names = list(EXERCISES)
    assert len(names) == len(set(names)) == len(EXERCISES)
    plain = [name for name in names if not name.startswith("lab.")]
    assert plain == sorted(plain) and names[: len(plain)] == plain
    numbers = [int(name.removeprefix("lab.")) for name in names[len(plain) :]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {f"chapter{name[:2]}" for name in plain} == set(chapters())
    assert len(laboratory()) >= 3


def test_names_that_are_no_exercise_are_not_in_the_list():
    for name in ("99.9", "05.99", "lab.99", "lab", "", "chapter05", None, 3):
        assert name not in EXERCISES
        assert EXERCISES.get(name) is None
    assert "05.3" in EXERCISES and "lab.3" in EXERCISES
