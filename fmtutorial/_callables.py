"""What users hand over to be called: models and scores. Their first answer is checked, the others not."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fmtutorial import _validate
from fmtutorial._types import Time


def as_velocity(model: Callable, name: str = "model") -> Callable:
    """The model as a function (x, t, *condition) whose first answer is checked by `_validate.returned`.

    A network (`nn.Module`) gets its time as a column (n, 1), as in training; any other function gets the time
    as it comes, mostly a number in a tensor of no dimensions.
    """
    if not callable(model):
        raise TypeError(f"{name} must be callable as {name}(x, t), got {type(model).__name__}")
    takes_columns = is_network(model)
    is_checked = False

    def velocity(x: Tensor, t: Time, *condition: Tensor) -> Tensor:
        """The model's answer."""
        nonlocal is_checked
        if takes_columns:
            t = _validate.time_column(t, x).to(x.dtype).expand(len(x), 1)
        if is_checked:
            return model(x, t, *condition)
        value = _first_answer(model, name, x, t, *condition)
        is_checked = True
        return value

    return velocity


def as_score(score: Callable, name: str = "score") -> Callable:
    """A score of x alone as a function whose first answer is checked by `_validate.returned`."""
    if not callable(score):
        raise TypeError(f"{name} must be callable as {name}(x), got {type(score).__name__}")
    is_checked = False

    def checked_score(x: Tensor) -> Tensor:
        """The score's answer."""
        nonlocal is_checked
        if is_checked:
            return score(x)
        value = _first_answer(score, name, x)
        is_checked = True
        return value

    return checked_score


def is_network(model: Callable) -> bool:
    """Is it a network, or something that wraps one as its attribute `model`?"""
    return isinstance(model, nn.Module) or isinstance(getattr(model, "model", None), nn.Module)


def check_condition(model: Callable, condition: Tensor, n: int) -> None:
    """Raise unless `condition` is a tensor with n rows that the model, where it can tell, accepts."""
    if not isinstance(condition, Tensor) or condition.ndim == 0:
        raise TypeError(f"condition must be a torch.Tensor with {n} rows, got {condition!r}")
    if len(condition) != n:
        raise ValueError(f"condition must have a row for each of the {n} points, got {len(condition)}")
    if hasattr(model, "check_condition"):
        model.check_condition(condition, n)


def _first_answer(function: Callable, name: str, x: Tensor, *arguments: Tensor) -> Tensor:
    """function(x, *arguments), checked; where the dtypes do not go together the error names both."""
    try:
        value = function(x, *arguments)
    except RuntimeError as error:
        theirs = parameter_dtype(function)
        if theirs is None or theirs == x.dtype:
            raise
        raise TypeError(
            f"{name} and its points must have one dtype, got parameters of {theirs} and points of {x.dtype}: "
            "convert the points with .to(...), or the model with .float() or .double()"
        ) from error
    return _validate.returned(value, f"{name}({', '.join(['x', 't', 'y'][: 1 + len(arguments)])})", x)


def parameter_dtype(function: Callable) -> torch.dtype | None:
    """The dtype of a network's floating-point parameters, or None where there are none."""
    network = function if isinstance(function, nn.Module) else getattr(function, "model", None)
    if not isinstance(network, nn.Module):
        return None
    dtypes = [p.dtype for p in network.parameters() if p.is_floating_point()]
    return dtypes[0] if dtypes else None
