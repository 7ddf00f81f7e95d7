"""Compares an answer with the truth, and finds the words for what is wrong with it."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Generator, Tensor

from fmtutorial.checks._words import difference, first_frame, pattern


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is expected, the truth, and the mistakes that people make.

    inputs: a function of a generator that gives a list of argument tuples; None for an answer that is not a
    function. mistakes: each sentence belongs to a wrong answer, called with the same arguments.
    also: a further demand on the function, returning a sentence if it is not met. observe: what is compared,
    from the answer and a case, if not simply the answer called with it.
    """

    expects: str
    truth: Callable
    inputs: Callable[[Generator], list[tuple]] | None
    insight: str
    mistakes: dict[str, Callable]
    rtol: float = 1e-3
    atol: float = 1e-5
    also: Callable | None = None
    observe: Callable | None = None


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


class Stop(Exception):
    """Carries a sentence for the learner up to `judge`."""


def judge(name: str, exercise: Exercise, answer) -> Result:
    """The result of one answer."""
    try:
        if answer is None or answer is ...:
            return not_attempted(name, exercise.expects)
        cases = [()] if exercise.inputs is None else exercise.inputs(fresh_generator())
        observe = observer(exercise, answer)
        got = []
        for case in cases:
            value = call(observe, case, answer)
            if value is None or value is ...:
                return not_attempted(name, exercise.expects)
            got.append(to_array(value))
        truths = [to_array(exercise.truth(*copied(case))) for case in cases]
        complaint = compare(exercise, cases, got, truths)
        if complaint is None and exercise.also is not None:
            complaint = exercise.also(answer)
    except Stop as stop:
        complaint = str(stop)
    return Result(name, complaint is None, complaint or exercise.insight)


def fresh_generator() -> Generator:
    """A generator with a new seed at every check, without touching the global one."""
    generator = Generator()
    generator.seed()
    return generator


def not_attempted(name: str, expects: str) -> Result:
    """For a stub that nobody has filled in."""
    return Result(name, False, f"Not attempted yet. Expected: {expects}", attempted=False)


def observer(exercise: Exercise, answer) -> Callable:
    """A function of a case that gives what is compared."""
    kind = (
        "a value, not a function" if exercise.inputs is None else f"a function, got {type(answer).__name__}"
    )
    if callable(answer) == (exercise.inputs is None):
        raise Stop(f"This should be {kind}. Expected: {exercise.expects}")
    if exercise.observe is not None:
        return lambda *case: exercise.observe(answer, *case)
    return answer if exercise.inputs is not None else lambda: answer


def copied(case: tuple) -> tuple:
    """The arguments, with tensors that may be written to."""
    return tuple(a.clone() if isinstance(a, Tensor) else a for a in case)


def call(function: Callable, case: tuple, answer: Callable):
    """Run the learner's answer on one case; tell its errors and side effects in the learner's terms."""
    mine = copied(case)
    try:
        value = function(*mine)
    except NotImplementedError:
        return None
    except Exception as error:
        raise Stop(error_sentence(error, answer)) from None
    for original, after in zip(case, mine, strict=True):
        if isinstance(original, Tensor) and not torch.equal(original, after):
            raise Stop("Your function changes one of its arguments in place (x += ...). Make a new tensor.")
    return value


def error_sentence(error: Exception, function: Callable) -> str:
    """An exception as one line, with the line of the learner's code that it comes from."""
    text = (str(error).splitlines() or [""])[0][:160]
    where = first_frame(traceback.extract_tb(error.__traceback__), function)
    hint = ""
    if "must match the size" in text or "cannot be multiplied" in text or "broadcast" in text:
        hint = " A t of shape (n,) does not broadcast against (n, d): t.reshape(-1, 1) gives (n, 1)."
    return f"Your code raised {type(error).__name__}: {text}{where}{hint}"


def to_array(value) -> np.ndarray:
    """Anything that holds numbers as a float64 array (text stays text)."""
    if isinstance(value, Tensor):
        value = value.detach().cpu().double().numpy()
    if isinstance(value, (tuple, list)):
        value = [to_array(v) for v in value]
    try:
        array = np.asarray(value)
        return array if array.dtype.kind in "US" else array.astype(np.float64)
    except (TypeError, ValueError):
        raise Stop(f"The answer must hold numbers, got {type(value).__name__}.") from None


def compare(exercise: Exercise, cases: list, got: list, truths: list) -> str | None:
    """None if every case agrees; else the best explanation."""
    if all(same(g, t, exercise) for g, t in zip(got, truths, strict=True)):
        return None
    if diagnosis := known_mistake(exercise, cases, got, truths):
        return diagnosis
    for g, t in zip(got, truths, strict=True):
        if g.shape != t.shape:
            return f"The shape is {g.shape}, expected {t.shape}. Expected: {exercise.expects}"
    return pattern(cases, got, truths) + difference(exercise, cases, got, truths, same)


def same(a: np.ndarray, b: np.ndarray, exercise: Exercise) -> bool:
    """Equal shape and equal values within the exercise's tolerance; NaN equals nothing."""
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if a.dtype.kind == "U":
        return bool((a == b).all())
    return bool(np.isfinite(a).all()) and np.allclose(a, b, rtol=exercise.rtol, atol=exercise.atol)


def known_mistake(exercise: Exercise, cases: list, got: list, truths: list) -> str | None:
    """The sentence of the mistake whose answers these are, wherever it differs from the truth."""
    for sentence, wrong in exercise.mistakes.items():
        theirs = [attempt(wrong, case) for case in cases]
        telling = False
        for g, w, t in zip(got, theirs, truths, strict=True):
            if w is None:
                continue
            if not same(g, w, exercise):
                break
            telling |= not same(w, t, exercise)
        else:
            if telling:
                return sentence
    return None


def attempt(wrong: Callable, case: tuple) -> np.ndarray | None:
    """A known mistake's answer, or None where it cannot be computed."""
    try:
        return to_array(wrong(*copied(case)))
    except (RuntimeError, ValueError, TypeError, IndexError, ZeroDivisionError, Stop):
        return None
