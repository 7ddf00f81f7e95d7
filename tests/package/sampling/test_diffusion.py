"""Samplers: closed forms for one Gaussian, identities between them, orders, and marginals that stay."""

import math

import numpy as np
import pytest
import torch
from helpers import normal, seeded

from fmtutorial import (
    CosinePath,
    GaussianMixture,
    StraightPath,
    VarianceExplodingPath,
    VariancePreservingPath,
    exact,
    integrate_flow,
    sampling,
    standard_mixture,
)
from fmtutorial.paths import noise_and_data
from fmtutorial.sampling import (
    ddim_step,
    ddpm_step,
    heun_step,
    karras_times,
    reverse_diffusion_rate,
    run_sampler,
    sde_step,
    variance_rate,
)

MIXTURE = standard_mixture()
PATHS = [
    StraightPath(0.0),
    StraightPath(0.1),
    CosinePath(),
    VariancePreservingPath(),
    VarianceExplodingPath(),
]
X0 = normal(200, 2)
M = torch.tensor([2.0, -1.0], dtype=torch.float64)
S = 0.5
GAUSSIAN = GaussianMixture([{"mean": M, "std": S}])
paths = pytest.mark.parametrize("path", PATHS, ids=repr)


def std(path, t) -> float:
    """The standard deviation of p_t for the Gaussian data."""
    return float((path.alpha(t) ** 2 * S**2 + path.sigma(t) ** 2) ** 0.5)


def the_flow(path, x, a, b):
    """The exact flow of the Gaussian from a to b: affine, it keeps (x - alpha m) / std."""
    return path.alpha(b) * M + std(path, b) * (x - path.alpha(a) * M) / std(path, a)


@paths
def test_ddim_is_exact_if_noise_and_data_do_not_change(path):
    # the exponential integrator: along dx/dt = alpha' x1 + sigma' x0 one step is as good as a thousand
    x0 = normal(50, 2, 1)
    x1 = normal(50, 2, 2)

    def v(x, t):
        return path.alpha_dot(t) * x1 + path.sigma_dot(t) * x0

    a, b = torch.tensor([0.1, 0.8], dtype=torch.float64)
    torch.testing.assert_close(
        ddim_step(v, path.sample(x0, x1, a), a, b, path), path.sample(x0, x1, b), rtol=1e-9, atol=1e-9
    )


@paths
def test_ddim_is_euler_in_the_noise_ratio(path):
    u = exact.velocity_field(MIXTURE, path)
    a, b = torch.tensor([0.3, 0.4], dtype=torch.float64)
    noise, _ = noise_and_data(u(X0, a), X0, a, path)
    y = X0 / path.alpha(a) + (path.noise_ratio(b) - path.noise_ratio(a)) * noise
    torch.testing.assert_close(ddim_step(u, X0, a, b, path), path.alpha(b) * y, rtol=1e-9, atol=1e-9)


def test_on_the_straight_path_ddim_is_eulers_step():
    path = StraightPath(0.1)
    u = exact.velocity_field(MIXTURE, path)
    end = run_sampler(ddim_step, u, X0, path, 7)[0]
    torch.testing.assert_close(end, integrate_flow(u, X0, n_steps=7, method="euler")[0])


def test_ddim_depends_on_the_noise_ratios_alone():
    # the same ratios on another path give the same points, up to the scale of x
    path = CosinePath()
    other = VariancePreservingPath()
    times = torch.linspace(0.1, 1.0, 9, dtype=torch.float64)
    matched = other.time_of(path.noise_ratio(times))
    on_path = run_sampler(ddim_step, exact.velocity_field(MIXTURE, path), X0, path, times=times)[0]
    on_other = run_sampler(ddim_step, exact.velocity_field(MIXTURE, other), X0, other, times=matched)[0]
    torch.testing.assert_close(on_path, on_other, rtol=1e-6, atol=1e-6)  # both have alpha^2 + sigma^2 = 1


@paths
@pytest.mark.parametrize("a, b", [(0.2, 0.5), (0.0, 0.3)])
def test_ddpm_is_ddim_with_all_of_its_noise(path, a, b):
    u = exact.velocity_field(MIXTURE, path)
    a = torch.tensor(a).double()
    b = torch.tensor(b).double()
    torch.testing.assert_close(
        ddpm_step(u, X0, a, b, path, generator=seeded()),
        ddim_step(u, X0, a, b, path, eta=1.0, generator=seeded()),
        rtol=1e-8,
        atol=1e-8,
    )


def test_ddpm_is_the_posterior_of_ho_et_al():
    # their q(x_{t-1} | x_t, x_0), eq. 6 and 7, with alpha_bar = alpha^2
    path = VariancePreservingPath()
    a, b = torch.tensor([0.3, 0.35], dtype=torch.float64)
    x1, x0 = normal(200, 2, 5), normal(200, 2, 6)
    x = path.sample(x0, x1, a)
    bar_a, bar_b = path.alpha(a) ** 2, path.alpha(b) ** 2
    beta = 1 - bar_a / bar_b
    mean = bar_b.sqrt() * beta / (1 - bar_a) * x1 + (1 - beta).sqrt() * (1 - bar_b) / (1 - bar_a) * x
    expected = mean + ((1 - bar_b) / (1 - bar_a) * beta).sqrt() * normal(200, 2, 7)

    def v(x, t):
        return path.velocity(x0, x1, t)

    torch.testing.assert_close(ddpm_step(v, x, a, b, path, generator=seeded(7)), expected)


