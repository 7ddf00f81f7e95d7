"""Posterior guidance: Bayes' rule for velocities, and the plug-in's bias in closed form."""

import math

import pytest
import torch
from helpers import mixtures, normal, random_mixture, times
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import dawsn

from fmtutorial import CosinePath, GaussianMixture, StraightPath, exact, integrate_flow
from fmtutorial.problems import linear_posterior
from fmtutorial.sampling import (
    guidance_factor,
    likelihood_score_field,
    matched_score_field,
    plug_in_score_field,
    posterior_guided,
    predicted_data,
)

PATH, NOISE = StraightPath(0.0), 0.4
paths = st.sampled_from([StraightPath(0.0), StraightPath(0.05), CosinePath()])


def observation(dim, n, seed):
    """A matrix (2, d) and readings (n, 2)."""
    return normal(2, dim, seed + 1), 2 * normal(n, 2, seed + 2)


@given(prior=mixtures, path=paths, t=times, seed=st.integers(0, 99))
def test_the_exact_guidance_is_what_the_posterior_adds_to_the_velocity(prior, path, t, seed):
    """u_t(x | y) - u_t(x) from two mixtures: no likelihood at time t, and no gradient."""
    (matrix, y), x = observation(prior.dim, 5, seed), normal(5, prior.dim, seed)
    score = likelihood_score_field(prior, path, matrix, NOISE, y)
    guided = posterior_guided(exact.velocity_field(prior, path), path, score)
    expected = linear_posterior(prior, matrix, NOISE, y).velocity(path, x, t)
    torch.testing.assert_close(guided(x, t), expected, rtol=1e-6, atol=1e-6)


@given(prior=mixtures, path=paths, t=times, seed=st.integers(0, 99))
def test_predicted_data_is_the_mean_of_the_data_given_the_point(prior, path, t, seed):
    x, identity = normal(5, prior.dim, seed), torch.eye(prior.dim, dtype=torch.float64)
    expected = linear_posterior(prior, path.alpha(t) * identity, float(path.sigma(t)), x).mean
    mine = predicted_data(exact.velocity_field(prior, path), path, x, t)
    torch.testing.assert_close(mine, expected, rtol=1e-6, atol=1e-8)


@given(dim=st.integers(1, 4), path=paths, t=times, seed=st.integers(0, 99))
def test_with_its_variance_the_plug_in_is_exact_for_one_gaussian_and_without_it_is_not(dim, path, t, seed):
    prior = random_mixture(seed, dim, 1)
    (matrix, y), x = observation(dim, 5, seed), normal(5, dim, seed)
    velocity = exact.velocity_field(prior, path)
    truth = likelihood_score_field(prior, path, matrix, NOISE, y)(x, t)
    matched = matched_score_field(velocity, path, matrix, NOISE, y)(x, t)
    plug_in = plug_in_score_field(velocity, path, matrix, NOISE, y)(x, t)
    torch.testing.assert_close(matched, truth, rtol=1e-6, atol=1e-8)
    assert plug_in.norm() > truth.norm()


@given(prior=mixtures, seed=st.integers(0, 99))
def test_all_three_agree_where_x1_is_known(prior, seed):
    """As t -> 1 the variance of x1 given x_t vanishes, as (1 - t)^2."""
    (matrix, y), x = observation(prior.dim, 5, seed), normal(5, prior.dim, seed)
    velocity, t = exact.velocity_field(prior, PATH), 1 - 1e-4
    truth = likelihood_score_field(prior, PATH, matrix, NOISE, y)(x, t)
    for field in (plug_in_score_field, matched_score_field):
        torch.testing.assert_close(field(velocity, PATH, matrix, NOISE, y)(x, t), truth, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("path", [StraightPath(0.0), CosinePath()])
@pytest.mark.parametrize(("s", "noise"), [(1.0, 1.0), (1.0, 0.5), (1.4, 0.8)])
def test_the_plug_in_has_its_closed_form_in_one_dimension(path, s, noise):
    """x1 ~ N(0, s^2), y = x1 + noise z: std s exp(-s^2 / 2 noise^2), and Dawson's function in the mean.

    With r = sqrt(alpha^2 s^2 + sigma^2), w = x / r and q = alpha s^2 / r as time, from 0 to s, the guided
    flow is dw/dq = (y - q w) / noise^2 on every path.
    """
    y, prior = 0.7, GaussianMixture([{"mean": [0.0], "std": s}])
    velocity, matrix = exact.velocity_field(prior, path), torch.ones(1, 1, dtype=torch.float64)
    score = plug_in_score_field(velocity, path, matrix, noise, torch.tensor([y]))
    start = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    guided = posterior_guided(velocity, path, score, first_time=1e-6)
    ends = integrate_flow(guided, start, n_steps=800, method="midpoint")[0][-1]
    x = s / (math.sqrt(2) * noise)
    assert float(ends[1] - ends[0]) == pytest.approx(s * math.exp(-(x**2)), rel=1e-4)
    assert float(ends[0]) == pytest.approx(y * 2 * x * dawsn(x), rel=1e-4)


def test_the_factor_is_that_of_the_straight_path():
    t = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    torch.testing.assert_close(guidance_factor(PATH, t), (1 - t) / t)


@pytest.mark.parametrize("field", [likelihood_score_field, plug_in_score_field, matched_score_field])
def test_each_row_has_its_own_reading_or_all_the_same(field):
    prior = random_mixture(3, 3, 2)
    matrix, y = observation(3, 4, 5)
    x, source = normal(4, 3), exact.velocity_field(prior, PATH)
    source = prior if field is likelihood_score_field else source
    together = field(source, PATH, matrix, NOISE, y)(x, 0.3)
    for i in range(4):
        alone = field(source, PATH, matrix, NOISE, y[i])(x[i : i + 1], 0.3)
        torch.testing.assert_close(alone, together[i : i + 1])


def test_bad_arguments_are_named():
    prior = random_mixture(0, 3, 2)
    matrix, y = observation(3, 4, 5)
    velocity = exact.velocity_field(prior, PATH)
    with pytest.raises(TypeError, match="prior must be a GaussianMixture, got int"):
        likelihood_score_field(3, PATH, matrix, NOISE, y)
    with pytest.raises(ValueError, match=r"matrix must have the shape \(n, 3\)"):
        likelihood_score_field(prior, PATH, matrix[:, :2], NOISE, y)
    with pytest.raises(ValueError, match=r"y must have the shape \(2,\) or \(n, 2\), got \(4, 1\)"):
        plug_in_score_field(velocity, PATH, matrix, NOISE, y[:, :1])
    with pytest.raises(ValueError, match="noise must lie in"):
        matched_score_field(velocity, PATH, matrix, 0.0, y)
    with pytest.raises(TypeError, match="path must be an AffineGaussianPath"):
        plug_in_score_field(velocity, "straight", matrix, NOISE, y)
    with pytest.raises(TypeError, match="velocity must be callable"):
        plug_in_score_field(3.0, PATH, matrix, NOISE, y)
    with pytest.raises(ValueError, match="first_time must lie in"):
        posterior_guided(velocity, PATH, velocity, first_time=0.0)
    with pytest.raises(ValueError, match="sigma"):
        likelihood_score_field(prior, PATH, matrix, NOISE, y)(normal(4, 3), 1.0)
