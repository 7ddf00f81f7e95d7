"""From noise to data, token by token: the mask path and the uniform path.

A state is L tokens. A token has V symbols in the data, and S states on the way: its symbols, and the mask
where the path has one. At time t each token is its data symbol with probability t, and noise otherwise,
independently of the others (Campbell et al. 2024; Gat et al. 2024).
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from fmtutorial import _random, _validate
from fmtutorial._types import Time


@dataclass(frozen=True)
class TokenPath:
    """What the two paths share: each token is its data symbol with probability t, and noise otherwise."""

    n_symbols: int  # V

    def __post_init__(self):
        _validate.positive_int(self.n_symbols, "n_symbols")

    @property
    def n_states(self) -> int:
        """S, the number of states of one token."""
        raise NotImplementedError

    def noise(self) -> Tensor:
        """p_0, the probabilities (S,) of one token of noise."""
        raise NotImplementedError

    def log_likelihood(self, x: Tensor, t: Time) -> Tensor:
        """log K_t[a, x] for each symbol a, up to a number without a: states (n, L) -> (n, L, V)."""
        raise NotImplementedError

    def kernel(self, t: float) -> Tensor:
        """K_t[a, y] = t [y = a] + (1 - t) p_0(y): the law of a token at t if it is a in the data, (V, S)."""
        return t * self._symbols() + (1 - t) * self.noise()

    def kernel_derivative(self) -> Tensor:
        """dK/dt[a, y] = [y = a] - p_0(y), of shape (V, S)."""
        return self._symbols() - self.noise()

    def sample(self, x1: Tensor, t: Tensor, generator: Generator | None = None) -> Tensor:
        """x_t for data x1 (n, L) and times t (n, 1): keep each token with probability t, else draw noise."""
        device = _random.device_of(generator, x1)
        is_kept = torch.rand(x1.shape, generator=generator, device=device).to(x1.device) < t
        x0 = torch.multinomial(self.noise().to(device), x1.numel(), True, generator=generator)
        return torch.where(is_kept, x1, x0.to(x1.device).reshape(x1.shape))

    def _symbols(self) -> Tensor:
        """[y = a], of shape (V, S)."""
        return torch.eye(self.n_symbols, self.n_states, dtype=torch.float64)


class MaskPath(TokenPath):
    """Noise is a mask, the state V: a token is masked until it shows its symbol, and then keeps it."""

    @property
    def n_states(self) -> int:
        """S = V + 1."""
        return self.n_symbols + 1

    def noise(self) -> Tensor:
        """All probability on the mask."""
        return one_hot(torch.tensor(self.n_symbols), self.n_states).double()

    def log_likelihood(self, x: Tensor, t: Time) -> Tensor:
        """0 for every symbol of a masked token; for a shown one 0 for its symbol, and -inf for others."""
        is_excluded = (x.unsqueeze(-1) != torch.arange(self.n_symbols)) & (x.unsqueeze(-1) < self.n_symbols)
        return torch.zeros(is_excluded.shape).masked_fill(is_excluded, -torch.inf)


class UniformPath(TokenPath):
    """Noise is a random symbol, all V of them equally likely."""

    @property
    def n_states(self) -> int:
        """S = V."""
        return self.n_symbols

    def noise(self) -> Tensor:
        """1 / V each."""
        return torch.full((self.n_symbols,), 1 / self.n_symbols, dtype=torch.float64)

    def log_likelihood(self, x: Tensor, t: Time) -> Tensor:
        """log(1 + t V / (1 - t)) for the token's own symbol, 0 for others."""
        t = torch.as_tensor(t, dtype=torch.get_default_dtype())
        bonus = torch.log1p(t * self.n_symbols / (1 - t))
        return bonus.unsqueeze(-1) * one_hot(x, self.n_symbols)


def check_path(path: TokenPath) -> None:
    """Raise unless `path` is one of these paths."""
    if not isinstance(path, TokenPath):
        raise TypeError(f"path must be a MaskPath or a UniformPath, got {type(path).__name__}: {path!r}")


def check_states(x: Tensor, name: str, n_states: int) -> None:
    """Raise unless x holds tokens (n, L), whole numbers from 0 to n_states - 1."""
    if not isinstance(x, Tensor) or x.dtype != torch.long:
        kind = f"{x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"{name} must be a torch.Tensor (n, L) of dtype torch.int64, got {kind}")
    if x.ndim != 2 or x.numel() == 0:
        raise ValueError(f"{name} must have the shape (n, L) with n, L >= 1, got {tuple(x.shape)}")
    if bool((x < 0).any()) or bool((x >= n_states).any()):
        low, high = int(x.min()), int(x.max())
        raise ValueError(f"{name} must hold tokens from 0 to {n_states - 1}, got {low} to {high}")


def all_states(path: TokenPath, length: int) -> Tensor:
    """Every state of `length` tokens, (S**L, L), in the order of a table's elements."""
    check_path(path)
    axes = [torch.arange(path.n_states)] * _validate.positive_int(length, "length")
    return torch.cartesian_prod(*axes).reshape(-1, length)
