"""Guidance as a change of the score, its closed form for Gaussians, and clamped pixels."""

import pytest
import torch
from helpers import normal, times
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import (
    ConditionalVelocityNet,
    GaussianMixture,
    StraightPath,
    exact,
    integrate_flow,
    standard_mixture,
)
from fmtutorial.sampling import clamped, guided

MIXTURE = standard_mixture()
PATH = StraightPath(0.0)
CLASSES = [
    GaussianMixture([{"mean": m, "cov": s}]) for m, s in zip(MIXTURE.means, MIXTURE.covariances, strict=True)
]


def exact_model(x, t, y=None):
    """The exact velocity of the standard mixture, or of the component y of each row."""
    if y is None:
        return exact.velocity_field(MIXTURE, PATH)(x, t)
    each = torch.stack([exact.velocity_field(c, PATH)(x, t) for c in CLASSES])
    return each[y, torch.arange(len(x))]


@given(t=times, w=st.floats(-1, 5), seed=st.integers(0, 99))
def test_guidance_is_a_change_of_the_score(t, w, seed):
    """v_w = v_y + w (1 - t) / t grad log p_t(y | x): autograd of Bayes' rule knows nothing of velocities."""
    x = normal(6, 2, seed)
    y = torch.arange(6) % 2
    x.requires_grad_()
    log_class = torch.stack([exact.marginal_log_prob(c, PATH, x, t) for c in CLASSES])
    log_posterior = torch.log_softmax(log_class, dim=0)[y, torch.arange(6)]  # equal weights
    (gradient,) = torch.autograd.grad(log_posterior.sum(), x)
    x = x.detach()
    expected = exact_model(x, t, y) + w * (1 - t) / t * gradient
    torch.testing.assert_close(guided(exact_model, y, w)(x, t), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("w", [0.0, 0.5, 2.0])
def test_the_guided_flow_between_gaussians_has_its_closed_form_and_is_not_the_tilted_one(w):
    s, big, centre = 0.5, 1.25, 0.8  # p(x | y) = N(0.8, 0.5^2), p(x) = N(0, 1.25^2)
    condition = exact.velocity_field(GaussianMixture([{"mean": [centre], "std": s}]), PATH)
    everything = exact.velocity_field(GaussianMixture([{"mean": [0.0], "std": big}]), PATH)
    velocity = guided(
        lambda x, t, y=None: everything(x, t) if y is None else condition(x, t), torch.ones(2), w
    )
    ends = integrate_flow(velocity, torch.tensor([[0.0], [1.0]]).double(), n_steps=400, method="rk4")[0][-1]
    slope = float(ends[1] - ends[0])  # a linear flow: its slope is the standard deviation at t = 1
    assert slope == pytest.approx(s * (s / big) ** w, rel=1e-6)
    tilted = ((1 + w) / s**2 - w / big**2) ** -0.5
    assert slope == pytest.approx(tilted, rel=1e-6) if w == 0 else slope < 0.95 * tilted


def test_strength_zero_is_conditional_and_minus_one_unconditional():
    x = normal(5, 2)
    y = torch.tensor([0, 1, 1, 0, 1])
    torch.testing.assert_close(guided(exact_model, y, 0.0)(x, 0.4), exact_model(x, 0.4, y))
    torch.testing.assert_close(guided(exact_model, y, -1.0)(x, 0.4), exact_model(x, 0.4))


def test_a_network_is_guided_row_by_row():
    torch.manual_seed(0)
    net = ConditionalVelocityNet(2, n_classes=3, hidden_dim=8, n_blocks=1)
    torch.nn.init.normal_(net.blocks[0].last.weight)
    x = normal(4, 2).float()
    y = torch.tensor([2, 0, 1, 2])
    for k in range(4):
        alone = guided(net, y[k : k + 1], 1.5)(x[k : k + 1], 0.3)
        torch.testing.assert_close(alone, guided(net, y, 1.5)(x, 0.3)[k : k + 1])


@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
def test_clamped_elements_travel_straight_to_their_values(method):
    x0 = normal(6, 3)
    x1 = normal(6, 3, 1)
    known = normal(6, 3, 2) > 0
    flow, t = integrate_flow(clamped(lambda x, t: -x, x0, x1, known), x0, n_steps=7, method=method)
    for x, s in zip(flow, t, strict=True):
        torch.testing.assert_close(x[known], PATH.sample(x0, x1, s)[known])
    free, _ = integrate_flow(lambda x, t: -x, x0, n_steps=7, method=method)
    torch.testing.assert_close(flow[-1][~known], free[-1][~known])


def test_clamping_is_exact_where_the_elements_are_independent():
    data = GaussianMixture([{"mean": [0.0, 1.0], "std": [1.0, 0.5]}])
    x0 = normal(4000, 2, 3)
    x1 = torch.full((4000, 2), 2.0, dtype=torch.float64)
    velocity = clamped(exact.velocity_field(data, PATH), x0, x1, torch.tensor([True, False]))
    end = integrate_flow(velocity, x0, n_steps=40, method="rk4")[0][-1]
    torch.testing.assert_close(end[:, 1], 1.0 + 0.5 * x0[:, 1], rtol=1e-4, atol=1e-4)
