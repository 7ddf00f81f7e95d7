"""Argument checks: each raises an error that names the argument, what came and what is allowed."""

import math
from collections.abc import Iterable
from numbers import Integral, Real

import torch
from torch import Tensor


def real(
    value: object,
    name: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return `value` as a float in the interval from `low` to `high`, closed unless said otherwise."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}: {value!r}")
    inside = low <= value <= high
    if (open_low and value == low) or (open_high and value == high) or not inside:
        left_bracket = "(" if open_low else "["
        right_bracket = ")" if open_high else "]"
        raise ValueError(f"{name} must lie in {left_bracket}{low}, {high}{right_bracket}, got {value!r}")
    return float(value)


def positive_int(value: object, name: str) -> int:
    """Return `value` as an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer of at least 1, got {type(value).__name__}: {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value}")
    return int(value)


def one_of(value: object, name: str, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the `allowed` strings."""
    allowed = tuple(allowed)
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def finite(values: Tensor, name: str) -> Tensor:
    """Return `values` if none of them is NaN or infinite."""
    if not bool(torch.isfinite(values).all()):
        n_bad = int((~torch.isfinite(values)).sum())
        raise ValueError(f"{name} must be finite, got {n_bad} NaN or infinite values of {values.numel()}")
    return values


def points(x: object, name: str, dim: int | None = None, n_least: int = 0) -> Tensor:
    """Return `x` if it is a finite floating-point tensor (n, d) with n >= n_least, and d = `dim` if given."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of shape (n, d), got {type(x).__name__}")
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must be of a floating-point dtype, float32 or float64, got {x.dtype}")
    if x.ndim != 2:
        raise ValueError(f"{name} must have the shape (n, d), got {tuple(x.shape)}")
    if dim is not None and x.shape[1] != dim:
        raise ValueError(f"{name} must have the shape (n, {dim}), got {tuple(x.shape)}")
    if len(x) < n_least:
        raise ValueError(f"{name} must have at least {n_least} rows, got {len(x)}")
    return finite(x, name)


def returned(value: object, call: str, x: Tensor) -> Tensor:
    """Return `value`, which `call` gave for the points x, if it is a finite tensor like x."""
    if not isinstance(value, Tensor):
        kind = type(value).__name__
        raise TypeError(f"{call} must return a torch.Tensor of shape {tuple(x.shape)}, got {kind}")
    if value.shape != x.shape:
        raise ValueError(f"{call} must return the shape {tuple(x.shape)}, got {tuple(value.shape)}")
    if value.dtype != x.dtype:
        raise TypeError(f"{call} must return the dtype of x, {x.dtype}, got {value.dtype}")
    if value.device != x.device:
        raise ValueError(f"{call} must return a tensor on the device of x, {x.device}, got {value.device}")
    return finite(value, f"what {call} returns")


def first_non_finite_time(trajectory: Tensor, times: Tensor) -> float | None:
    """The first time with a NaN or infinite state in a trajectory (T, n, d); None if it ends finite."""
    if bool(torch.isfinite(trajectory[-1]).all()):
        return None
    is_bad = ~torch.isfinite(trajectory).flatten(1).all(1)
    return float(times[is_bad][0])


def same_shape(a: Tensor, name_a: str, b: Tensor, name_b: str) -> None:
    """Raise unless the two tensors have the same shape."""
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a} and {name_b} must have the same shape, got {tuple(a.shape)} and {tuple(b.shape)}"
        )


def time_column(t: float | Tensor, x: Tensor, name: str = "t") -> Tensor:
    """Return `t` (scalar, (n,) or (n, 1)) in the shape that broadcasts against `x` (n, d): () or (n, 1)."""
    if not isinstance(t, Tensor):
        try:
            t = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        except (TypeError, ValueError, RuntimeError) as error:
            kind = type(t).__name__
            raise TypeError(f"{name} must be a number or a torch.Tensor, got {kind}: {t!r}") from error
    if t.ndim == 0 or t.shape == (len(x), 1):
        return t
    if t.shape == (len(x),):
        return t.unsqueeze(-1)
    if t.numel() == 1:
        return t.reshape(())
    raise ValueError(
        f"{name} must be a scalar or have the shape ({len(x)},) or ({len(x)}, 1), got {tuple(t.shape)}"
    )


def path_time(t: float | Tensor, x: Tensor, name: str = "t") -> Tensor:
    """Return `t` as in `time_column`, after a check that every time lies in [0, 1]."""
    t = time_column(t, x, name)
    if not bool(((t >= 0) & (t <= 1)).all()):
        raise ValueError(f"{name} must lie in [0, 1], got values from {float(t.min())} to {float(t.max())}")
    return t


def n_classes(y: Tensor, name: str) -> int:
    """How many classes y (n,) has: its largest label and one, if nearly all labels from 0 on are there."""
    n = int(y.max()) + 1
    n_seen = len(y.unique())
    if int(y.min()) < 0 or n > 1000 + 2 * n_seen:
        raise ValueError(
            f"{name} must hold classes numbered 0, 1, 2, ..., got {n_seen} classes from {int(y.min())} to "
            f"{n - 1}: `torch.unique(y, return_inverse=True)[1]` numbers them so"
        )
    return n


def positive_definite(matrix: Tensor, name: str, dim: int) -> Tensor:
    """Return `matrix`, made exactly symmetric, if it is a symmetric positive definite (dim, dim) matrix.

    Symmetric up to rounding: two mirrored elements may differ by 1e-5 of the largest element.
    """
    if matrix.shape != (dim, dim):
        raise ValueError(f"{name} must have the shape ({dim}, {dim}), got {tuple(matrix.shape)}")
    asymmetry = (matrix - matrix.T).abs().max()
    if bool(asymmetry > 1e-5 * matrix.abs().max()):
        raise ValueError(f"{name} must be symmetric, got {matrix.tolist()}")
    symmetric = (matrix + matrix.T) / 2
    if torch.linalg.cholesky_ex(symmetric).info != 0:
        raise ValueError(f"{name} must be positive definite, got {matrix.tolist()}")
    return symmetric
