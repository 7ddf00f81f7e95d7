"""Diffusion samplers beside the flow's ODE: DDIM, ancestral DDPM, Heun in EDM's way, and SDEs.

All take a velocity (x, t) on an affine path, in our time (0 noise, 1 data), and step from t = a to b > a;
`fmtutorial.paths` makes a velocity of any other prediction. Each has the signature step(velocity, x, a, b,
path, **options), so that `run_sampler` runs them all. The probability-flow ODE is `integrate_flow`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor

from fmtutorial import _random, _validate
from fmtutorial._callables import as_velocity
from fmtutorial._devices import has_double
from fmtutorial._types import Time, Velocity
from fmtutorial.paths import AffineGaussianPath, noise_and_data, velocity_to_score


def starting_noise(path: AffineGaussianPath, x0: Tensor) -> Tensor:
    """sigma(0) x0, where samplers start; it lacks the data's part of the path, alpha(0) x1."""
    return path.sigma(0.0) * x0


def ddim_step(
    velocity: Velocity,
    x: Tensor,
    a: Time,
    b: Time,
    path: AffineGaussianPath,
    *,
    eta: float = 0.0,
    generator: Generator | None = None,
) -> Tensor:
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


def ddpm_step(
    velocity: Velocity,
    x: Tensor,
    a: Time,
    b: Time,
    path: AffineGaussianPath,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """A sample of p(x_b | x_a = x, x1 = data), the ancestral step (Ho et al. 2020).

    Mean alpha_b data + k^2 (alpha_b / alpha_a) (x - alpha_a data), variance sigma_b^2 (1 - k^2), with k as in
    `ddim_step`; (x - alpha_a data) / sigma_a is the predicted noise.
    """
    noise, data = noise_and_data(velocity(x, a), x, a, path)
    k = _ratio(path, a, b)
    mean = path.alpha(b) * data + k * path.sigma(b) * noise
    return mean + path.sigma(b) * torch.sqrt(1 - k**2) * _random.normal_like(x, generator)


def heun_step(velocity: Velocity, x: Tensor, a: Time, b: Time, path: AffineGaussianPath) -> Tensor:
    """EDM's step: Heun's rule for dy/dr = noise(y, r), y = x / alpha, r = sigma / alpha (Karras et al. 2022).

    Two evaluations, of order 2 in the steps of r; a step to sigma(b) = 0, where there is no noise to predict,
    is Euler's. The path must have alpha(a) > 0.
    """
    # Euler's step from a to b
    dr = path.noise_ratio(b) - path.noise_ratio(a)
    noise, _ = noise_and_data(velocity(x, a), x, a, path)
    guess = path.alpha(b) * (x / path.alpha(a) + dr * noise)
    if bool(torch.as_tensor(path.sigma(b)) == 0):
        return guess

    # again, with the mean of the noise at both ends
    second, _ = noise_and_data(velocity(guess, b), guess, b, path)
    return path.alpha(b) * (x / path.alpha(a) + dr * (noise + second) / 2)


def variance_rate(path: AffineGaussianPath, t: Time) -> Time:
    """w(t) = -sigma sigma', half the rate at which the path loses the noise's variance; never infinite."""
    return -path.sigma_sigma_dot(t)


def reverse_diffusion_rate(path: AffineGaussianPath, t: Time) -> Time:
    """w(t) = (alpha'/alpha) sigma^2 - sigma sigma': with it `sde_step` is the diffusion's reverse SDE."""
    return path.alpha_dot(t) / path.alpha(t) * path.sigma(t) ** 2 - path.sigma_sigma_dot(t)


def sde_step(
    velocity: Velocity,
    x: Tensor,
    a: Time,
    b: Time,
    path: AffineGaussianPath,
    *,
    noise_level: float = 1.0,
    rate: Callable[[AffineGaussianPath, Time], Time] = variance_rate,
    generator: Generator | None = None,
) -> Tensor:
    """x + h (u + w score) + sqrt(2 w h) z: Euler and Maruyama for dx = (u + w score) dt + sqrt(2 w) dW.

    h = b - a, w = noise_level * rate(path, a). Every w >= 0 has the marginals p_t of the path, and w = 0 is
    Euler's step of the ODE (Song et al. 2021; Albergo, Boffi & Vanden-Eijnden 2023).
    """
    u = velocity(x, a)
    h = b - a
    if noise_level == 0:
        return x + h * u
    w = noise_level * rate(path, a)
    drift = u + w * velocity_to_score(u, x, a, path)
    return x + h * drift + torch.sqrt(2 * w * h) * _random.normal_like(x, generator)


def run_sampler(
    step: Callable,
    velocity: Velocity,
    x: Tensor,
    path: AffineGaussianPath,
    n_steps: int = 100,
    *,
    times: Tensor | Sequence[float] | None = None,
    **options,
) -> tuple[Tensor, Tensor]:
    """Take steps from x (n, d), at `times` or in n_steps equal ones from t = 0 to 1; without gradients.

    Returns a trajectory (n_steps + 1, n, d) and its times, like `integrate_flow`. `options` go to the step.
    """
    # when to step
    x = _validate.points(x, "x")
    n_steps = _validate.positive_int(n_steps, "n_steps")
    if times is None:
        times = torch.linspace(0, 1, n_steps + 1, dtype=x.dtype, device=x.device)
    times = _checked_times(times, x)
    velocity = as_velocity(velocity, "velocity")
    if step is heun_step and not float(torch.as_tensor(path.alpha(times[0]))) > 0:
        raise ValueError(f"times must start where alpha > 0 for heun_step, got {float(times[0])} on {path}")

    # the steps
    states = [x]
    with torch.no_grad():
        for a, b in pairwise(times):
            state = step(velocity, states[-1], a, b, path, **options)
            if len(states) == 1:
                _validate.returned(state, "step(velocity, x, a, b, path)", x)
            states.append(state)
    trajectory = torch.stack(states)
    _check_end(trajectory, times)
    return trajectory, times


def karras_times(
    path: AffineGaussianPath, n_steps: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0
) -> Tensor:
    """n_steps + 1 times: sigma / alpha falls from `high` to `low` in equal steps of its 1/rho-th power.

    EDM's spacing (Karras et al. 2022), for any path that reaches these ratios.
    """
    n_steps = _validate.positive_int(n_steps, "n_steps")
    high = _validate.real(high, "high", low=0.0, open_low=True)
    low = _validate.real(low, "low", low=0.0, open_low=True)
    roots = torch.linspace(high ** (1 / rho), low ** (1 / rho), n_steps + 1, dtype=torch.float64)
    return path.time_of(roots**rho)


def _check_end(trajectory: Tensor, times: Tensor) -> None:
    """Raise FloatingPointError if a sampler has left the numbers, with the time."""
    first = _validate.first_non_finite_time(trajectory, times)
    if first is None:
        return
    raise FloatingPointError(
        f"the sampler is NaN or infinite at t = {first:.4g}: look at the velocity just before, and take more "
        "or other times"
    )


def _checked_times(times: Tensor | Sequence[float], x: Tensor) -> Tensor:
    """`times` as a tensor, if they are at least two rising numbers in [0, 1]."""
    try:
        times = torch.as_tensor(times)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"times must be rising numbers, got {type(times).__name__}: {times!r}") from error
    if not times.is_floating_point() or not has_double(x.device):
        times = times.to(x.dtype)
    times = times.to(x.device)
    if times.ndim != 1 or len(times) < 2 or not bool((times.diff() > 0).all()):
        raise ValueError(f"times must be at least two rising numbers, got {times.tolist()}")
    _validate.real(float(times[0]), "times", low=0.0, high=1.0)
    _validate.real(float(times[-1]), "times", low=0.0, high=1.0)
    return times


def _ratio(path: AffineGaussianPath, a: Time, b: Time) -> Tensor:
    """k = (sigma_b / alpha_b) / (sigma_a / alpha_a), 0 where alpha_a = 0."""
    return torch.as_tensor(path.alpha(a) * path.sigma(b) / (path.alpha(b) * path.sigma(a)))
