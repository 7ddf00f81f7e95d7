"""Log densities of flows against closed forms; divergences against Jacobians; Hutchinson's estimator."""

import math

import pytest
import torch
from helpers import mixtures, normal, random_mixture, seeded
from hypothesis import given, settings
from hypothesis import strategies as st

from fmtutorial import GaussianMixture, StraightPath, VelocityNet, exact, standard_mixture
from fmtutorial.metrics import bits_per_dimension, divergence, hutchinson_divergence, kl_to_model, log_prob
from fmtutorial.plotting import grid
from fmtutorial.sampling import FIXED_STEP, CountEvaluations

MIXTURE = standard_mixture()
PATH = StraightPath(1e-4)
U = exact.velocity_field(MIXTURE, PATH)


def linear_field(a, b):
    """dx/dt = A x + b."""
    return lambda x, t: x @ a.T + b


def linear_log_prob(a, b, x):
    """The density at t = 1 of N(0, I) under dx/dt = A x + b: a Gaussian, from one matrix exponential."""
    d = len(a)
    block = torch.zeros(d + 1, d + 1, dtype=a.dtype)
    block[:d, :d], block[:d, d] = a, b
    power = torch.linalg.matrix_exp(block)
    mean, root = power[:d, d], power[:d, :d]
    return torch.distributions.MultivariateNormal(mean, root @ root.T).log_prob(x)


def wavy(x, t):
    """A velocity that mixes its coordinates and depends on t."""
    return torch.sin(x + 2 * t) * x.roll(1, -1) + (1 - t) * x**2 / 3


def jacobian(field, x, t):
    """dv_i/dx_j of one point at a time, by torch's own function."""
    rows = [torch.autograd.functional.jacobian(lambda y: field(y[None], t)[0], point) for point in x]
    return torch.stack(rows)


@pytest.mark.parametrize("sigma_min", [0.0, 1e-4, 0.1, 0.5])
def test_the_exact_velocity_has_the_mixtures_own_density(sigma_min):
    path = StraightPath(sigma_min)
    x = MIXTURE.sample(500, seeded(), dtype=torch.float64)
    error = log_prob(exact.velocity_field(MIXTURE, path), x) - MIXTURE.smoothed(sigma_min).log_prob(x)
    assert error.square().mean().sqrt() < 1e-6


