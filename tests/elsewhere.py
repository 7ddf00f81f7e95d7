"""A stand-in for a device that is not the CPU and has no double precision, as Apple's GPU.

Inside `with elsewhere():` the tensors of `to_elsewhere(x)`, of `x.to("mps")` and those that are made with
`device="mps"` say that they are on "mps", and hold real numbers. They do not mix with tensors of the CPU (but
for those of no dimensions), become no numpy arrays, take no generator of the CPU, and never are float64.
Networks belong to any device.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("mps")


class Elsewhere(Tensor):
    """A tensor on the other device."""

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), options=None):
        return _Rules().__torch_function__(function, types, arguments, options)


class _Rules(TorchFunctionMode):
    """What the other device refuses, and where the result of a function is."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        options = options or {}
        with torch._C.DisableTorchFunctionSubclass():
            if function == Tensor.device.__get__:
                return DEVICE if isinstance(arguments[0], Elsewhere) else function(*arguments)
            if function in (Tensor.numpy, Tensor.__array__):
                _refuse(isinstance(arguments[0], Elsewhere), "can't convert mps device type tensor to numpy")
                return function(*arguments, **options)
            if function is Tensor.cpu:
                return arguments[0].as_subclass(Tensor)
            if function is Tensor.to:
                return _moved(*arguments, **options)
            return _computed(function, arguments, options)


def _moved(x: Tensor, *arguments: object, **options: object) -> Tensor:
    """x.to(...): to a device, a dtype, both, or to where and what another tensor is."""
    there = isinstance(x, Elsewhere)
    kept = []
    for value in (*arguments, *[options.pop(name) for name in ("device", "dtype") if name in options]):
        if isinstance(value, Tensor):
            there = isinstance(value, Elsewhere)
            kept.append(value.dtype)
        elif isinstance(value, (str, torch.device)):
            there = torch.device(value) == DEVICE
        elif isinstance(value, torch.dtype):
            kept.append(value)
    if isinstance(x, nn.Parameter):
        return x.to(*kept, **options)
    x = x.as_subclass(Tensor)
    return _placed(x.to(*kept, **options) if kept or options else x, there)


def _computed(function, arguments, options):
    """What any other function gives, on the device of its arguments."""
    tensors = [x for x in tree_flatten((arguments, options))[0] if isinstance(x, Tensor)]
    there = any(isinstance(x, Elsewhere) for x in tensors)
    here = any(not isinstance(x, (Elsewhere, nn.Parameter)) and x.ndim > 0 for x in tensors)
    is_index = function in (Tensor.__getitem__, Tensor.__setitem__)
    is_index = is_index and isinstance(arguments[0], Elsewhere)  # an index from the CPU is allowed
    _refuse(there and here and not is_index, f"{function.__name__}: tensors on both mps and cpu")
    if options.get("device") is not None and torch.device(options["device"]) == DEVICE:
        there = True
        options = options | {"device": "cpu"}
        _refuse(options.get("generator") is not None, "Expected a 'mps' generator but found 'cpu'")
    result = function(*arguments, **options)
    if function is Tensor.requires_grad_:  # in place: the leaf itself
        return result
    return tree_map(lambda x: _placed(x, there) if type(x) in (Tensor, Elsewhere) else x, result)


def _placed(x: Tensor, there: bool) -> Tensor:
    """The tensor as one of the other device, or of the CPU."""
    _refuse(there and x.dtype == torch.float64, "the MPS framework doesn't support float64", TypeError)
    return x.as_subclass(Elsewhere) if there else x.as_subclass(Tensor)


def _refuse(is_wrong: bool, message: str, error: type[Exception] = RuntimeError) -> None:
    if is_wrong:
        raise error(message)


def to_elsewhere(x: Tensor) -> Tensor:
    """The tensor on the other device, in single precision where it is of floating point."""
    x = x.float() if x.is_floating_point() else x
    return x.detach().clone().as_subclass(Elsewhere)


@contextmanager
def elsewhere() -> Iterator[None]:
    """The rules hold inside, also for functions that make tensors from nothing."""
    with _Rules():
        yield
