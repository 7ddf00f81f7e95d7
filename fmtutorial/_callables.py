"""What users hand over to be called: models, scores and samplers.

The first answer of a model or a score is checked, the others are not. All that a sampler draws is checked.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _random, _validate
from fmtutorial._types import DataSource, Time

TIME_NAMES = ("t", "time", "times", "timestep", "timesteps")


def as_velocity(model: Callable, name: str = "model") -> Callable:
    """The model as a function (x, t, *condition) whose first answer is checked by `_validate.returned`.

    A network (`nn.Module`) gets its time as a column (n, 1), as in training; any other function gets the time
    as it comes, mostly a number in a tensor of no dimensions.
    """
    check_callable(model, name, "x, t")
    check_time_is_second(model, name)
    checked_model = checked_at_first(model, partial(_first_answer, model, name))
    if not is_network(model):
        return checked_model

    def velocity(x: Tensor, t: Time, *condition: Tensor) -> Tensor:
        """The network's answer."""
        t = _validate.time_column(t, x).to(x.dtype).expand(len(x), 1)
        return checked_model(x, t, *condition)

    return velocity


def as_score(score: Callable, name: str = "score") -> Callable:
    """A score of x alone as a function whose first answer is checked by `_validate.returned`."""
    check_callable(score, name, "x")
    return checked_at_first(score, partial(_first_answer, score, name))


def checked_at_first(function: Callable, checked: Callable) -> Callable:
    """`function`, but `checked` in its place until that has answered once without an error."""
    is_checked = False

    def answered(*arguments: object) -> Tensor:
        """The function's answer."""
        nonlocal is_checked
        if is_checked:
            return function(*arguments)
        value = checked(*arguments)
        is_checked = True
        return value

    return answered


def check_callable(function: Callable, name: str, arguments: str) -> None:
    """Raise TypeError unless it can be called; a class of networks is not one of its objects."""
    call = f"{name} must be callable as {name}({arguments})"
    if isinstance(function, type):
        raise TypeError(f"{call}: an object, and not its class, got {function.__name__}")
    if not callable(function):
        raise TypeError(f"{call}, got {type(function).__name__}")


def check_time_is_second(model: Callable, name: str = "model") -> None:
    """Raise TypeError for a function (t, x, ...), by the names of its parameters: ours is (x, t, ...).

    Other libraries want the time first, and broadcasting would hide the exchange.
    """
    function = model.forward if isinstance(model, nn.Module) else model
    code = getattr(function, "__code__", None)
    if code is None:  # built in, or an object that is called
        return
    names = code.co_varnames[: code.co_argcount]
    if hasattr(function, "__self__"):  # a method's first name is self
        names = names[1:]
    if len(names) > 1 and names[0] in TIME_NAMES and names[1] not in TIME_NAMES:
        raise TypeError(
            f"{name} must be callable as {name}(x, t), got one with the parameters ({names[0]}, {names[1]}): "
            "put the points first"
        )


def is_network(model: Callable) -> bool:
    """Is it a network, or something that wraps one as its attribute `model`?"""
    return isinstance(model, nn.Module) or isinstance(getattr(model, "model", None), nn.Module)


def check_condition(model: Callable, condition: Tensor, n: int) -> None:
    """Raise unless `condition` is a tensor with n rows that the model, where it can tell, accepts."""
    if not isinstance(condition, Tensor) or condition.ndim == 0:
        raise TypeError(f"condition must be a torch.Tensor with {n} rows, got {condition!r}")
    if len(condition) != n:
        raise ValueError(
            f"condition must have a row for each of the {n} rows of points, got {len(condition)}"
        )
    if hasattr(model, "check_condition"):
        model.check_condition(condition, n)


def answer(function: Callable, name: str, x: Tensor, *arguments: Tensor, call: str | None = None) -> Tensor:
    """function(x, *arguments), unchecked; an error from dtypes or from the number of arguments says so.

    `call` is how the call is written in that error, if not name(x, t, y).
    """
    try:
        return function(x, *arguments)
    except RuntimeError as error:
        theirs = parameter_dtype(function)
        if theirs is None or theirs == x.dtype:
            raise
        raise TypeError(
            f"{name} and its points must have one dtype, got parameters of {theirs} and points of {x.dtype}: "
            "convert the points with .to(...), or the model with .float() or .double()"
        ) from error
    except TypeError as error:
        if "positional argument" not in str(error):
            raise
        call = call or _call(name, arguments)
        raise TypeError(f"{name} must be callable as {call}, but {error}") from error


def draw(
    sampler: DataSource, n: int, generator: Generator | None, name: str = "data", **options
) -> tuple[Tensor, ...]:
    """What sampler.sample(n, generator) gives, checked, as a tuple: points (n, d), then conditions if any."""
    kind = type(sampler).__name__
    call = f"{kind}.sample({n}, generator)"
    _random.device_of(generator)  # TypeError for a seed
    try:
        batch = sampler.sample(n, generator, **options)
    except (TypeError, ValueError, AttributeError) as error:
        raise TypeError(
            f"{name} must be a tensor, or have .sample(n, generator) that draws fresh points; "
            f"{call} failed: {error}"
        ) from error

    # tensors with n rows, all of them numbers
    columns = batch if isinstance(batch, tuple) and batch else (batch,)
    for column in columns:
        if not isinstance(column, Tensor) or column.ndim == 0 or len(column) != n:
            got = tuple(column.shape) if isinstance(column, Tensor) else type(column).__name__
            raise TypeError(f"{call} must return tensors with {n} rows, got {got}")
        if column.is_floating_point():
            _validate.finite(column, f"what {call} returns")
    _validate.points(columns[0], f"what {call} returns")
    return columns


def _first_answer(function: Callable, name: str, x: Tensor, *arguments: Tensor) -> Tensor:
    """function(x, *arguments), checked."""
    value = answer(function, name, x, *arguments)
    return _validate.returned(value, _call(name, arguments), x)


def _call(name: str, arguments: tuple) -> str:
    """The call as it is written: name(x), name(x, t) or name(x, t, y)."""
    return f"{name}({', '.join(['x', 't', 'y'][: 1 + len(arguments)])})"


def parameter_dtype(function: Callable) -> torch.dtype | None:
    """The dtype of a network's floating-point parameters, or None where there are none."""
    network = function if isinstance(function, nn.Module) else getattr(function, "model", None)
    if not isinstance(network, nn.Module):
        return None
    dtypes = [p.dtype for p in network.parameters() if p.is_floating_point()]
    return dtypes[0] if dtypes else None
