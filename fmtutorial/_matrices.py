"""Powers of covariances."""

import torch
from torch import Tensor


def power(matrix: Tensor, exponent: float, name: str) -> Tensor:
    """A power of a symmetric positive definite matrix; ValueError if rounding leaves no negative power."""
    values, axes = torch.linalg.eigh(matrix)
    if exponent < 0 and bool((values <= 0).any()):
        raise ValueError(f"{name} must be positive definite in double precision, got {matrix.tolist()}")
    return (axes * values.clamp(min=0) ** exponent) @ axes.T
