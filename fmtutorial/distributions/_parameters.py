"""Reads and checks the components and weights of a Gaussian mixture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fmtutorial import _validate


def read_components(parameters: list[dict]) -> tuple[Tensor, Tensor]:
    """Means (K, d) and covariances (K, d, d) in float64, checked."""
    if not isinstance(parameters, (list, tuple)):
        raise TypeError(f"parameters must be a list of dicts, got {type(parameters).__name__}")
    if not parameters:
        raise ValueError("parameters must list at least one component, got an empty list")
    components = [_read_component(component, k) for k, component in enumerate(parameters)]
    means = [mean for mean, _ in components]
    covariances = [covariance for _, covariance in components]
    dims = [len(mean) for mean in means]
    if len(set(dims)) > 1:
        raise ValueError(f"parameters must all have means of one dimension, got {dims}")
    return torch.stack(means), torch.stack(covariances)


def _read_component(component: dict, k: int) -> tuple[Tensor, Tensor]:
    """The mean (d,) and covariance (d, d) of one entry of `parameters`."""
    name = f"parameters[{k}]"
    if not isinstance(component, dict):
        raise TypeError(f"{name} must be a dict, got {type(component).__name__}")
    if set(component) not in ({"mean", "std"}, {"mean", "cov"}):
        raise ValueError(
            f"{name} must have the keys 'mean' and either 'std' or 'cov', got {sorted(component)}"
        )
    mean = read_numbers(component["mean"], f"{name}['mean']")
    if mean.ndim != 1 or len(mean) == 0:
        raise ValueError(f"{name}['mean'] must be a list of d numbers, got the shape {tuple(mean.shape)}")
    if "std" in component:
        std = read_numbers(component["std"], f"{name}['std']")
        return mean, _diagonal(std, len(mean), f"{name}['std']")
    cov = read_numbers(component["cov"], f"{name}['cov']")
    return mean, _validate.positive_definite(cov, f"{name}['cov']", len(mean))


def read_numbers(values, name: str) -> Tensor:
    """`values` as a finite float64 tensor."""
    try:
        values = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} must hold numbers, got {values!r}") from error
    return _validate.finite(values, name)


def _diagonal(std: Tensor, d: int, name: str) -> Tensor:
    """diag(std^2) from one std or d of them."""
    if std.shape not in ((), (1,), (d,)):
        raise ValueError(f"{name} must be one number or {d} of them, got the shape {tuple(std.shape)}")
    if bool((std <= 0).any()):
        raise ValueError(f"{name} must be greater than 0, got {std.tolist()}")
    return torch.diag(std.expand(d).square())


def read_weights(weights: Sequence[float] | Tensor | None, n_components: int) -> Tensor:
    """Component weights (K,) in float64, equal unless given."""
    if weights is None:
        return torch.full((n_components,), 1 / n_components, dtype=torch.float64)
    weights = read_numbers(weights, "weights")
    if weights.shape != (n_components,):
        raise ValueError(f"weights must have the shape ({n_components},), got {tuple(weights.shape)}")
    if bool((weights < 0).any()):
        raise ValueError(f"weights must not be negative, got {weights.tolist()}")
    if abs(float(weights.sum()) - 1) > 1e-5:
        raise ValueError(
            f"weights must sum to 1, got {weights.tolist()}, which sum to {float(weights.sum())}"
        )
    return weights / weights.sum()


def stratified_counts(weights: Tensor, n: int) -> Tensor:
    """Whole numbers that sum to n and lie within 1 of n w_k (largest remainders)."""
    counts = (n * weights).floor().long()
    largest_remainders = (n * weights - counts).argsort(descending=True)
    missing = n - int(counts.sum())
    counts[largest_remainders[:missing]] += 1
    return counts
