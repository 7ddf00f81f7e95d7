"""Small networks for a velocity (or a score) that depends on time, and on a condition."""

import math

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _validate
from fmtutorial._initialization import weights_from
from fmtutorial._types import Time


def time_features(t: Tensor, dim: int = 1) -> Tensor:
    """The first `dim` of t, cos(pi t), sin(pi t), cos(2 pi t), sin(2 pi t), ..., for t of shape (n, 1).

    The first feature is t itself, so that t = 0 and t = 1 never look alike.
    """
    if dim == 1:
        return t
    features = [t]
    for k in range(1, dim):
        angle = math.pi * ((k + 1) // 2) * t
        if k % 2 == 1:
            features.append(angle.cos())
        else:
            features.append(angle.sin())
    return torch.cat(features, dim=-1)


class VelocityNet(nn.Module):
    """v_theta(x, t): a perceptron of `depth` hidden layers on x and `time_dim` features of t.

    Called as `model(x, t)` with x (n, in_dim) and t a scalar, (n,) or (n, 1); returns (n, out_dim), which is
    in_dim unless given, in the dtype of x.
    """

    def __init__(
        self,
        in_dim: int = 2,
        time_dim: int = 1,
        hidden_dim: int = 128,
        out_dim: int | None = None,
        *,
        depth: int = 2,
        activation: type[nn.Module] = nn.SiLU,
    ):
        super().__init__()
        if out_dim is None:
            out_dim = in_dim
        _check_sizes(in_dim=in_dim, time_dim=time_dim, hidden_dim=hidden_dim, out_dim=out_dim, depth=depth)
        self.in_dim = in_dim
        self.time_dim = time_dim
        layers = [nn.Linear(in_dim + time_dim, hidden_dim), activation()]
        for _ in range(depth - 1):
            layers += [nn.Linear(hidden_dim, hidden_dim), activation()]
        self.net = nn.Sequential(*layers, nn.Linear(hidden_dim, out_dim))

    def forward(self, x: Tensor, t: Time) -> Tensor:
        """The velocity at the points x and the time(s) t."""
        if x.ndim != 2 or x.shape[1] != self.in_dim:
            raise ValueError(f"x must have the shape (n, {self.in_dim}), got {tuple(x.shape)}")
        t = _validate.time_column(t, x).to(x.dtype).expand(len(x), 1)
        return self.net(torch.cat([x, time_features(t, self.time_dim)], dim=-1))


class ConditionalVelocityNet(nn.Module):
    """v_theta(x, t, y): a residual perceptron of `n_blocks` blocks, each shown the time and the condition y.

    A block adds W2 silu(W1 norm(h) + e) to h (n, hidden_dim), where e embeds t and y. Give either
    `n_classes`, for y long (n,) with classes from 0, or `condition_dim`, for y float (n, condition_dim).
    `model(x, t)` without y is the unconditional velocity, with a learned embedding in the place of y's;
    with `unconditional=False` there is none, and y must be given. Shapes as for `VelocityNet`.
    """

    def __init__(
        self,
        dim: int = 2,
        *,
        n_classes: int | None = None,
        condition_dim: int | None = None,
        hidden_dim: int = 256,
        n_blocks: int = 4,
        time_dim: int = 5,
        unconditional: bool = True,
    ):
        super().__init__()
        _check_sizes(dim=dim, hidden_dim=hidden_dim, n_blocks=n_blocks, time_dim=time_dim)
        if (n_classes is None) == (condition_dim is None):
            raise ValueError(
                f"give exactly one of n_classes and condition_dim, got {n_classes} and {condition_dim}"
            )
        self.dim = dim
        self.time_dim = time_dim
        self.n_classes = n_classes
        self.condition_dim = condition_dim
        # the order of these lines is the order in which the weights are drawn
        self.enter = nn.Linear(dim, hidden_dim)
        self.leave = nn.Linear(hidden_dim, dim)
        self.embed_t = nn.Linear(time_dim, hidden_dim)
        self.embed_y = self._embedding(hidden_dim)
        self.nothing = nn.Parameter(torch.zeros(hidden_dim)) if unconditional else None
        self.blocks = nn.ModuleList(ResidualBlock(hidden_dim) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(hidden_dim)

    def _embedding(self, hidden_dim: int) -> nn.Module:
        """A table for classes, a small perceptron for numbers."""
        if self.n_classes is not None:
            n_classes = _validate.positive_int(self.n_classes, "n_classes")
            return nn.Embedding(n_classes, hidden_dim)
        n_numbers = _validate.positive_int(self.condition_dim, "condition_dim")
        return nn.Sequential(nn.Linear(n_numbers, hidden_dim), nn.SiLU(), nn.Linear(hidden_dim, hidden_dim))

    def forward(self, x: Tensor, t: Time, y: Tensor | None = None, keep: Tensor | None = None) -> Tensor:
        """The velocity (n, dim); rows where `keep` (n, 1) is False go without their condition."""
        if x.ndim != 2 or x.shape[1] != self.dim:
            raise ValueError(f"x must have the shape (n, {self.dim}), got {tuple(x.shape)}")
        t = _validate.time_column(t, x).to(x.dtype).expand(len(x), 1)
        e = self.embed_t(time_features(t, self.time_dim)) + self._condition(y, keep, len(x))
        h = self.enter(x)
        for block in self.blocks:
            h = block(h, e)
        return self.leave(self.norm(h))

    def _condition(self, y: Tensor | None, keep: Tensor | None, n: int) -> Tensor:
        """What is added for the condition, (n, hidden_dim) or (hidden_dim,)."""
        if self.nothing is None and (y is None or keep is not None):
            raise ValueError("y is missing: this network was made with unconditional=False")
        if y is None:
            return self.nothing
        self._check_shape(y, n)
        e = self.embed_y(y.long() if self.n_classes is not None else y.to(self.enter.weight.dtype))
        if keep is None:
            return e
        return torch.where(keep, e, self.nothing)

    def _check_shape(self, y: Tensor, n: int) -> None:
        """Raise unless y has the type and shape of n conditions."""
        takes_classes = self.n_classes is not None
        shape = (n,) if takes_classes else (n, self.condition_dim)
        if not isinstance(y, Tensor):
            raise TypeError(f"y must be a torch.Tensor of shape {shape}, got {type(y).__name__}")
        if y.is_floating_point() == takes_classes:
            kind = "an integer" if takes_classes else "a floating-point"
            raise TypeError(f"y must be of {kind} dtype, got {y.dtype}")
        if y.shape != shape:
            raise ValueError(f"y must have the shape {shape}, got {tuple(y.shape)}")

    def check_condition(self, y: Tensor | None, n: int) -> None:
        """Raise ValueError or TypeError unless y holds n conditions for this network, all of them allowed."""
        if y is None:
            if self.nothing is None:
                raise ValueError("y is missing: this network was made with unconditional=False")
            return
        self._check_shape(y, n)
        if self.n_classes is None:
            _validate.finite(y, "y")
        elif n > 0:
            least = int(y.min())
            largest = int(y.max())
            if least < 0 or largest >= self.n_classes:
                raise ValueError(
                    f"y must hold classes from 0 to {self.n_classes - 1}, got {least} to {largest}"
                )


class ResidualBlock(nn.Module):
    """h + W2 silu(W1 norm(h) + e), with W2 = 0 at first, so that a new block changes nothing."""

    def __init__(self, hidden_dim: int):
        super().__init__()
        self.norm = nn.LayerNorm(hidden_dim)
        self.first = nn.Linear(hidden_dim, hidden_dim)
        self.last = nn.Linear(hidden_dim, hidden_dim)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, h: Tensor, e: Tensor) -> Tensor:
        """h and e are (n, hidden_dim)."""
        return h + self.last(nn.functional.silu(self.first(self.norm(h)) + e))


def recommended_network(
    x1: Tensor, y: Tensor | None = None, *, unconditional: bool = True, generator: Generator | None = None
) -> nn.Module:
    """A new network, 64 or 4 d wide, for points x1 (n, d) and conditions y (n,) or (n, c), if any."""
    dim = x1.shape[1]
    hidden_dim = max(64, 4 * dim)
    if y is None:
        with weights_from(generator):
            return VelocityNet(dim, time_dim=5, hidden_dim=hidden_dim, out_dim=dim, depth=3)
    sizes = {"hidden_dim": hidden_dim, "n_blocks": 2, "unconditional": unconditional} | _condition_sizes(y)
    with weights_from(generator):
        return ConditionalVelocityNet(dim, **sizes)


def _condition_sizes(y: Tensor) -> dict[str, int]:
    """How a network has to be told of conditions y: {"n_classes": ...} or {"condition_dim": ...}."""
    if y.is_floating_point() and y.ndim == 2:
        return {"condition_dim": y.shape[1]}
    if not y.is_floating_point() and y.ndim == 1:
        return {"n_classes": _validate.n_classes(y, "condition")}
    raise ValueError(f"condition must be classes (N,) or numbers (N, c), got {tuple(y.shape)}")


def _check_sizes(**sizes: int) -> None:
    """Raise unless each of these arguments is a positive integer."""
    for name, value in sizes.items():
        _validate.positive_int(value, name)
