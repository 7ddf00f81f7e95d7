"""Diffusion samplers beside the flow's ODE: DDIM, ancestral DDPM, Heun in EDM's way, and SDEs.

All take a velocity (x, t) on an affine path, in our time (0 noise, 1 data), and step from t = a to b > a;
`conventions.converted` makes a velocity of any other prediction. Each has the signature step(velocity, x, a,
b, path, **options), so that `sample` runs them all. The probability-flow ODE is `solvers.integrate_flow`.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial.paths import noise_and_data, velocity_to_score


def start(path, x0: Tensor) -> Tensor:
    """sigma(0) x0, where samplers start; it lacks the data's part of the path, alpha(0) x1."""
    return path.sigma(0.0) * x0


def ddim_step(velocity, x, a, b, path, *, eta: float = 0.0, generator: Generator | None = None) -> Tensor:
    """alpha_b data + sigma_b (sqrt(1 - c^2) noise + c z): predict both ends, mix them anew for time b.

    c = eta sqrt(1 - k^2), k = (sigma_b / alpha_b) / (sigma_a / alpha_a). eta = 0 is deterministic, eta = 1
    is `ddpm_step` (Song, Meng & Ermon 2021).
    """
    noise, data = noise_and_data(velocity(x, a), x, a, path)
    if eta == 0:
        return path.alpha(b) * data + path.sigma(b) * noise
    c = eta * torch.sqrt(1 - _ratio(path, a, b) ** 2)
    z = _random.normal_like(x, generator)
    return path.alpha(b) * data + path.sigma(b) * (torch.sqrt(1 - c**2) * noise + c * z)


def ddpm_step(velocity, x, a, b, path, *, generator: Generator | None = None) -> Tensor:
    """A sample of p(x_b | x_a = x, x1 = data), the ancestral step (Ho et al. 2020).

    Mean alpha_b data + k^2 (alpha_b / alpha_a) (x - alpha_a data), variance sigma_b^2 (1 - k^2), with k as in
    `ddim_step`; (x - alpha_a data) / sigma_a is the predicted noise.
    """
    noise, data = noise_and_data(velocity(x, a), x, a, path)
    k = _ratio(path, a, b)
    mean = path.alpha(b) * data + k * path.sigma(b) * noise
    return mean + path.sigma(b) * torch.sqrt(1 - k**2) * _random.normal_like(x, generator)


def heun_step(velocity, x, a, b, path) -> Tensor:
    """EDM's step: Heun's rule for dy/dr = noise(y, r), y = x / alpha, r = sigma / alpha (Karras et al. 2022).

    Two evaluations, of order 2 in the steps of r; a step to sigma(b) = 0, where there is no noise to predict,
    is Euler's. The path must have alpha(a) > 0.
    """
    dr = path.noise_ratio(b) - path.noise_ratio(a)
    noise, _ = noise_and_data(velocity(x, a), x, a, path)
    guess = path.alpha(b) * (x / path.alpha(a) + dr * noise)
    if bool(torch.as_tensor(path.sigma(b)) == 0):
        return guess
    second, _ = noise_and_data(velocity(guess, b), guess, b, path)
    return path.alpha(b) * (x / path.alpha(a) + dr * (noise + second) / 2)


def variance_rate(path, t):
    """w(t) = -sigma sigma', half the rate at which the path loses the noise's variance; never infinite."""
    return -path.sigma_sigma_dot(t)


def reverse_diffusion_rate(path, t):
    """w(t) = (alpha'/alpha) sigma^2 - sigma sigma': with it `sde_step` is the diffusion's reverse SDE."""
    return path.alpha_dot(t) / path.alpha(t) * path.sigma(t) ** 2 - path.sigma_sigma_dot(t)


def sde_step(
    velocity, x, a, b, path, *, noise_level=1.0, rate=variance_rate, generator: Generator | None = None
) -> Tensor:
    """x + h (u + w score) + sqrt(2 w h) z: Euler and Maruyama for dx = (u + w score) dt + sqrt(2 w) dW.

    h = b - a, w = noise_level * rate(path, a). Every w >= 0 has the marginals p_t of the path, and w = 0 is
    Euler's step of the ODE (Song et al. 2021; Albergo, Boffi & Vanden-Eijnden 2023).
    """
    u, h = velocity(x, a), b - a
    if noise_level == 0:
        return x + h * u
    w = noise_level * rate(path, a)
    drift = u + w * velocity_to_score(u, x, a, path)
    return x + h * drift + torch.sqrt(2 * w * h) * _random.normal_like(x, generator)


def sample(
    step: Callable, velocity: Callable, x: Tensor, path, n_steps: int = 100, *, times=None, **options
) -> tuple[Tensor, Tensor]:
    """Take steps from x (n, d), at `times` or in n_steps equal ones from t = 0 to 1; without gradients.

    Returns a trajectory (n_steps + 1, n, d) and its times, like `integrate_flow`. `options` go to the step.
    """
    x, n_steps = _validate.points(x, "x"), _validate.positive_int(n_steps, "n_steps")
    if times is None:
        times = torch.linspace(0, 1, n_steps + 1, dtype=x.dtype, device=x.device)
    if times.ndim != 1 or len(times) < 2 or not bool((times.diff() > 0).all()):
        raise ValueError(f"times must be at least two rising numbers, got {times.tolist()}")
    for t in (times[0], times[-1]):
        _validate.real(float(t), "times", low=0.0, high=1.0)
    if step is heun_step and not float(torch.as_tensor(path.alpha(times[0]))) > 0:
        raise ValueError(f"times must start where alpha > 0 for heun_step, got {float(times[0])} on {path}")
    states = [x]
    with torch.no_grad():
        for a, b in pairwise(times):
            states.append(step(velocity, states[-1], a, b, path, **options))
    return torch.stack(states), times


def karras_times(path, n_steps: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> Tensor:
    """n_steps + 1 times: sigma / alpha falls from `high` to `low` in equal steps of its 1/rho-th power.

    EDM's spacing (Karras et al. 2022), for any path that reaches these ratios.
    """
    n_steps = _validate.positive_int(n_steps, "n_steps")
    ends = [
        _validate.real(v, n, low=0.0, open_low=True) ** (1 / rho) for v, n in ((high, "high"), (low, "low"))
    ]
    return path.time_of(torch.linspace(*ends, n_steps + 1, dtype=torch.float64) ** rho)


def annealed_langevin(
    score: Callable,
    x: Tensor,
    path,
    times: Tensor,
    n_steps: int,
    h: float,
    generator: Generator | None = None,
) -> Tensor:
    """At each of `times` n_steps Langevin steps with the score (x, t) there; returns the end points (n, d).

    The step is h sigma(t)^2 (Song & Ermon 2019), stable below 2 (s^2 + sigma^2) on data of std s; with a
    small h the low levels mix slowly, and too much of the noise of the higher ones stays.
    """
    x, n_steps = _validate.points(x, "x"), _validate.positive_int(n_steps, "n_steps")
    h = _validate.real(h, "h", low=0.0, open_low=True)
    with torch.no_grad():
        for t in times:
            step = h * torch.as_tensor(path.sigma(t)) ** 2
            for _ in range(n_steps):
                x = x + step * score(x, t) + torch.sqrt(2 * step) * _random.normal_like(x, generator)
    return x


def _ratio(path, a, b) -> Tensor:
    """k = (sigma_b / alpha_b) / (sigma_a / alpha_a), 0 where alpha_a = 0."""
    return torch.as_tensor(path.alpha(a) * path.sigma(b) / (path.alpha(b) * path.sigma(a)))