@settings(max_examples=8)
@given(mixtures)
def test_so_has_that_of_any_mixture_in_any_dimension(mixture):
    x = mixture.sample(20, seeded(), dtype=torch.float64)
    actual = log_prob(exact.velocity_field(mixture, StraightPath(0.1)), x)
    torch.testing.assert_close(actual, mixture.smoothed(0.1).log_prob(x), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("dim", [1, 2, 5])
@pytest.mark.parametrize("method, n_steps, tolerance", [("rk4", 50, 1e-6), ("dopri5", 1, 1e-6)])
def test_a_linear_flow_makes_the_gaussian_of_its_matrix_exponential(dim, method, n_steps, tolerance):
    a = normal(dim, dim, 1) / math.sqrt(dim)
    b = normal(1, dim, 2)[0]
    x = normal(30, dim, 3)
    actual = log_prob(linear_field(a, b), x, n_steps, method, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(actual, linear_log_prob(a, b, x), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("method, order", [("euler", 1), ("midpoint", 2), ("rk4", 4)])
def test_the_error_falls_with_the_solvers_order(method, order):
    a = normal(2, 2, 1)
    b = normal(1, 2, 2)[0]
    x = normal(30, 2, 3)

    def error(n):
        return float((log_prob(linear_field(a, b), x, n, method) - linear_log_prob(a, b, x)).norm())

    assert math.log2(error(32) / error(64)) == pytest.approx(order, abs=0.2)


def test_what_moves_without_stretching_changes_no_density():
    turn = torch.tensor([[0.0, -3.0], [3.0, 0.0]], dtype=torch.float64)
    x = normal(20, 2)
    expected = -0.5 * x.square().sum(1) - math.log(2 * math.pi)
    torch.testing.assert_close(log_prob(linear_field(turn, 0.0), x, 200), expected)


def test_any_flow_has_a_total_mass_of_one():
    torch.manual_seed(0)
    net = VelocityNet(hidden_dim=32, time_dim=5).double()
    n = 100
    for parameter in net.parameters():
        parameter.data *= 1.6  # far from the identity
    points = grid((-8, 8, -8, 8), n)[2].double()
    mass = log_prob(net, points, 16).exp().sum() * (16 / (n - 1)) ** 2
    assert float(mass) == pytest.approx(1, abs=2e-3)


def test_the_gradient_in_x_is_the_score():
    x = MIXTURE.sample(20, seeded(), dtype=torch.float64).requires_grad_()
    (gradient,) = torch.autograd.grad(log_prob(U, x, differentiable=True).sum(), x)
    torch.testing.assert_close(gradient, MIXTURE.smoothed(1e-4).score(x.detach()), rtol=1e-4, atol=1e-4)


def test_the_gradient_in_a_parameter_is_that_of_the_closed_form():
    x = normal(40, 2)
    scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    actual = log_prob(lambda x, t: scale * x, x, differentiable=True).mean()
    closed = -0.5 * (x * (-scale).exp()).square().sum(1).mean() - 2 * scale - math.log(2 * math.pi)
    torch.testing.assert_close(actual, closed)
    for a, b in zip(torch.autograd.grad(actual, scale), torch.autograd.grad(closed, scale), strict=True):
        torch.testing.assert_close(a, b)


def test_no_gradient_is_kept_unless_asked_for():
    net = VelocityNet(hidden_dim=8)
    x = normal(5, 2).float().requires_grad_()
    with torch.no_grad():
        assert not log_prob(net, x, 2).requires_grad
        assert not torch.is_grad_enabled()
    assert not divergence(net, x, 0.5).requires_grad and x.grad is None
    assert all(p.grad is None for p in net.parameters())
    assert log_prob(net, x, 2, differentiable=True).requires_grad


def test_conditional_models_work_through_a_lambda():
    shifts, y = torch.tensor([[3.0, 0.0], [0.0, -2.0]], dtype=torch.float64), torch.tensor([0, 1, 1, 0])

    def conditional(x, t, y):
        return shifts[y] + 0.5 * x

    x = normal(4, 2)
    actual = log_prob(lambda x, t: conditional(x, t, y), x)
    eye = torch.eye(2, dtype=torch.float64)
    for i in range(4):
        expected = linear_log_prob(0.5 * eye, shifts[y[i]], x[i : i + 1])
        torch.testing.assert_close(actual[i : i + 1], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 4])
@pytest.mark.parametrize("t", [0.3, torch.tensor(0.3), torch.full((7,), 0.3), torch.full((7, 1), 0.3)])
def test_the_divergence_is_the_trace_of_the_jacobian(dim, t):
    x = normal(7, dim)
    trace = jacobian(wavy, x, 0.3).diagonal(dim1=1, dim2=2).sum(1)
    actual = divergence(wavy, x, t.double() if isinstance(t, torch.Tensor) else t)
    torch.testing.assert_close(actual, trace)


def spread(probe, dim=3, n=40_000):
    """Estimates at one point: their mean, their variance, the trace, and S = (J + J^T) / 2."""
    point = normal(1, dim, 5)
    j = jacobian(wavy, point, 0.4)[0]
    values = hutchinson_divergence(wavy, point.expand(n, dim), 0.4, 1, probe, seeded())
    return values, j.diagonal().sum(), (j + j.T) / 2


@pytest.mark.parametrize("probe", ["rademacher", "gaussian"])
def test_hutchinson_is_unbiased_with_the_variance_that_the_formula_says(probe):
    values, trace, s = spread(probe)
    variance = 2 * s.square().sum() - (2 * s.diagonal().square().sum() if probe == "rademacher" else 0)
    assert abs(values.mean() - trace) < 5 * (variance / len(values)).sqrt()
    assert float(values.var() / variance) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("probe", ["rademacher", "gaussian"])
def test_m_probes_divide_the_variance_by_m(probe):
    point = normal(1, 3, 5).expand(20_000, 3)
    one, eight = (hutchinson_divergence(wavy, point, 0.4, m, probe, seeded()).var() for m in (1, 8))
    assert float(one / eight) == pytest.approx(8, rel=0.1)


def test_random_signs_are_exact_where_the_jacobian_is_diagonal():
    x = normal(50, 3)
    actual = hutchinson_divergence(lambda x, t: x**2 + t, x, 0.5, generator=seeded())
    torch.testing.assert_close(actual, 2 * x.sum(1))
    assert (hutchinson_divergence(lambda x, t: x**2, x, 0.5, probe="gaussian") - 2 * x.sum(1)).abs().max() > 1


def test_a_held_probe_errs_as_one_draw_and_a_fresh_one_averages():
    x = MIXTURE.sample(1500, seeded(), dtype=torch.float64)
    truth = MIXTURE.log_prob(x)

    def error(**options):
        actual = log_prob(U, x, 30, divergence="hutchinson", generator=seeded(1), **options)
        return float((actual - truth).square().mean().sqrt())

    held, many, fresh = error(), error(n_probes=16), error(fresh=True)
    assert 0.6 < held < 1.0 and held / many == pytest.approx(4, rel=0.15)
    assert fresh < held / 4


def test_held_probes_give_a_field_without_noise():
    x = MIXTURE.sample(50, seeded(), dtype=torch.float64)
    few, many = (
        log_prob(U, x, n, divergence="hutchinson", n_probes=2, generator=seeded(1)) for n in (40, 80)
    )
    torch.testing.assert_close(few, many, rtol=1e-5, atol=1e-5)  # the solver's error, not the probes'
    adaptive = log_prob(
        U, x, method="dopri5", divergence="hutchinson", n_probes=2, generator=seeded(1), atol=1e-8, rtol=1e-8
    )
    torch.testing.assert_close(adaptive, many, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("method", FIXED_STEP)
def test_one_evaluation_serves_the_velocity_and_the_divergence(method):
    x = normal(5, 2)
    plain = CountEvaluations(wavy)
    counted = CountEvaluations(wavy)
    from fmtutorial import integrate_flow

    integrate_flow(plain, x, (1.0, 0.0), 3, method)
    log_prob(counted, x, 3, method)
    assert counted.nfe == plain.nfe


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_shape_are_kept(dtype):
    x = normal(6, 3).to(dtype)
    for actual in (
        log_prob(wavy, x, 2),
        divergence(wavy, x, 0.5),
        hutchinson_divergence(wavy, x, 0.5, generator=seeded()),
        log_prob(wavy, x, 2, divergence="hutchinson", probe="gaussian"),
    ):
        assert actual.shape == (6,) and actual.dtype == dtype


def test_kl_of_two_gaussians():
    data = GaussianMixture([{"mean": [0.5, -0.3], "cov": [[1.2, 0.4], [0.4, 0.8]]}])
    a = torch.tensor([[0.3, 0.1], [-0.2, 0.2]], dtype=torch.float64)
    b = torch.tensor([0.2, 0.1], dtype=torch.float64)
    value, error = kl_to_model(data, lambda x, t: linear_field(a.to(x), b.to(x))(x, t), 20_000, seeded())
    block = torch.zeros(3, 3, dtype=torch.float64)
    block[:2, :2], block[:2, 2] = a, b
    power = torch.linalg.matrix_exp(block)
    model = torch.distributions.MultivariateNormal(power[:2, 2], power[:2, :2] @ power[:2, :2].T)
    truth = torch.distributions.MultivariateNormal(data.mean, data.covariance)
    assert abs(value - float(torch.distributions.kl_divergence(truth, model))) < 5 * error
    assert 0.001 < error < 0.01


@pytest.mark.parametrize("c", [-0.2, 0.3])
def test_a_stretched_velocity_gives_away_what_notebook_08_says(c):
    # the integral of E[(u - v)(score of p_t - score of q_t)] for v = u + c x in one dimension
    u = exact.velocity_field(GaussianMixture([{"mean": [0.0], "std": 0.5}]), StraightPath(0.0))
    data = GaussianMixture([{"mean": [0.0], "std": 0.5}])
    value, error = kl_to_model(data, lambda x, t: u(x, t) + c * x, 20_000, seeded(), n_steps=20)
    assert abs(value - (c - (1 - math.exp(-2 * c)) / 2)) < 5 * error
    assert error == pytest.approx(math.sqrt(2 * value / 20_000), rel=0.4)


def test_the_standard_error_of_the_kl_is_its_scatter():
    data = random_mixture(3, 2, 2)
    runs = [
        kl_to_model(data, lambda x, t: 0.4 * x, 400, seeded(s), n_steps=8, method="midpoint")
        for s in range(60)
    ]
    values, errors = torch.tensor(runs).T
    assert float(values.std() / errors.mean()) == pytest.approx(1, abs=0.3)


def test_the_kl_of_the_exact_velocity_is_zero():
    value, error = kl_to_model(MIXTURE, U, 2000, seeded())
    assert abs(value) < 1e-5 and error < 1e-5
    assert kl_to_model(MIXTURE, lambda x, t: 0 * x, 2000, seeded())[0] > 1


def test_bits_per_dimension_of_a_fair_choice():
    # uniform on 256 bins of a unit square's sides: the density is 1, and each dimension costs 8 bits
    assert float(bits_per_dimension(torch.tensor(0.0), 2, 1 / 256)) == pytest.approx(8)
    # a bin of twice the width costs one bit less, and a nat is 1 / log 2 bits
    assert bits_per_dimension(-3.0, 3, 2 / 256) == pytest.approx(7 + 1 / math.log(2))
    log_p = normal(5, 1)[:, 0]
    torch.testing.assert_close(bits_per_dimension(log_p, 4), -log_p / math.log(16))


@given(st.floats(0.05, 0.4), st.floats(0.3, 2.0))
def test_fine_bins_cost_the_entropy_of_the_bins(width, std):
    # rounded to bins of width w, a Gaussian has an entropy close to h - log w
    edges = torch.arange(-40 * std, 40 * std, width * std, dtype=torch.float64)
    cdf = 0.5 * (1 + torch.erf(edges / (std * math.sqrt(2))))
    p = cdf.diff()[cdf.diff() > 0]
    entropy_in_bits = float(-(p * p.log2()).sum())
    mean_log_p = -0.5 * math.log(2 * math.pi * math.e * std**2)
    assert bits_per_dimension(mean_log_p, 1, width * std) == pytest.approx(entropy_in_bits, abs=0.02)


def test_a_field_cut_off_from_x_is_refused_and_a_constant_one_is_not():
    x = normal(4, 2)
    net = VelocityNet(hidden_dim=4).double()

    @torch.no_grad()
    def cut_off(x, t):
        return net(x, t)

    for field in (cut_off, lambda x, t: torch.ones_like(x), lambda x, t: net(x.detach(), t)):
        with pytest.raises(ValueError, match="depend on x"):
            log_prob(field, x, 2)
    actual = log_prob(lambda x, t: 1 + 0 * x, x, 2)
    torch.testing.assert_close(actual, -0.5 * (x - 1).square().sum(1) - math.log(2 * math.pi))
