"""Which noise goes with which data: couplings of (x0, x1) by optimal transport, and by a flow itself."""

import torch
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._devices import double
from fmtutorial._matrices import power
from fmtutorial._types import Velocity
from fmtutorial.paths import AffineGaussianPath
from fmtutorial.sampling import integrate_flow, starting_noise


def ot_permutation(x0: Tensor, x1: Tensor) -> Tensor:
    """The permutation p (n,) that minimises sum_i |x1[p_i] - x0[i]|^2, for two batches (n, d).

    The squares do not depend on p, so it maximises sum_i <x0[i], x1[p_i]>. Solved exactly by scipy's
    `linear_sum_assignment`, of order n^3. Labels y of x1 become y[p] too.
    """
    _check_batches(x0, x1)
    x0 = x0.detach().cpu().double()  # on the CPU first: not every device has double precision
    inner = (x0 @ x1.detach().cpu().double().T).numpy()  # (n, n), <x0[i], x1[j]>
    columns = linear_sum_assignment(inner, maximize=True)[1]
    return torch.from_numpy(columns).to(x1.device)


def minibatch_ot(x0: Tensor, x1: Tensor, *, return_permutation: bool = False) -> tuple[Tensor, ...]:
    """Pair a batch of noise with a batch of data optimally: (x0, x1[p]), or (x0, x1[p], p).

    Both marginals stay what they were (Pooladian et al. 2023; Tong et al. 2024). If the data have labels, ask
    for the permutation p and take y[p].
    """
    p = ot_permutation(x0, x1)
    if return_permutation:
        return x0, x1[p], p
    return x0, x1[p]


def sinkhorn_plan(
    x0: Tensor, x1: Tensor, epsilon: float, *, tolerance: float = 1e-3, max_iterations: int = 5000
) -> Tensor:
    """The entropic transport plan P (n, n) of two batches (n, d); its rows and columns sum to 1/n.

    P minimises sum_ij P_ij |x0_i - x1_j|^2 + epsilon sum_ij P_ij log P_ij (Cuturi 2013), in units of x^2.
    Rows sum to 1/n exactly, columns within the relative `tolerance`, or RuntimeError after `max_iterations`.
    """
    _check_batches(x0, x1)
    epsilon = _validate.real(epsilon, "epsilon", low=0.0, open_low=True)
    tolerance = _validate.real(tolerance, "tolerance", low=0.0, open_low=True)
    max_iterations = _validate.positive_int(max_iterations, "max_iterations")

    # the plan is exp(f_i + log_k_ij + g_j) / n
    x0 = double(x0.detach())
    x1 = double(x1.detach())
    n = len(x0)
    log_k = -(x0[:, None] - x1).square().sum(-1) / epsilon  # (n, 1, d) - (n, d), summed to (n, n)
    g = log_k.new_zeros(n)

    # in turn f makes the rows right and g the columns
    for _ in range(max_iterations):
        f = -torch.logsumexp(log_k + g, dim=1)
        columns = torch.logsumexp(log_k + f[:, None], dim=0)
        error = float(((columns + g).exp() - 1).abs().max())
        if error <= tolerance:
            return (log_k + f[:, None] + g).exp() / n
        g = -columns
    raise RuntimeError(
        f"epsilon = {epsilon:g} needs more than max_iterations = {max_iterations} rounds for a tolerance of "
        f"{tolerance:g}: take a larger epsilon, or the exact `ot_permutation`"
    )


def entropic_indices(
    x0: Tensor, x1: Tensor, epsilon: float, generator: Generator | None = None, **options
) -> Tensor:
    """A partner for each x0: indices j (n,) drawn from the rows of `sinkhorn_plan`, with repetitions.

    Near the optimal permutation for small epsilon, near independent draws for large ones.
    """
    plan = sinkhorn_plan(x0, x1, epsilon, **options)
    device = _random.device_of(generator, plan)
    return torch.multinomial(plan.to(device), 1, generator=generator).squeeze(1).to(x1.device)


def gaussian_ot(mean0: Tensor, cov0: Tensor, mean1: Tensor, cov1: Tensor) -> tuple[Tensor, float]:
    """Optimal transport between two Gaussians in closed form: the matrix A (d, d) and the W2 distance.

    The map is T(x) = mean1 + A (x - mean0) with A = R^-1 (R cov1 R)^(1/2) R^-1, R = cov0^(1/2), and
    W2^2 = |mean0 - mean1|^2 + tr(cov0 + cov1 - 2 (R cov1 R)^(1/2)) (Dowson & Landau 1982).
    """
    mean0, cov0 = _checked_gaussian(mean0, cov0, "0")
    mean1, cov1 = _checked_gaussian(mean1, cov1, "1")
    _validate.same_shape(mean0, "mean0", mean1, "mean1")
    root0 = power(cov0, 0.5, "cov0")
    inverse = power(cov0, -0.5, "cov0")
    middle = power(root0 @ cov1 @ root0, 0.5, "cov1")
    square = (mean0 - mean1).square().sum() + (cov0 + cov1 - 2 * middle).trace()
    distance = float(square.clamp(min=0).sqrt())
    return inverse @ middle @ inverse, distance


def reflow_pairs(
    model: Velocity,
    n: int,
    dim: int,
    *,
    n_steps: int = 8,
    method: str = "midpoint",
    generator: Generator | None = None,
    batch_size: int = 10_000,
    path: AffineGaussianPath | None = None,
    **options,
) -> tuple[Tensor, Tensor]:
    """n pairs (x0, x1), each (n, dim): noise, and where the flow of `model` carries it (Liu et al. 2023).

    Training on them with `pair_loss` is one reflow. A model on a `path` that starts elsewhere than at
    N(0, I) starts at N(0, sigma(0)^2 I). `options` go to `integrate_flow`; a `condition` has n rows.
    """
    n = _validate.positive_int(n, "n")
    dim = _validate.positive_int(dim, "dim")
    batch_size = _validate.positive_int(batch_size, "batch_size")
    x0 = _random.normal_like(torch.empty(n, dim), generator)
    if path is not None:
        x0 = starting_noise(path, x0)
    condition = options.pop("condition", None)
    ends = []
    for first in range(0, n, batch_size):
        rows = slice(first, first + batch_size)
        if condition is not None:
            options["condition"] = condition[rows]
        end, _ = integrate_flow(model, x0[rows], n_steps=n_steps, method=method, only_end=True, **options)
        ends.append(end[-1])
    return x0, torch.cat(ends)


def _check_batches(x0: Tensor, x1: Tensor) -> None:
    """Raise unless x0 and x1 are two batches of points of one shape."""
    _validate.points(x0, "x0", n_least=1)
    _validate.points(x1, "x1", n_least=1)
    _validate.same_shape(x0, "x0", x1, "x1")


def _checked_gaussian(mean: Tensor, cov: Tensor, index: str) -> tuple[Tensor, Tensor]:
    """A mean (d,) and a symmetric positive definite covariance (d, d), in double precision."""
    mean = double(torch.as_tensor(mean))
    cov = double(torch.as_tensor(cov))
    _validate.finite(mean, f"mean{index}")
    if mean.ndim != 1 or cov.shape != (len(mean), len(mean)):
        shapes = f"{tuple(mean.shape)} and {tuple(cov.shape)}"
        raise ValueError(f"mean{index} and cov{index} must have the shapes (d,) and (d, d), got {shapes}")
    _validate.finite(cov, f"cov{index}")
    return mean, _validate.positive_definite(cov, f"cov{index}", len(mean))