@pytest.mark.parametrize("eta", [0.5, 1.0])
@paths
def test_one_stochastic_step_of_a_known_pair_lands_on_the_next_marginal(path, eta):
    # noise in, noise out: given x1, x_b must be N(alpha_b x1, sigma_b^2)
    n = 200_000
    x1 = torch.tensor([[1.5]], dtype=torch.float64)
    x0 = normal(n, 1)
    a, b = torch.tensor([0.3, 0.5], dtype=torch.float64)

    def v(x, t):
        return path.velocity(x0, x1.expand(n, 1), t)

    x_b = ddim_step(v, path.sample(x0, x1.expand(n, 1), a), a, b, path, eta=eta, generator=seeded(1))
    assert float((x_b.mean() - path.alpha(b) * 1.5).abs()) < 5 * float(path.sigma(b)) / math.sqrt(n)
    assert float(x_b.std()) == pytest.approx(float(path.sigma(b)), rel=0.01)


@pytest.mark.parametrize("path", PATHS[2:], ids=repr)
@pytest.mark.parametrize("step, order", [(ddim_step, 1), (heun_step, 2)])
def test_orders_of_the_deterministic_samplers(path, step, order):
    u = exact.velocity_field(GAUSSIAN, path)
    x = normal(50, 2)
    x = path.alpha(0.3) * M + std(path, 0.3) * x

    def error(n):
        times = torch.linspace(0.3, 0.9, n + 1, dtype=torch.float64)
        return float((run_sampler(step, u, x, path, times=times)[0][-1] - the_flow(path, x, 0.3, 0.9)).norm())

    assert math.log2(error(64) / error(128)) == pytest.approx(order, abs=0.2)


def test_the_last_step_to_no_noise_is_eulers():
    path = CosinePath()
    u = exact.velocity_field(MIXTURE, path)
    a, b = torch.tensor([0.9, 1.0], dtype=torch.float64)
    torch.testing.assert_close(heun_step(u, X0, a, b, path), ddim_step(u, X0, a, b, path))


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_without_noise_the_sde_is_eulers_ode(path):
    u = exact.velocity_field(MIXTURE, path)
    end = run_sampler(sde_step, u, X0, path, 9, noise_level=0.0)[0]
    torch.testing.assert_close(end, integrate_flow(u, X0, n_steps=9, method="euler")[0])


def variance_after(path, level, rate, n, start=0.0):
    """The sampler's variance for Gaussian data by its own recursion: each step is affine in x."""
    times = torch.linspace(start, 1, n + 1, dtype=torch.float64)
    variance = std(path, start) ** 2
    for a, h in zip(times, times.diff(), strict=False):
        c = std(path, a) ** 2
        w = level * float(rate(path, a)) if level else 0.0
        slope = (float(path.alpha(a) * path.alpha_dot(a)) * S**2 + float(path.sigma_sigma_dot(a)) - w) / c
        variance = float((1 + h * slope) ** 2 * variance + 2 * w * h)
    return variance


@pytest.mark.parametrize("level", [0.0, 0.5, 4.0])
def test_the_sde_has_the_variance_of_its_recursion_and_in_the_limit_of_the_data(level):
    path = StraightPath(0.0)
    n = 20_000
    u = exact.velocity_field(GAUSSIAN, path)
    end = run_sampler(sde_step, u, normal(n, 2), path, 20, noise_level=level, generator=seeded(3))[0][-1]
    expected = variance_after(path, level, variance_rate, 20)
    assert float(end.var(0).mean()) == pytest.approx(expected, rel=0.03)
    assert (end.mean(0) - M).abs().max() < 0.06
    gaps = [abs(variance_after(path, level, variance_rate, k) - S**2) for k in (100, 200)]
    assert gaps[1] < 0.01 and math.log2(gaps[0] / gaps[1]) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("rate", [variance_rate, reverse_diffusion_rate])
@pytest.mark.parametrize("path", [CosinePath(), VariancePreservingPath()], ids=repr)
def test_every_rate_keeps_the_marginals(path, rate):
    u = exact.velocity_field(MIXTURE, path)
    n = 4000
    x = path.sample(normal(n, 2, 1), MIXTURE.sample(n, seeded(2), stratified=True).double(), 0.1)
    times = torch.linspace(0.1, 0.8, 141, dtype=torch.float64)
    end = run_sampler(sde_step, u, x, path, times=times, rate=rate, generator=seeded(3))[0][-1]
    fresh = path.sample(normal(n, 2, 4), MIXTURE.sample(n, seeded(5), stratified=True).double(), 0.8)
    assert (end.mean(0) - fresh.mean(0)).abs().max() < 0.1
    assert (end.T.cov() - fresh.T.cov()).abs().max() < 0.15
    for moment in (3, 4):
        gap = (end.pow(moment).mean(0) - fresh.pow(moment).mean(0)).abs()
        assert (gap < 0.12 * fresh.abs().pow(moment).mean(0)).all()


