"""Discrete flow matching with everything exact: marginal, posterior and rates where the data are a table.

The data are a table q of shape (V,) * L: q[a, b] is the probability of the string (a, b). A table over all
states has the shape (S,) * L; a list of all states has the order of its elements, the last token fastest.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from fmtutorial import _random, _validate
from fmtutorial.variants.token_paths import TokenPath, all_states, check_path, check_states

# The posterior p(x1^i = a | x_t = x): states x (n, L) and a time -> probabilities (n, L, V).
Posterior: TypeAlias = Callable[[Tensor, float], Tensor]


def token_marginal(table: Tensor, path: TokenPath, t: float) -> Tensor:
    """p_t, a table (S,) * L: every axis of q contracted with K_t."""
    q = checked_table(table, path)
    kernel = path.kernel(_validate.real(t, "t", 0.0, 1.0))
    return _contract(q, [kernel] * q.ndim)


def token_marginal_derivative(table: Tensor, path: TokenPath, t: float) -> Tensor:
    """dp_t/dt, a table (S,) * L, by the product rule: one axis after the other takes dK/dt."""
    q = checked_table(table, path)
    kernel = path.kernel(_validate.real(t, "t", 0.0, 1.0))
    total = 0
    for i in range(q.ndim):
        kernels = [kernel] * q.ndim
        kernels[i] = path.kernel_derivative()
        total = total + _contract(q, kernels)
    return total


def token_posterior(table: Tensor, path: TokenPath, t: float) -> Tensor:
    """p(x1^i = a | x_t = x) for every state x, token i and symbol a: (S**L, L, V).

    In states that the path never visits a shown token keeps its symbol, and a masked one may be anything.
    """
    return unchecked_posterior(checked_table(table, path), path, _validate.real(t, "t", 0.0, 1.0))


def unchecked_posterior(q: Tensor, path: TokenPath, t: float) -> Tensor:
    """`token_posterior` for a sampler's steps, which check nothing."""
    kernel = path.kernel(t)
    x = all_states(path, q.ndim)
    joint = []  # p(x1^i = a, x_t = x) for each token i
    for i in range(q.ndim):
        kernels = [kernel] * q.ndim
        kernels[i] = torch.einsum("ab,by->bya", torch.eye(len(kernel)).double(), kernel).flatten(1)
        joint.append(
            _contract(q, kernels).unflatten(i, (path.n_states, -1)).movedim(i + 1, -1).flatten(0, -2)
        )
    joint = torch.stack(joint, dim=1)
    # what to say where p_t(x) = 0
    is_symbol = x < path.n_symbols
    elsewhere = torch.full_like(joint, 1 / path.n_symbols)
    elsewhere[is_symbol] = one_hot(x[is_symbol], path.n_symbols).double()
    p_t = joint.sum(-1, keepdim=True)
    return torch.where(p_t > 0, joint / p_t, elsewhere)


def checkerboard_table(n_symbols: int = 32) -> Tensor:
    """Strings of two tokens on a board of 4 x 4 fields: none on the dark fields.

    q[a, b] is proportional to exp(-((a - 0.65 V)^2 + (b - 0.4 V)^2) / (2 (0.45 V)^2)) on the light fields.
    """
    n_symbols = _validate.positive_int(n_symbols, "n_symbols")
    place = torch.arange(n_symbols, dtype=torch.float64) / n_symbols
    field = (4 * place).long() % 2
    is_light = field[:, None] == field[None, :]
    squares = (place[:, None] - 0.65) ** 2 + (place[None, :] - 0.4) ** 2
    q = is_light * torch.exp(-squares / (2 * 0.45**2))
    return q / q.sum()


def draw_strings(table: Tensor, n: int, generator: Generator | None = None) -> Tensor:
    """Draw n strings x1 (n, L) from the table q."""
    if not isinstance(table, Tensor) or table.ndim == 0:
        raise TypeError(f"table must be a torch.Tensor of shape (V,) * L, got {table!r}")
    n = _validate.positive_int(n, "n")
    device = _random.device_of(generator, table)
    drawn = torch.multinomial(table.flatten().to(device), n, True, generator=generator)
    return torch.stack(torch.unravel_index(drawn.to(table.device), table.shape), dim=1)


def posterior_field(table: Tensor, path: TokenPath) -> Posterior:
    """The exact posterior as a function of states x (n, L) and a time: (n, L, V)."""
    q = checked_table(table, path)

    def posterior(x: Tensor, t: float) -> Tensor:
        """The rows of `token_posterior` for the states x."""
        return unchecked_posterior(q, path, _validate.real(float(t), "t", 0.0, 1.0))[
            state_rows(x, path.n_states)
        ]

    return posterior


