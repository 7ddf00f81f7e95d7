"""A flow for data given numbers: the network learns what a linear regression leaves, made white."""

import torch
from torch import Generator, Tensor, nn

from fmtutorial._devices import double
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.training.standardized import StandardizedFlow, mean_and_std

LEAST_SPREAD = 1e-10  # of what is left, as a share of the variance of the data


class ResidualFlow(StandardizedFlow):
    """Data x = m(y) + std L r given numbers y (n, c), where r (n, d) are the samples of the velocity `model`.

    m(y) = mean + std (slopes^T z_y) is the linear regression of x on z_y = (y - mean of y) / (std of y), and
    L L^T the covariance of what it leaves, in units of std: r has mean 0 and covariance I over all the data.
    The network then has to learn only what is not linear and not Gaussian in x given y.
    `fit(..., standardize="residuals")` makes one. Every x needs its y: there is no unconditional flow.
    slopes (c, d), factor L (d, d), lower triangular; the rest as in `StandardizedFlow`.
    """

    def __init__(
        self,
        model: nn.Module,
        path: AffineGaussianPath,
        mean: Tensor,
        std: Tensor,
        condition_mean: Tensor,
        condition_std: Tensor,
        slopes: Tensor,
        factor: Tensor,
    ):
        super().__init__(model, path, mean, std, condition_mean, condition_std)
        d = len(self.mean)
        c = len(self.condition_mean)
        for name, values, shape in [("slopes", slopes, (c, d)), ("factor", factor, (d, d))]:
            if not isinstance(values, Tensor) or values.shape != shape:
                came = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
                raise ValueError(f"{name} must be a torch.Tensor of shape {shape}, got {came}")
            self.register_buffer(name, values)

    def predicted(self, y: Tensor) -> Tensor:
        """The regression's prediction of (x - mean) / std given y (n, c), (n, d)."""
        return self.standardized_condition(y) @ self.slopes

    def standardized(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """r = L^-1 ((x - mean) / std - its prediction), (n, d)."""
        residual = super().standardized(x) - self.predicted(_given(y))
        return torch.linalg.solve_triangular(self.factor, residual.T, upper=False).T

    def in_data_units(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """x = m(y) + std L r, (n, d)."""
        return super().in_data_units(self.predicted(_given(y)) + z @ self.factor.T)

    def log_volume(self) -> Tensor:
        """log |det dx/dr| = sum_i log std_i + log L_ii, a scalar."""
        return super().log_volume() + self.factor.diagonal().log().sum()

    def sample(
        self, n: int, generator: Generator | None = None, *, condition: Tensor | None = None, **options
    ) -> Tensor:
        """n samples (n, d) in the units of the data, given y (n, c); `options` as in `StandardizedFlow`."""
        return super().sample(n, generator, condition=_given(condition), **options)


def residual_flow(model: nn.Module, path: AffineGaussianPath, x1: Tensor, y: Tensor) -> ResidualFlow:
    """The flow around `model`, with the regression of x1 (n, d) on y (n, c).

    ValueError if nothing is left of a combination of the columns of x1: it is a linear function of y.
    """
    mean, std = mean_and_std(x1)
    condition_mean, condition_std = mean_and_std(y)
    flow = StandardizedFlow(model, path, mean, std, condition_mean, condition_std)
    z = double(flow.standardized(x1))
    z_y = double(flow.standardized_condition(y))

    # least squares; the pseudo-inverse leaves out columns of y that repeat others, or are constant
    slopes = torch.linalg.pinv(z_y.T @ z_y, hermitian=True) @ (z_y.T @ z)  # (c, c) @ (c, d)
    residual = z - z_y @ slopes
    covariance = residual.T @ residual / len(residual)
    spread = torch.linalg.eigvalsh(covariance)
    if float(spread[0]) < LEAST_SPREAD:
        raise ValueError(
            'standardize must not be "residuals" for these data: a combination of their columns is constant, '
            "or a linear function of the condition. Leave out a column, or give standardize=True"
        )
    factor = torch.linalg.cholesky(covariance)
    return ResidualFlow(
        model, path, mean, std, condition_mean, condition_std, slopes.to(mean), factor.to(mean)
    )


def _given(y: Tensor | None) -> Tensor:
    """y, if it is there."""
    if y is None:
        raise ValueError("condition must be given: a ResidualFlow has no unconditional samples")
    return y
