"""A flow of what a linear regression leaves: exactly a change of variables, and the data's regression."""

import math

import pytest
import torch
from helpers import PATH, normal, seeded
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fmtutorial import ConditionalVelocityNet, StraightPath, fit, integrate_flow
from fmtutorial.metrics import log_prob
from fmtutorial.paths import VarianceExplodingPath
from fmtutorial.training import ResidualFlow, load_checkpoint, save_checkpoint
from fmtutorial.training.residuals import residual_flow

QUICK = {"n_steps": 8, "method": "midpoint"}
PATHS = [StraightPath(), VarianceExplodingPath(0.1, 3.0)]


class StandsStill(nn.Module):
    """The velocity 0, whose samples are the noise at which the path starts."""

    def forward(self, x, t, y):
        return 0 * x


def network(dim: int = 2, condition_dim: int = 3) -> ConditionalVelocityNet:
    torch.manual_seed(0)
    return ConditionalVelocityNet(dim, condition_dim=condition_dim, hidden_dim=8, n_blocks=1).double()


def pairs(n: int = 500, dim: int = 2, condition_dim: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """x = linear in y + correlated noise, at scales far from 1."""
    y = 50 + 10 * normal(n, condition_dim, seed=1)
    mixing = normal(condition_dim, dim, seed=2)
    noise = normal(n, dim, seed=3) @ (torch.eye(dim, dtype=torch.float64) + 0.5 * normal(dim, dim, seed=4))
    return 1000 + y @ mixing + noise, y


def least_squares(x, y):
    """The regression with an intercept, by another route: its residuals and their covariance."""
    with_one = torch.cat([y, torch.ones(len(y), 1, dtype=y.dtype)], dim=1)
    coefficients = torch.linalg.lstsq(with_one, x).solution
    residual = x - with_one @ coefficients
    return with_one @ coefficients, residual.T @ residual / len(x)


@settings(max_examples=20, deadline=None)
@given(dim=st.integers(1, 4), condition_dim=st.integers(1, 4), n=st.integers(30, 200))
def test_residuals_are_white_and_have_nothing_linear_left(dim, condition_dim, n):
    x, y = pairs(n, dim, condition_dim)
    flow = residual_flow(network(dim, condition_dim), PATH, x, y)
    r = flow.standardized(x, y)
    identity = torch.eye(dim, dtype=torch.float64)
    torch.testing.assert_close(r.mean(0), torch.zeros(dim, dtype=torch.float64), rtol=0, atol=1e-8)
    torch.testing.assert_close(r.T @ r / n, identity, rtol=0, atol=1e-7)
    torch.testing.assert_close(
        r.T @ (y - y.mean(0)) / n, torch.zeros(dim, condition_dim).double(), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(flow.in_data_units(r, y), x, rtol=1e-9, atol=1e-9)


def test_with_no_velocity_it_is_the_gaussian_regression():
    x, y = pairs()
    flow = residual_flow(StandsStill(), PATH, x, y)
    prediction, covariance = least_squares(x, y)
    expected = torch.distributions.MultivariateNormal(prediction, covariance).log_prob(x)
    torch.testing.assert_close(flow.log_prob(x, condition=y), expected, rtol=0, atol=1e-6)
    one = y[:1].expand(20_000, -1)
    samples = flow.sample(20_000, seeded(), condition=one, **QUICK)
    error = (samples.mean(0) - prediction[0]) / (covariance.diagonal() / 20_000).sqrt()
    assert (error.abs() < 4.5).all()
    torch.testing.assert_close(samples.T.cov(), covariance, rtol=0, atol=0.06 * float(covariance.max()))


@pytest.mark.parametrize("path", PATHS, ids=["straight", "exploding"])
def test_the_density_is_the_change_of_variables(path):
    x, y = pairs(40)
    net = network()
    flow = residual_flow(net, path, x, y)
    prediction, covariance = least_squares(x, y)
    r = torch.linalg.solve(torch.linalg.cholesky(covariance), (x - prediction).T).T
    standard_y = (y - y.mean(0)) / y.std(0, correction=0)
    expected = log_prob(lambda x, t: net(x, t, standard_y), r, path=path) - 0.5 * torch.logdet(covariance)
    torch.testing.assert_close(flow.log_prob(x, condition=y), expected, rtol=0, atol=1e-6)


def test_samples_are_those_of_the_model_in_other_units():
    x, y = pairs(50)
    net = network()
    flow = residual_flow(net, PATH, x, y)
    x0 = torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    standard_y = (y - y.mean(0)) / y.std(0, correction=0)
    r = integrate_flow(net, x0, condition=standard_y, **QUICK)[0][-1]
    prediction, covariance = least_squares(x, y)
    expected = prediction + r @ torch.linalg.cholesky(covariance).T
    torch.testing.assert_close(flow.sample(50, seeded(), condition=y, **QUICK), expected)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_the_units_of_the_data_make_no_difference(scale):
    x, y = pairs(300)
    a, _ = fit((x, y), n_steps=5, generator=seeded(), standardize="residuals", progress=False)
    b, _ = fit((scale * x, y - 7), n_steps=5, generator=seeded(), standardize="residuals", progress=False)
    ends = [
        flow.sample(9, seeded(1), condition=given, **QUICK) for flow, given in ((a, y[:9]), (b, y[:9] - 7))
    ]
    torch.testing.assert_close(scale * ends[0], ends[1], rtol=1e-5, atol=1e-5 * scale)


def test_it_learns_what_is_not_linear_where_the_linear_part_is_large():
    y = normal(4000, 1, seed=1)
    sign = 2.0 * (torch.arange(4000)[:, None] % 2) - 1
    x = 100 * y + sign + 0.2 * normal(4000, 1, seed=2)
    flow, _ = fit((x, y), n_steps=500, generator=seeded(), standardize="residuals", progress=False)
    fresh = 0.2 * normal(2000, 1, seed=3) + 1
    given_y = normal(2000, 1, seed=4)
    found = flow.log_prob(100 * given_y + fresh, condition=given_y, n_steps=20).mean()
    lobes = -0.5 * (torch.stack([fresh - 1, fresh + 1]) / 0.2).square() - math.log(
        0.2 * math.sqrt(2 * math.pi)
    )
    expected = (torch.logsumexp(lobes, 0) - math.log(2)).mean()
    assert abs(float(found - expected)) < 0.15  # one Gaussian for both lobes is 0.9 below


def test_conditions_that_repeat_or_are_constant_change_nothing():
    x, y = pairs()
    flow = residual_flow(StandsStill(), PATH, x, y)
    more = torch.cat([y, y[:, :1], torch.full((len(y), 1), 3.0).double()], dim=1)
    other = residual_flow(StandsStill(), PATH, x, more)
    torch.testing.assert_close(other.standardized(x, more), flow.standardized(x, y), rtol=0, atol=1e-6)


def test_a_checkpoint_brings_back_all_of_it(tmp_path):
    x, y = pairs(300)
    flow, _ = fit((x, y), n_steps=3, standardize="residuals", progress=False, generator=seeded())
    file = save_checkpoint(tmp_path / "flow.pt", flow)
    again, _ = fit((x + 1, 2 * y), n_steps=1, standardize="residuals", progress=False, generator=seeded(5))
    load_checkpoint(file, again)
    samples = [f.sample(9, seeded(), condition=y[:9], **QUICK) for f in (flow, again)]
    assert torch.equal(*samples)


def test_every_point_needs_its_condition():
    x, y = pairs(100)
    flow = residual_flow(StandsStill(), PATH, x, y)
    for call in (lambda: flow.sample(3), lambda: flow.log_prob(x), lambda: flow.standardized(x)):
        with pytest.raises(ValueError, match="condition must be given"):
            call()


@pytest.mark.parametrize(
    "x, what",
    [
        (torch.cat([pairs()[0], pairs()[1][:, :1]], 1), "a linear function of the condition"),
        (torch.cat([pairs()[0], torch.ones(500, 1)], 1), "is constant"),
        (torch.cat([pairs()[0], pairs()[0].sum(1, keepdim=True)], 1), "a combination of their columns"),
    ],
    ids=["copied from y", "constant", "a sum"],
)
def test_data_without_a_residual_are_named(x, what):
    with pytest.raises(ValueError, match=what):
        fit((x, pairs()[1]), n_steps=1, standardize="residuals")


def test_wrong_parts_are_named():
    mean, std = torch.zeros(2), torch.ones(2)
    one = torch.ones(1)
    for slopes, factor, name in [(mean, torch.eye(2), "slopes"), (torch.ones(1, 2), one, "factor")]:
        with pytest.raises(ValueError, match=f"{name} must be a torch.Tensor of shape"):
            ResidualFlow(network(), PATH, mean, std, one, one, slopes, factor)