def jump_rates(posterior: Tensor, x: Tensor, path: TokenPath, t: float, noise_level: float = 0.0) -> Tensor:
    """The rates u^i(y, x) of token i from its state x^i to y, (n, L, S), for a posterior (n, L, V).

    (p(x1^i = y | x) - [y = x^i]) / (1 - t), the rates of Gat et al. 2024. A `noise_level` eta adds rates that
    leave p_t as it is (detailed balance, Campbell et al. 2024): unmasking eta t / (1 - t) faster, and back to
    fresh noise at the rate eta, for what came from the data.
    """
    check_path(path)
    check_states(x, "x", path.n_states)
    check_probabilities(posterior, "posterior", x, path)
    t = _validate.real(t, "t", 0.0, 1.0, open_high=True)
    eta = _validate.real(noise_level, "noise_level", 0.0)
    return unchecked_rates(posterior, x, path, t, eta)


def unchecked_rates(posterior: Tensor, x: Tensor, path: TokenPath, t: float, eta: float) -> Tensor:
    """`jump_rates` for a sampler's steps, which check nothing."""
    here = one_hot(x, path.n_states).double()
    arrival = torch.zeros_like(here)
    arrival[..., : path.n_symbols] = posterior
    forward = (1 + eta * t) * (arrival - here) / (1 - t)
    if eta == 0:
        return forward
    # the probability that the token shows its data, and no noise that happens to look like it
    noise = path.noise()
    own = arrival.gather(2, x.unsqueeze(-1))
    from_data = own * t / (t + (1 - t) * noise[x].unsqueeze(-1)).clamp(min=1e-300)
    return forward + eta * from_data * (noise - here)


def generator_matrix(rates: Tensor, x: Tensor, n_states: int) -> Tensor:
    """Q[x, y] (n, n) over all n = S**L states x, from the rates (n, L, S) of single tokens."""
    check_states(x, "x", _validate.positive_int(n_states, "n_states"))
    n = len(x)
    rows = torch.arange(n)
    Q = torch.zeros(n, n, dtype=rates.dtype)
    for i in range(x.shape[1]):
        for y in range(n_states):
            target = x.clone()
            target[:, i] = y
            Q[rows, state_rows(target, n_states)] += rates[:, i, y]
    return Q


def checked_table(table: Tensor, path: TokenPath) -> Tensor:
    """The table in double precision, if it holds probabilities of strings of the path's symbols."""
    check_path(path)
    if not isinstance(table, Tensor) or not table.is_floating_point():
        kind = f"{table.dtype}" if isinstance(table, Tensor) else type(table).__name__
        raise TypeError(f"table must be a torch.Tensor of a floating-point dtype, got {kind}")
    if table.ndim == 0 or set(table.shape) != {path.n_symbols}:
        raise ValueError(
            f"table must have {path.n_symbols} symbols along every axis, got the shape {tuple(table.shape)}"
        )
    total = float(table.double().sum())
    if not bool((table >= 0).all()) or abs(total - 1) > 1e-5:
        least = float(table.min())
        raise ValueError(f"table must hold probabilities with sum 1, got sum {total:g} and least {least:g}")
    return table.double() / total


def check_probabilities(posterior: Tensor, name: str, x: Tensor, path: TokenPath) -> None:
    """Raise unless `posterior` holds probabilities (n, L, V) for the states x (n, L)."""
    shape = (*x.shape, path.n_symbols)
    if not isinstance(posterior, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of shape {shape}, got {type(posterior).__name__}")
    if posterior.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {tuple(posterior.shape)}")
    sums = posterior.sum(-1)
    if not bool((posterior >= 0).all()) or float((sums - 1).abs().max()) > 1e-4:
        least, low, high = float(posterior.min()), float(sums.min()), float(sums.max())
        raise ValueError(
            f"{name} must hold probabilities with sum 1 for each token, got sums from {low:g} to {high:g} "
            f"and the least {least:g} (logits need a softmax)"
        )


def _contract(table: Tensor, kernels: list[Tensor]) -> Tensor:
    """Axis i of the table contracted with the first axis of kernel i."""
    for i, kernel in enumerate(kernels):
        table = torch.tensordot(table, kernel, dims=([i], [0])).movedim(-1, i)
    return table


def state_rows(x: Tensor, n_states: int) -> Tensor:
    """Where the states x (n, L) stand in the list of all states."""
    powers = n_states ** torch.arange(x.shape[1] - 1, -1, -1)
    return (x * powers).sum(1)
