"""Words and small numbers for an answer that is wrong in no known way."""

import inspect
import traceback
from collections.abc import Callable

import numpy as np
from torch import Tensor


def first_frame(frames: traceback.StackSummary, function: Callable) -> str:
    """Where in the learner's own code an error arose: ' (line 3: `return x / 0`)'."""
    code = getattr(function, "__code__", None)
    if code is None:
        return ""
    own_frames = [frame for frame in frames if frame.filename == code.co_filename]
    if not own_frames:
        return ""
    last = own_frames[-1]
    return f" (line {last.lineno}: `{last.line}`)" if last.line else f" (line {last.lineno})"


def pattern(cases: list[tuple], answers: list[np.ndarray], truths: list[np.ndarray]) -> str:
    """What the wrong numbers have in common, if anything, as a sentence with a space after it."""
    numbers = np.concatenate([a.ravel() for a in answers])
    expected = np.concatenate([a.ravel() for a in truths])
    if is_text(numbers) or is_text(expected):
        return ""
    # the numbers by themselves
    n_not_finite = int((~np.isfinite(numbers)).sum())
    if n_not_finite:
        return f"{n_not_finite} of your {numbers.size} numbers are NaN or infinite. "
    if returns_an_argument(cases, answers):
        return "Your function returns one of its arguments unchanged. "
    if numbers.size > 1 and np.ptp(numbers) == 0:
        return "Your answer is the same number everywhere. "
    # the numbers beside the truth
    not_small = np.abs(expected) > 1e-3
    ratios = numbers[not_small] / expected[not_small]
    if ratios.size > 2 and np.ptp(ratios) < 1e-2 * np.abs(ratios).max():
        factor = float(np.median(ratios))
        return "The sign is wrong. " if abs(factor + 1) < 1e-2 else f"It is {factor:.3g} times too large. "
    if all(is_transposed(a, t) for a, t in zip(answers, truths, strict=True)):
        return "It is transposed. "
    return ""


def is_transposed(answer: np.ndarray, truth: np.ndarray) -> bool:
    """Is a square matrix the transpose of the truth?"""
    is_square = answer.ndim == 2 and answer.shape[0] == answer.shape[1]
    return is_square and np.allclose(answer.T, truth)


def returns_an_argument(cases: list[tuple], answers: list[np.ndarray]) -> bool:
    """Does every answer equal the same argument of its case?"""

    def equal(argument, answer: np.ndarray) -> bool:
        fits = isinstance(argument, Tensor) and argument.shape == answer.shape
        return fits and np.allclose(argument.double().numpy(), answer)

    n_arguments = len(cases[0])
    return any(
        all(equal(case[k], answer) for case, answer in zip(cases, answers, strict=True))
        for k in range(n_arguments)
    )


def difference(case: tuple, answer: np.ndarray, truth: np.ndarray, true_function: Callable) -> str:
    """For which input an answer differs most: expected and got, in small numbers."""
    row = worst_row(answer, truth)
    numbers = f"{small(truth, row, truth)}, got {small(answer, row, answer)}."
    names = inspect.signature(true_function).parameters
    inputs = [
        f"{name} = {small(argument, row, answer)}"
        for name, argument in zip(names, case, strict=False)
        if not callable(argument)
    ]
    if inputs:
        return f"For {', '.join(inputs)}: expected {numbers}"
    return f"Expected {numbers}"


def worst_row(answer: np.ndarray, truth: np.ndarray) -> int:
    """The row where an answer is furthest from the truth (0 for text, and where there are no rows)."""
    if answer.ndim == 0 or is_text(answer) or is_text(truth):
        return 0
    error = np.nan_to_num(np.abs(answer - truth), nan=np.inf)
    return int(error.reshape(len(answer), -1).max(axis=1).argmax())


def is_text(array: np.ndarray) -> bool:
    """Does an array hold strings, or bytes?"""
    return array.dtype.kind in "US"


def small(value, row: int, like: np.ndarray) -> str:
    """A value as a person would write it down; for a batch, its row."""
    if isinstance(value, Tensor):
        value = value.detach().double().numpy()
    if isinstance(value, np.ndarray):
        if value.ndim and like.ndim and len(value) == len(like):
            value = np.asarray(value[row])
        if value.ndim or is_text(value):
            text = np.array2string(value, precision=3, suppress_small=True, separator=", ", threshold=8)
            return " ".join(text.split())
        value = float(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
