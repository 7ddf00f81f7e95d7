"""Compares an answer with the truth, and finds the words for what is wrong with it."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Generator, Tensor

from fmtutorial.checks._words import difference, first_frame, is_text, pattern


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is expected, the truth, and the mistakes that people make.

    inputs: a function of a generator that gives a list of argument tuples; None for an answer that is not a
    function. mistakes: each sentence belongs to a wrong answer, called with the same arguments.
    further_check: one more demand on the function, returning a sentence if it is not met. compared_quantity:
    what is compared, from the answer and a case, if not simply the answer called with it.
    """

    expects: str
    truth: Callable
    inputs: Callable[[Generator], list[tuple]] | None
    insight: str
    mistakes: dict[str, Callable]
    rtol: float = 1e-3
    atol: float = 1e-5
    further_check: Callable | None = None
    compared_quantity: Callable | None = None


@dataclass(frozen=True)
class Result:
    """The outcome of one check; true if the answer was right."""

    name: str
    passed: bool
    message: str
    attempted: bool = field(default=True)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        mark = "✓" if self.passed else "✗" if self.attempted else "○"
        return f"{mark} {self.name}  {self.message}"

    def __repr__(self) -> str:
        return f"<{'passed' if self.passed else 'not passed'}>"

    def _ipython_display_(self) -> None:
        """Show nothing when `check`, which has printed the message, ends a cell."""


class Complaint(Exception):
    """Carries a sentence for the learner up to `judge`."""


def judge(name: str, exercise: Exercise, answer) -> Result:
    """The result of one answer."""
    if is_blank(answer):
        return not_attempted(name, exercise.expects)
    try:
        # what the learner's answer gives
        cases = [()] if exercise.inputs is None else exercise.inputs(fresh_generator())
        compared = quantity_to_compare(exercise, answer)
        answers = []
        for case in cases:
            value = call(compared, case, answer)
            if is_blank(value):
                return not_attempted(name, exercise.expects)
            answers.append(to_array(value))
        # what is expected, and what there is to say
        truths = [to_array(exercise.truth(*copied(case))) for case in cases]
        complaint = compare(exercise, cases, answers, truths)
        if complaint is None and exercise.further_check is not None:
            complaint = exercise.further_check(answer)
    except Complaint as raised:
        complaint = str(raised)
    return Result(name, complaint is None, complaint or exercise.insight)


def is_blank(value) -> bool:
    """Is this what a stub that nobody has filled in holds, or returns?"""
    return value is None or value is ...


def fresh_generator() -> Generator:
    """A generator with a new seed at every check, without touching the global one."""
    generator = Generator()
    generator.seed()
    return generator


def not_attempted(name: str, expects: str) -> Result:
    """For a stub that nobody has filled in."""
    return Result(name, False, f"Not attempted yet. Expected: {expects}", attempted=False)


def quantity_to_compare(exercise: Exercise, answer) -> Callable:
    """A function of a case that gives what is compared."""
    wants_function = exercise.inputs is not None
    if wants_function and not callable(answer):
        got = type(answer).__name__
        raise Complaint(f"This should be a function, got {got}. Expected: {exercise.expects}")
    if callable(answer) and not wants_function:
        raise Complaint(f"This should be a value, not a function. Expected: {exercise.expects}")

    def compared(*case):
        if exercise.compared_quantity is not None:
            return exercise.compared_quantity(answer, *case)
        return answer(*case) if wants_function else answer

    return compared


def copied(case: tuple) -> tuple:
    """The arguments, with tensors that may be written to."""
    return tuple(a.clone() if isinstance(a, Tensor) else a for a in case)


def call(function: Callable, case: tuple, answer: Callable):
    """Run the learner's answer on one case; tell its errors and side effects in the learner's terms."""
    arguments = copied(case)
    try:
        value = function(*arguments)
    except NotImplementedError:
        return None
    except Exception as error:
        raise Complaint(error_sentence(error, answer)) from None
    for original, after in zip(case, arguments, strict=True):
        if isinstance(original, Tensor) and not torch.equal(original, after):
            raise Complaint(
                "Your function changes one of its arguments in place (x += ...). Make a new tensor."
            )
    return value


def error_sentence(error: Exception, function: Callable) -> str:
    """An exception as one line, with the line of the learner's code that it comes from."""
    lines = str(error).splitlines() or [""]
    text = lines[0][:160]
    place = first_frame(traceback.extract_tb(error.__traceback__), function)
    hint = ""
    if "must match the size" in text or "cannot be multiplied" in text or "broadcast" in text:
        hint = " A t of shape (n,) does not broadcast against (n, d): t.reshape(-1, 1) gives (n, 1)."
    return f"Your code raised {type(error).__name__}: {text}{place}{hint}"


def to_array(value) -> np.ndarray:
    """Anything that holds numbers as a float64 array (text stays text)."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().double().numpy()
    if isinstance(value, (tuple, list)):
        value = [to_array(v) for v in value]
    try:
        array = np.asarray(value)
        return array if is_text(array) else array.astype(np.float64)
    except (TypeError, ValueError):
        raise Complaint(f"The answer must hold numbers, got {type(value).__name__}.") from None


def compare(exercise: Exercise, cases: list, answers: list, truths: list) -> str | None:
    """None if every case agrees; else the best explanation."""
    wrong = [k for k, answer in enumerate(answers) if not same(answer, truths[k], exercise)]
    if not wrong:
        return None
    if sentence := known_mistake(exercise, cases, answers, truths):
        return sentence
    for answer, truth in zip(answers, truths, strict=True):
        if answer.shape != truth.shape:
            return f"The shape is {answer.shape}, expected {truth.shape}. Expected: {exercise.expects}"
    first = wrong[0]
    in_common = pattern(cases, answers, truths)
    return in_common + difference(cases[first], answers[first], truths[first], exercise.truth)


def same(a: np.ndarray, b: np.ndarray, exercise: Exercise) -> bool:
    """Equal shape and equal values within the exercise's tolerance; NaN equals nothing."""
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if is_text(a):
        return bool((a == b).all())
    return bool(np.isfinite(a).all()) and np.allclose(a, b, rtol=exercise.rtol, atol=exercise.atol)


def known_mistake(exercise: Exercise, cases: list, answers: list, truths: list) -> str | None:
    """The sentence of the mistake whose answers these are, wherever it can be computed, if it is one."""
    for sentence, wrong in exercise.mistakes.items():
        mistaken = [attempt(wrong, case) for case in cases]
        computed = [k for k, value in enumerate(mistaken) if value is not None]
        explains = all(same(answers[k], mistaken[k], exercise) for k in computed)
        differs = any(not same(mistaken[k], truths[k], exercise) for k in computed)
        if explains and differs:
            return sentence
    return None


def attempt(wrong: Callable, case: tuple) -> np.ndarray | None:
    """A known mistake's answer, or None where it cannot be computed."""
    try:
        return to_array(wrong(*copied(case)))
    except (RuntimeError, ValueError, TypeError, IndexError, ZeroDivisionError, Complaint):
        return None
