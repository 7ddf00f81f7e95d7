"""Words and small numbers for an answer that is wrong in no known way."""

import inspect
import traceback

import numpy as np
from torch import Tensor


def first_frame(frames: traceback.StackSummary, function) -> str:
    """Where in the learner's own code an error arose: ' (line 3: `return x / 0`)'."""
    code = getattr(function, "__code__", None)
    own = [f for f in frames if code is not None and f.filename == code.co_filename]
    if not own:
        return ""
    frame = own[-1]
    return f" (line {frame.lineno}: `{frame.line}`)" if frame.line else f" (line {frame.lineno})"


def pattern(cases: list, got: list, truths: list) -> str:
    """What the wrong numbers have in common, if anything, as a sentence with a space after it."""
    g, t = np.concatenate([a.ravel() for a in got]), np.concatenate([a.ravel() for a in truths])
    if g.dtype.kind == "U" or t.dtype.kind == "U":
        return ""
    if not np.isfinite(g).all():
        return f"{int((~np.isfinite(g)).sum())} of your {g.size} numbers are NaN or infinite. "
    if returns_an_argument(cases, got):
        return "Your function returns one of its arguments unchanged. "
    if g.size > 1 and np.ptp(g) == 0:
        return "Your answer is the same number everywhere. "
    ratios = g[np.abs(t) > 1e-3] / t[np.abs(t) > 1e-3]
    if ratios.size > 2 and np.ptp(ratios) < 1e-2 * np.abs(ratios).max():
        factor = float(np.median(ratios))
        return "The sign is wrong. " if abs(factor + 1) < 1e-2 else f"It is {factor:.3g} times too large. "
    if all(a.ndim == 2 and a.shape[0] == a.shape[1] and np.allclose(a.T, b) for a, b in zip(got, truths)):
        return "It is transposed. "
    return ""


def returns_an_argument(cases: list, got: list) -> bool:
    """Does every answer equal the same argument of its case?"""

    def equal(argument, answer) -> bool:
        fits = isinstance(argument, Tensor) and argument.shape == answer.shape
        return fits and np.allclose(argument.double().numpy(), answer)

    return any(all(equal(c[k], g) for c, g in zip(cases, got, strict=True)) for k in range(len(cases[0])))


def difference(exercise, cases: list, got: list, truths: list, same) -> str:
    """For which input the answer differs: expected and got, in small numbers."""
    for case, g, t in zip(cases, got, truths, strict=True):
        if same(g, t, exercise):
            continue
        names = list(inspect.signature(exercise.truth).parameters)
        row = 0
        if g.ndim and g.dtype.kind != "U":
            apart = np.nan_to_num(np.abs(g - t), nan=np.inf).reshape(len(g), -1).max(axis=1)
            row = int(apart.argmax())
        told = [f"{n} = {small(a, row, g)}" for n, a in zip(names, case, strict=False) if not callable(a)]
        at = f"For {', '.join(told)}: e" if told else "E"
        return f"{at}xpected {small(t, row, t)}, got {small(g, row, g)}."
    return ""


def small(value, row: int, like: np.ndarray) -> str:
    """A value as a person would write it down; for a batch, its row."""
    if isinstance(value, Tensor):
        value = value.detach().double().numpy()
    if isinstance(value, np.ndarray):
        if value.ndim and like.ndim and len(value) == len(like):
            value = value[row]
        text = np.array2string(
            np.asarray(value), precision=3, suppress_small=True, separator=", ", threshold=8
        )
        return " ".join(text.split())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
