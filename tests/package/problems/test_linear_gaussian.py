"""Posteriors of linear problems, by independent formulas."""

import pytest
import torch
from helpers import normal, random_mixture, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import GaussianMixture, StraightPath, exact
from fmtutorial.problems import HeatRod, linear_posterior

ROD = HeatRod()


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3), st.floats(0.2, 2.0))
def test_the_posterior_times_evidence_is_prior_times_likelihood(seed, dim, m, noise):
    prior = random_mixture(seed, dim, 3)
    H = normal(m, dim, seed)
    y = normal(1, m, seed + 1)
    posterior = linear_posterior(prior, H, noise, y).mixture(0)
    x = normal(20, dim, seed + 2)
    log_likelihood = -0.5 * ((y - x @ H.T) / noise).square().sum(1)
    ratio = posterior.log_prob(x) - prior.log_prob(x) - log_likelihood  # minus log p(y): the same everywhere
    torch.testing.assert_close(ratio, ratio[:1].expand(20), rtol=1e-6, atol=1e-6)


@given(st.integers(0, 10**6))
def test_measuring_twice_is_measuring_all_at_once(seed):
    prior = random_mixture(seed, 3, 2)
    H = normal(2, 3, seed)
    y = normal(1, 2, seed + 1)
    first = linear_posterior(prior, H[:1], 0.5, y[:, :1]).mixture(0)
    second = linear_posterior(first, H[1:], 0.5, y[:, 1:])
    both = linear_posterior(prior, H, 0.5, y)
    torch.testing.assert_close(second.weights, both.weights)
    torch.testing.assert_close(second.means, both.means)
    torch.testing.assert_close(second.covariances, both.covariances)


def test_batches_means_stds_and_samples_agree_with_the_mixture():
    _, y = ROD.sample(4, seeded())
    posterior = ROD.posterior(y)
    samples = posterior.sample(40_000, seeded(1))
    for i in range(4):
        mixture = ROD.posterior(y[i : i + 1]).mixture(0)
        torch.testing.assert_close(posterior.mean[i], mixture.mean)
        torch.testing.assert_close(posterior.std[i], mixture.covariance.diagonal().sqrt())
        torch.testing.assert_close(samples[i].mean(0), mixture.mean, atol=0.03, rtol=0.0)
        torch.testing.assert_close(samples[i].T.cov(), mixture.covariance, atol=0.03, rtol=0.0)


@pytest.mark.parametrize("sigma_min", [1e-4, 0.2])
def test_the_conditional_velocity_is_each_posteriors_own(sigma_min):
    path = StraightPath(sigma_min)
    _, y = ROD.sample(5, seeded())
    x = normal(5, 32, 2)
    t = torch.linspace(0.05, 0.95, 5, dtype=torch.float64)[:, None]
    batched = ROD.posterior(y).velocity(path, x, t)
    for i in range(5):
        mixture = ROD.posterior(y[i : i + 1]).mixture(0)
        alone = exact.marginal_velocity(mixture, path, x[i : i + 1], float(t[i]))
        torch.testing.assert_close(batched[i : i + 1], alone, rtol=1e-6, atol=1e-8)


def test_the_conditional_velocity_where_the_components_differ_in_width():
    path = StraightPath(0.1)
    prior = random_mixture(3, 2, 3)
    H = normal(1, 2)
    y = normal(6, 1, 1)
    posterior = linear_posterior(prior, H, 0.7, y)
    x = normal(6, 2, 2)
    expected = [exact.marginal_velocity(posterior.mixture(i), path, x[i : i + 1], 0.7) for i in range(6)]
    torch.testing.assert_close(posterior.velocity(path, x, 0.7), torch.cat(expected))


def test_a_plain_gaussian_prior_gives_the_textbook_update():
    prior = GaussianMixture([{"mean": [1.0], "std": 2.0}])
    posterior = linear_posterior(prior, torch.tensor([[1.0]]), 1.0, torch.tensor([[3.0]]))
    assert posterior.mean.item() == pytest.approx((1 / 4 + 3) / (1 / 4 + 1))
    assert posterior.std.item() == pytest.approx((1 / (1 / 4 + 1)) ** 0.5)


@pytest.mark.parametrize("noise", [1e-6, 1e-9, 1e-12])
def test_with_hardly_any_noise_the_posterior_is_a_point(noise):
    prior, x = random_mixture(0, 3, 2), normal(2, 3)
    posterior = linear_posterior(prior, torch.eye(3, dtype=torch.float64), noise, x)
    assert (posterior.sample(50, seeded()) - x[:, None]).abs().max() < 1e-5
    assert torch.isfinite(posterior.velocity(StraightPath(), normal(2, 3, seed=1), 0.5)).all()


def test_readings_that_depend_on_one_another_need_noise():
    with pytest.raises(ValueError, match=r"noise must be larger for this matrix.*1e-12"):
        linear_posterior(random_mixture(0, 3, 2), torch.ones(2, 3), 1e-12, normal(4, 2))
