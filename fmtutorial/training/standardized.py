"""A flow for data of any scale: the network learns (x - mean) / std, and both are undone afterwards."""

import torch
from torch import Generator, Tensor, nn

from fmtutorial import _random, _validate
from fmtutorial._callables import as_velocity, check_condition
from fmtutorial._types import Time, Velocity
from fmtutorial.metrics import log_prob
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.paths.affine import check_path
from fmtutorial.sampling import integrate_flow, starting_noise


class StandardizedFlow(nn.Module):
    """Data x = mean + std z, where z (n, d) are the samples of the velocity `model` on `path`.

    `fit(..., standardize=True)` makes one. `.sample(n)` and `.log_prob(x)` are in the units of the data;
    `.model` is the velocity of z, for solvers. mean and std (d,): std 0 for a column that is constant, whose
    samples then are its mean exactly. condition_mean and condition_std (c,): of conditions that are numbers,
    which the model sees standardised too. `save_checkpoint` and `load_checkpoint` take all of it but the
    path: a checkpoint is loaded into a flow with a model of the same architecture and the same path.
    """

    def __init__(
        self,
        model: nn.Module,
        path: AffineGaussianPath,
        mean: Tensor,
        std: Tensor,
        condition_mean: Tensor | None = None,
        condition_std: Tensor | None = None,
    ):
        super().__init__()
        check_path(path)
        self.model = model
        self.path = path
        numbers = {"mean": mean, "std": std}
        if condition_mean is not None:
            numbers |= {"condition_mean": condition_mean, "condition_std": condition_std}
        for name, values in numbers.items():
            self.register_buffer(name, _vector(values, name))
        self.scales_conditions = condition_mean is not None

    def standardized(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """z = (x - mean) / std for points x (n, d) of the data, and x - mean in a constant column.

        y: the conditions, which change nothing here, but do in a `ResidualFlow`.
        """
        return (x - self.mean) / _divisor(self.std)

    def in_data_units(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """x = mean + std z, (n, d)."""
        return self.mean + self.std * z

    def log_volume(self) -> Tensor:
        """log |det dx/dz| = sum_i log std_i, a scalar."""
        return self.std.log().sum()

    def standardized_condition(self, y: Tensor) -> Tensor:
        """What the model sees of conditions: classes (n,) as they are, numbers (n, c) standardised."""
        if not self.scales_conditions:
            return y
        return (y - self.condition_mean) / _divisor(self.condition_std)

    def standardized_columns(self, columns: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Points and their conditions, if there are any, as the model sees them."""
        x1, *conditions = columns
        return self.standardized(x1, *conditions), *[self.standardized_condition(y) for y in conditions]

    def sample(
        self, n: int, generator: Generator | None = None, *, condition: Tensor | None = None, **options
    ) -> Tensor:
        """n samples (n, d) in the units of the data, from the noise at which the path starts.

        condition: y, with n rows. `options` go to `integrate_flow`, as n_steps and method do.
        """
        n = _validate.positive_int(n, "n")
        x0 = _random.normal_like(self.mean.expand(n, -1), generator)
        x0 = starting_noise(self.path, x0).to(x0)
        given = None
        if condition is not None:
            given = self.standardized_condition(condition)
        end, _ = integrate_flow(self.model, x0, condition=given, only_end=True, **options)
        return self.in_data_units(end[-1], condition)

    def log_prob(self, x: Tensor, *, condition: Tensor | None = None, **options) -> Tensor:
        """log p(x) = log p_z((x - mean) / std) - sum_i log std_i at points (n, d) of the data, in nats, (n,).

        The second term is the change of variables. condition: y, with n rows. `options` go to
        `metrics.log_prob`. ValueError where a column is constant: it has no density.
        """
        x = _validate.points(x, "x", len(self.mean))
        if bool((self.std == 0).any()):
            columns = (self.std == 0).nonzero().squeeze(1).tolist()
            raise ValueError(f"columns {columns} of the data are constant: there is no density to take")
        velocity = as_velocity(self.model)
        if condition is not None:
            velocity = self._given(condition, len(x))
        log_p = log_prob(velocity, self.standardized(x, condition), path=self.path, **options)
        return log_p - self.log_volume()

    def _given(self, condition: Tensor, n: int) -> Velocity:
        """The model's velocity with its condition, a function (x, t)."""
        y = self.standardized_condition(condition)
        check_condition(self.model, y, n)
        velocity = as_velocity(self.model)

        def conditional_velocity(x: Tensor, t: Time) -> Tensor:
            """The velocity, given y."""
            return velocity(x, t, y)

        return conditional_velocity

    def forward(self, *arguments: object) -> Tensor:
        """Refuse: nobody could tell points of the data from standardised ones."""
        raise TypeError(
            "a StandardizedFlow is no velocity: use its .sample(n) and .log_prob(x), or its .model, the "
            "velocity of (x - mean) / std"
        )

    def get_extra_state(self) -> dict[str, str]:
        """The path's name, for a checkpoint."""
        return {"path": _name_of(self.path)}

    def set_extra_state(self, state: dict[str, str]) -> None:
        """Refuse a checkpoint of a flow on another path."""
        if state["path"] != _name_of(self.path):
            raise ValueError(
                f"path must be that of the checkpoint, {state['path']}, got {_name_of(self.path)}"
            )


def mean_and_std(x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the standard deviation (d,) of the columns of x (n, d); exact where one is constant."""
    width = x.amax(0) - x.amin(0)
    is_constant = width == 0
    mean = torch.where(is_constant, x[0], x.mean(0))
    # in units of the width, whose squares neither over- nor underflow
    residual = (x - mean) / width.masked_fill(is_constant, 1.0)
    return mean, width * residual.square().mean(0).sqrt()


def standardized_flow(
    model: nn.Module, path: AffineGaussianPath, x1: Tensor, y: Tensor | None = None
) -> StandardizedFlow:
    """The flow around `model`, with mean and std of x1 (n, d), and of y (n, c) if it is numbers."""
    numbers = mean_and_std(x1)
    if y is not None and y.is_floating_point():
        numbers += mean_and_std(y)
    return StandardizedFlow(model, path, *numbers)


def _divisor(std: Tensor) -> Tensor:
    """std, and 1 where it is 0."""
    return torch.where(std > 0, std, torch.ones_like(std))


def _vector(values: Tensor, name: str) -> Tensor:
    """`values` if they are finite numbers (d,)."""
    if not isinstance(values, Tensor) or values.ndim != 1:
        came = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"{name} must be a torch.Tensor of shape (d,), got {came}")
    return _validate.finite(values, name)


def _name_of(path: AffineGaussianPath) -> str:
    """What a path prints as; for one that is no dataclass, its class's name."""
    return repr(path) if hasattr(path, "__dataclass_fields__") else type(path).__name__
