"""From noise to data in jumps: samplers, and the exact law of what they return.

Where all S**L states fit into memory, the law of a sampler's output is a table too, and comparing it with the
data has no sampling noise.
"""

from itertools import pairwise

import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from fmtutorial import _random, _validate
from fmtutorial._callables import check_callable, checked_at_first
from fmtutorial.variants.discrete import Posterior, check_probabilities, state_rows, unchecked_rates
from fmtutorial.variants.token_paths import MaskPath, TokenPath, all_states, check_path


def euler_probabilities(rates: Tensor, x: Tensor, h: float) -> Tensor:
    """[y = x^i] + h u^i(y, x) for each token, (n, L, S), from rates (n, L, S) and states x (n, L).

    Where h times the rate of leaving is more than 1, the token leaves for sure.
    """
    here = one_hot(x, rates.shape[-1]).to(rates)
    probabilities = (here + h * rates).clamp(min=0)
    return probabilities / probabilities.sum(-1, keepdim=True)


def sampler_law(
    posterior: Posterior, path: TokenPath, length: int, n_steps: int, noise_level: float = 0.0
) -> Tensor:
    """The law of `sample_tokens` as a table (V,) * L: n_steps Euler steps of all tokens at once.

    law'(y) = sum_x law(x) prod_i k^i(y^i | x), with the Euler probabilities k^i.
    """
    n_steps = _check_sampler(path, n_steps, noise_level)
    posterior = _checked_once(posterior, path)
    x = all_states(path, length)
    start = path.noise()
    law = start
    for _ in range(length - 1):
        law = torch.outer(law, start).flatten()
    for t, h, eta in _steps(n_steps, noise_level):
        steps = _step_probabilities(posterior, path, x, t, h, eta)
        law = _push(law, steps)
    return _data_part(law, path, length)


def sample_tokens(
    posterior: Posterior,
    path: TokenPath,
    n: int,
    length: int,
    n_steps: int,
    noise_level: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
    """Draw n strings (n, L) in n_steps Euler steps of all tokens at once, from t = 0 to 1.

    The last step is without the noise of `noise_level`, so that no token ends as noise.
    """
    n_steps = _check_sampler(path, n_steps, noise_level)
    posterior = _checked_once(posterior, path)
    shape = _validate.positive_int(n, "n"), _validate.positive_int(length, "length")
    x = _draw(path.noise().expand(*shape, -1), generator)
    for t, h, eta in _steps(n_steps, noise_level):
        x = _draw(_step_probabilities(posterior, path, x, t, h, eta), generator)
    return x


def one_at_a_time_law(posterior: Posterior, path: MaskPath, length: int) -> Tensor:
    """The law of `unmask_one_at_a_time` as a table (V,) * L.

    For a posterior that does not depend on t it is what `sampler_law` tends to with more and more steps: in
    continuous time no two tokens are unmasked at once, and all orders are equally likely.
    """
    _check_mask_path(path)
    posterior = _checked_once(posterior, path)
    x = all_states(path, length)
    probabilities = posterior(x, 0.5)
    is_masked = x == path.n_symbols
    law = torch.zeros(len(x), dtype=torch.float64)
    law[-1] = 1.0  # all masked
    for _ in range(length):
        new = torch.zeros_like(law)
        for i in range(length):
            rows = ((law > 0) & is_masked[:, i]).nonzero().squeeze(1)
            share = law[rows] / is_masked[rows].sum(1)  # each masked token is equally likely to be next
            for a in range(path.n_symbols):
                target = x[rows].clone()
                target[:, i] = a
                new.index_add_(0, state_rows(target, path.n_states), share * probabilities[rows, i, a])
        law = new
    return _data_part(law, path, length)


def unmask_one_at_a_time(
    posterior: Posterior, path: MaskPath, n: int, length: int, generator: Generator | None = None
) -> Tensor:
    """Draw n strings (n, L) in L evaluations: one token after the other, each string in its own random order.

    The posterior is asked at the time at which a share t of the tokens is shown.
    """
    _check_mask_path(path)
    posterior = _checked_once(posterior, path)
    shape = _validate.positive_int(n, "n"), _validate.positive_int(length, "length")
    x = torch.full(shape, path.n_symbols)
    device = _random.device_of(generator, x)
    order = torch.rand(shape, generator=generator, device=device).to(x.device).argsort(1)
    rows = torch.arange(n)
    for k in range(length):
        probabilities = posterior(x, k / length)
        x[rows, order[:, k]] = _draw(probabilities[rows, order[:, k]], generator)
    return x


def _steps(n_steps: int, noise_level: float) -> list[tuple[float, float, float]]:
    """Time, length and noise of each of n_steps equal steps; the last has no noise."""
    times = torch.linspace(0, 1, n_steps + 1, dtype=torch.float64).tolist()
    steps = [(a, b - a, noise_level) for a, b in pairwise(times)]
    t, h, _ = steps[-1]
    return [*steps[:-1], (t, h, 0.0)]


def _step_probabilities(
    posterior: Posterior, path: TokenPath, x: Tensor, t: float, h: float, eta: float
) -> Tensor:
    """The probabilities (n, L, S) of one Euler step from the states x."""
    rates = unchecked_rates(posterior(x, t), x, path, t, eta)
    return euler_probabilities(rates, x, h)


def _push(law: Tensor, steps: Tensor) -> Tensor:
    """sum_x law(x) prod_i steps[x, i, y^i]: a law (n,) over all states after a step with (n, L, S)."""
    length = steps.shape[1]
    joint = law.unsqueeze(1)  # (n, states of the tokens so far)
    for i in range(length - 1):
        joint = (joint.unsqueeze(2) * steps[:, i].unsqueeze(1)).flatten(1)
    return (joint.T @ steps[:, -1]).flatten()


def _data_part(law: Tensor, path: TokenPath, length: int) -> Tensor:
    """The table (V,) * L of a law (S**L,) that has left the mask."""
    law = law.reshape((path.n_states,) * length)
    return law[(slice(path.n_symbols),) * length]


def _draw(probabilities: Tensor, generator: Generator | None) -> Tensor:
    """One state for each row of probabilities (..., S)."""
    device = _random.device_of(generator, probabilities)
    rows = probabilities.flatten(0, -2).to(device)
    drawn = torch.multinomial(rows, 1, generator=generator)
    return drawn.to(probabilities.device).reshape(probabilities.shape[:-1])


def _check_sampler(path: TokenPath, n_steps: int, noise_level: float) -> int:
    """Raise unless the arguments are those of a sampler; return the number of steps."""
    check_path(path)
    _validate.real(noise_level, "noise_level", 0.0)
    return _validate.positive_int(n_steps, "n_steps")


def _check_mask_path(path: MaskPath) -> None:
    """Raise unless the path has a mask, so that tokens can be unmasked one at a time."""
    if not isinstance(path, MaskPath):
        raise TypeError(f"path must be a MaskPath, whose tokens are unmasked once, got {path!r}")


def _checked_once(posterior: Posterior, path: TokenPath) -> Posterior:
    """The posterior as a function whose first answer is checked."""
    check_callable(posterior, "posterior", "x, t")

    def first_answer(x: Tensor, t: float) -> Tensor:
        """The posterior's answer, checked."""
        probabilities = posterior(x, t)
        check_probabilities(probabilities, "posterior(x, t)", x, path)
        return probabilities

    return checked_at_first(posterior, first_answer)
