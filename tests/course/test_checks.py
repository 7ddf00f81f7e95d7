"""The checks, tested by mutation: right answers in any style pass, wrong ones fail, with their own words."""

import importlib
import inspect
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from answers import lab

from fmtutorial.checks import EXERCISES, Bug, check

ANSWERS = {}
for file in sorted((Path(__file__).parent / "answers").glob("chapter*.py")):
    ANSWERS |= importlib.import_module(f"answers.{file.stem}").ANSWERS
PLAIN = [name for name in EXERCISES if not isinstance(EXERCISES[name], Bug)]
BUGS = [name for name in EXERCISES if isinstance(EXERCISES[name], Bug)]


def mutants(answer):
    """A right function spoilt in ways that nobody diagnosed in advance."""

    def changed(change):
        """The answer, followed by a change of what it returns."""

        def mutant(*args):
            return change(np.asarray(answer(*args), dtype=np.float64))

        return mutant

    def first_argument(*args):
        """An answer that hands back what it was given."""
        tensors = [a for a in args if isinstance(a, (torch.Tensor, float))]
        return tensors[0] if tensors else args[0]

    return {
        "negated": changed(lambda y: -y),
        "a tenth too large": changed(lambda y: 1.1 * y),
        "shifted": changed(lambda y: y + 0.3),
        "constant": changed(lambda y: np.ones_like(y)),
        "NaN": changed(lambda y: y * np.nan),
        "one axis more": changed(lambda y: y[..., None]),
        "the argument": first_argument,
    }


def wrong_answers(name):
    """(what it is, the answer, a word of its message or None)."""
    if name in lab.ANSWERS:
        return wrong_pairs(name)
    right, wrong = ANSWERS[name]
    rows = [(f"diagnosed: {word}", answer, word) for answer, word in wrong]
    if callable(right[0]):
        rows += [(what, answer, None) for what, answer in mutants(right[0]).items()]
    return rows


def wrong_pairs(name):
    """The same for a bug: a bad test beside a right program, and a fair test beside a wrong one."""
    test, right, wrong = lab.ANSWERS[name]
    return [
        ("a test that accepts all", (lambda program: True, right[0]), "accepts the broken program"),
        ("a test that rejects all", (lambda program: False, right[0]), "rejects a program that is right"),
        ("a test that raises", (lambda program: 1 / 0, right[0]), "ZeroDivisionError"),
        ("the broken program", (test, EXERCISES[name].broken), None),
        ("no pair", right[0], "a pair"),
        ("a program that returns its argument", (test, lambda *args: args[0]), None),
        *((f"diagnosed: {word}", (test, answer), word) for answer, word in wrong),
    ]


def right_answers(name):
    """The right answers in their different styles; for a bug each with its test."""
    if name in lab.ANSWERS:
        test, right, _ = lab.ANSWERS[name]
        return [(test, answer) for answer in right]
    return ANSWERS[name][0]


def test_every_exercise_has_its_answers():
    assert set(ANSWERS) == set(PLAIN)
    assert set(lab.ANSWERS) == set(BUGS)
    assert len(BUGS) >= 10


@pytest.mark.parametrize("name", EXERCISES)
def test_right_answers_in_any_style_are_accepted(name):
    assert len(right_answers(name)) >= 3
    for answer in right_answers(name):
        for _ in range(3):  # fresh inputs every time
            result = check(name, answer, quiet=True)
            assert result, str(result)
            assert result.attempted


@pytest.mark.parametrize("name", EXERCISES)
def test_wrong_answers_are_rejected_each_with_its_own_words(name):
    rows = []
    for what, answer, word in wrong_answers(name):
        result = check(name, answer, quiet=True)
        assert not result, f"{name} accepts: {what}"
        assert result.attempted
        if word is not None:
            assert word.lower() in result.message.lower(), f"{name}, {what}: {result}"
        rows.append(f"{name:7s} {what[:44]:44s} {result.message[:100]}")
    assert len(rows) >= 6
    diagnosed = {row[60:] for row in rows if "diagnosed" in row}
    assert len(diagnosed) >= 3
    print("\n" + "\n".join(rows))


@pytest.mark.parametrize("name", EXERCISES)
def test_each_exercise_diagnoses_at_least_three_mistakes(name):
    exercise = EXERCISES[name].exercise if name in BUGS else EXERCISES[name]
    assert len(exercise.mistakes) >= 3
    assert all(sentence.endswith((".", "!")) for sentence in [*exercise.mistakes, exercise.insight])


@pytest.mark.parametrize("stub", [None, ..., lambda *args: None, lambda *args: ...])
@pytest.mark.parametrize("name", EXERCISES)
def test_what_was_not_attempted_is_said_calmly(name, stub, capsys):
    if name == "05.5" and callable(stub):
        return
    result = check(name, (stub, stub) if name in BUGS and callable(stub) else stub)
    assert not result and not result.attempted
    printed = capsys.readouterr().out
    assert printed.startswith(f"○ {name}") and "Expected" in printed


@pytest.mark.parametrize("name", EXERCISES)
def test_a_check_is_quick_and_leaves_the_random_state_alone(name):
    answer = right_answers(name)[0]
    check(name, answer, quiet=True)  # imports
    torch.manual_seed(5)
    torch_state = torch.random.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()
    start = time.perf_counter()
    check(name, answer, quiet=True)
    assert time.perf_counter() - start < 5  # 2 s on an idle machine
    assert torch.equal(torch_state, torch.random.get_rng_state())
    assert (numpy_state == np.random.get_state()[1]).all()


def test_errors_in_the_learners_code_are_told_with_their_line(capsys):
    def velocity(x0, x1, sigma_min):
        return x1 - undefined * x0  # noqa: F821

    assert not check("03.2", velocity)
    printed = capsys.readouterr().out
    assert "NameError" in printed and "undefined * x0" in printed
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    "answer", ["text", object(), 3, [1, "a"], lambda: 1, lambda *a: object(), lambda *a: "text"]
)
@pytest.mark.parametrize("name", EXERCISES)
def test_nothing_that_a_learner_passes_raises(name, answer):
    assert not check(name, answer, quiet=True)
    assert not check(name, (answer, answer), quiet=True)


def test_an_unknown_exercise_is_named(capsys):
    assert not check("99.9", None)
    assert "03.2" in capsys.readouterr().out


def test_checks_do_not_import_the_solutions():
    import fmtutorial.checks as checks

    for module in vars(checks).values():
        if inspect.ismodule(module):
            assert "notebooks" not in inspect.getsource(module)