def test_the_reverse_rate_is_half_of_g_squared_of_the_forward_process():
    # dx = -beta/2 x ds + sqrt(beta) dW: g^2 / 2 = beta / 2; and for alpha = 1 both rates are -sigma sigma'
    t = torch.linspace(0.05, 0.95, 10, dtype=torch.float64)
    vp = VariancePreservingPath()
    ve = VarianceExplodingPath()
    torch.testing.assert_close(reverse_diffusion_rate(vp, t), vp.beta(t) / 2)
    torch.testing.assert_close(reverse_diffusion_rate(ve, t), variance_rate(ve, t))


def test_the_drift_without_noise_and_without_its_half_is_too_much():
    # dx/dt = u + w score for VE: std goes like (s^2 + sigma^2)^1, not ^(1/2), and ends at s^2 / sigma_max
    path = VarianceExplodingPath(0.002, 10.0)
    u = exact.velocity_field(GAUSSIAN, path)
    s = exact.score_field(GAUSSIAN, path)
    end = integrate_flow(
        lambda x, t: u(x, t) + variance_rate(path, t) * s(x, t), 10 * X0, n_steps=400, method="rk4"
    )[0][-1]
    expected = 10.0 * (S**2 + 0.002**2) / (S**2 + 100)
    assert float(end.std(0).mean()) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("path", PATHS, ids=repr)
def test_karras_times_have_his_noise_ratios(path):
    low = max(0.01, 1.1 * float(path.noise_ratio(1.0)))
    times = karras_times(path, 10, low, 50.0)
    ratios = path.noise_ratio(times)
    torch.testing.assert_close((ratios ** (1 / 7)).diff(), (ratios ** (1 / 7)).diff()[:1].expand(10))
    assert float(ratios[0]) == pytest.approx(50.0) and float(ratios[-1]) == pytest.approx(low)
    assert (times.diff() > 0).all()


def test_sampling_starts_as_wide_as_the_path():
    torch.testing.assert_close(sampling.starting_noise(VarianceExplodingPath(), X0), 80.0 * X0)
    torch.testing.assert_close(sampling.starting_noise(StraightPath(0.1), X0), X0)


@pytest.mark.parametrize("step", [ddim_step, ddpm_step, sde_step])
@pytest.mark.parametrize("path", [StraightPath(0.0), VariancePreservingPath()], ids=repr)
def test_a_hundred_steps_give_the_data(path, step):
    u = exact.velocity_field(MIXTURE, path)
    n = 4000
    options = {} if step is ddim_step else {"generator": seeded(3)}
    end = run_sampler(step, u, normal(n, 2).float(), path, 100, **options)[0][-1]
    assert end.dtype == torch.float32
    assert (end.mean(0) - MIXTURE.mean).abs().max() < 0.2
    assert (end.T.cov() - MIXTURE.covariance).abs().max() < 0.4


def test_what_a_generator_decides():
    u = exact.velocity_field(MIXTURE, StraightPath(0.0))
    path = StraightPath(0.0)
    for step in (ddpm_step, sde_step):
        a, b, c = (run_sampler(step, u, X0, path, 3, generator=seeded(k))[0][-1] for k in (1, 1, 2))
        assert torch.equal(a, b) and not torch.equal(a, c)


@pytest.mark.parametrize("times", [[-0.5, 0.5, 1.0], [0.0, 0.5, 1.5], [0.5, 0.5], [0.5]])
def test_times_outside_of_the_path_or_not_rising_are_refused(times):
    for given in (times, torch.tensor(times), np.array(times)):
        with pytest.raises(ValueError, match="times"):
            run_sampler(ddim_step, lambda x, t: x, X0, StraightPath(0.0), times=given)
    with pytest.raises(TypeError, match="times must be rising numbers, got str"):
        run_sampler(ddim_step, lambda x, t: x, X0, StraightPath(0.0), times="early")


def test_times_may_be_a_list_an_array_or_a_tensor():
    u = exact.velocity_field(MIXTURE, StraightPath(0.0))
    times = [0.0, 0.5, 1.0]
    ends = [
        run_sampler(ddim_step, u, X0, StraightPath(0.0), times=given)[0][-1]
        for given in (times, np.array(times), torch.tensor(times, dtype=torch.float64))
    ]
    for end in ends:
        torch.testing.assert_close(end, ends[-1], check_dtype=False)


def test_times_may_end_at_both_ends_of_the_path():
    times = torch.tensor([0.0, 1.0])
    trajectory, returned = run_sampler(ddim_step, lambda x, t: 0 * x, X0, StraightPath(0.0), times=times)
    assert torch.equal(returned, times)
    assert trajectory.shape == (2, 200, 2)
