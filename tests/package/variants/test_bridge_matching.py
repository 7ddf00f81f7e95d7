"""Losses on a bridge: their targets, times and minima between Gaussians, and what is made of them."""

from functools import partial

import pytest
import torch
from helpers import normal, random_mixture, seeded
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from fmtutorial import VelocityNet
from fmtutorial.training import entropic_indices
from fmtutorial.variants import (
    Bridge,
    bridge_drift_loss,
    bridge_fields,
    bridge_moments,
    bridge_score_loss,
    bridge_velocity_loss,
    score_from_noise,
    train_bridge,
)

S = 0.8
BRIDGE = Bridge(S)
LOSSES = {
    "velocity": bridge_velocity_loss,
    "noise": bridge_score_loss,
    "forward": bridge_drift_loss,
    "backward": partial(bridge_drift_loss, backward=True),
}
every_loss = pytest.mark.parametrize("name", LOSSES)

# jointly Gaussian ends, each axis by itself: means, variances, and the covariance of x0 with x1
MEAN0, MEAN1 = torch.tensor([[-1.0, 0.5], [2.0, 1.0]], dtype=torch.float64)
VAR0, VAR1, CROSS = torch.tensor([[1.0, 0.5], [0.3, 2.0], [0.4, -0.7]], dtype=torch.float64)


def ends(n, generator):
    """Pairs (x0, x1) of these Gaussians, (n, 2) each."""
    x0 = VAR0.sqrt() * torch.randn(n, 2, generator=generator, dtype=torch.float64)
    rest = (VAR1 - CROSS**2 / VAR0).sqrt() * torch.randn(n, 2, generator=generator, dtype=torch.float64)
    return MEAN0 + x0, MEAN1 + CROSS / VAR0 * x0 + rest


def field(name, x, t):
    """What the loss should learn, E[target | x_t], from S_t = Var(x_t) and half of its rate."""
    noise = S**2 * t * (1 - t)
    variance = (1 - t) ** 2 * VAR0 + t**2 * VAR1 + 2 * t * (1 - t) * CROSS + noise
    half_rate = t * VAR1 - (1 - t) * VAR0 + (1 - 2 * t) * (CROSS + S**2 / 2)
    pull = (x - (1 - t) * MEAN0 - t * MEAN1) / variance  # minus the score
    velocity = MEAN1 - MEAN0 + half_rate * pull
    return {
        "velocity": velocity,
        "noise": noise**0.5 * pull,
        "forward": velocity - S**2 / 2 * pull,
        "backward": -velocity - S**2 / 2 * pull,
    }[name]


def target(name, x, t, x0, x1, s):
    """The target of each loss from the ends and the point between them."""
    rest = x - (1 - t) * x0 - t * x1  # gamma z
    return {
        "velocity": x1 - x0 + (1 - 2 * t) / (2 * t * (1 - t)) * rest,
        "noise": rest / (s * (t * (1 - t)).sqrt()),
        "forward": (x1 - x) / (1 - t),
        "backward": (x0 - x) / t,
    }[name]


# the targets and the times


@every_loss
@given(seed=st.integers(0, 1000), n=st.integers(1, 20), dim=st.integers(1, 4), s=st.floats(0.1, 5.0))
def test_the_loss_is_the_mean_square_about_its_target(name, seed, n, dim, s):
    x0, x1 = normal(n, dim, seed), normal(n, dim, seed + 1)

    def known(x, t):
        return target(name, x, t, x0, x1, s)

    def next_to_it(x, t):
        return known(x, t) + 0.5

    assert float(LOSSES[name](known, (x0, x1), Bridge(s), seeded(seed))) < 1e-12 * (1 + s**2)
    assert float(LOSSES[name](next_to_it, (x0, x1), Bridge(s), seeded(seed))) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("velocity", lambda t: 3 * t**2 - 2 * t**3),
        ("noise", lambda t: t),
        ("forward", lambda t: 1 - (1 - t) ** 2),
        ("backward", lambda t: t**2),
    ],
)
def test_the_times_have_their_density_one_for_each_row(name, distribution):
    seen = []

    def model(x, t):
        seen.append(t)
        return 0 * x

    LOSSES[name](model, ends(5000, seeded(1)), BRIDGE, seeded(2))
    assert seen[0].shape == (5000, 1)
    assert kstest(seen[0].squeeze(1).numpy(), distribution).pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "mean"), [("velocity", 2.0), ("noise", 1.0), ("forward", 4.0), ("backward", 4.0)]
)
def test_between_equal_ends_the_target_has_a_finite_mean_square(name, mean):
    x = torch.zeros(200_000, 1, dtype=torch.float64)  # s^2/2, 1, s^2, s^2 for s = 2
    loss = LOSSES[name](lambda x, t: 0 * x, (x, x), Bridge(2.0), seeded(3))
    assert float(loss) == pytest.approx(mean, rel=0.03)


def test_without_noise_the_target_is_the_straight_line():
    pairs = normal(6, 2), normal(6, 2, 1)
    line = pairs[1] - pairs[0]
    for name in ("velocity", "forward"):
        assert float(LOSSES[name](lambda x, t: line, pairs, Bridge(0.0), seeded())) < 1e-20


# the minimum


@every_loss
def test_the_minimum_is_the_field_of_the_gaussians(name):
    """The gradient in five directions away from the exact field has the mean 0."""
    theta = torch.zeros(5, dtype=torch.float64, requires_grad=True)

    def near(x, t):
        ways = torch.stack([torch.ones_like(x), x, t * x, t * x.flip(1), x.sin()])
        return field(name, x, t) + torch.einsum("k,kni->ni", theta, ways)

    generator = seeded(4)
    gradients = []
    for _ in range(200):
        loss = LOSSES[name](near, ends(500, generator), BRIDGE, generator)
        gradients.append(torch.autograd.grad(loss, theta)[0])
    g = torch.stack(gradients)
    assert (g.mean(0).abs() < 4 * g.std(0) / len(g) ** 0.5).all()


@pytest.mark.parametrize("t", [0.2, 0.5, 0.9])
def test_the_drift_is_that_of_the_markovian_projection(t):
    covariance, matrix = bridge_moments(VAR0.diag(), VAR1.diag(), CROSS.diag(), S, t)
    x = normal(4, 2)
    residual = x - (1 - t) * MEAN0 - t * MEAN1
    score = -torch.linalg.solve(covariance, residual.T).T
    forward = MEAN1 - MEAN0 + residual @ matrix.T
    torch.testing.assert_close(field("forward", x, t), forward)
    torch.testing.assert_close(field("velocity", x, t), forward - S**2 / 2 * score)
    torch.testing.assert_close(field("backward", x, t), S**2 * score - forward)


# couplings


@every_loss
def test_a_coupling_chooses_the_rows_of_x1(name):
    x0, x1 = normal(8, 2), normal(8, 2, 1)
    rows = torch.tensor([3, 3, 0, 7, 1, 2, 5, 4])
    coupled = LOSSES[name](torch.mul, (x0, x1), BRIDGE, seeded(), coupling=lambda a, b: rows)
    assert torch.equal(coupled, LOSSES[name](torch.mul, (x0, x1[rows]), BRIDGE, seeded()))


def test_entropic_partners_are_a_coupling():
    pairs = normal(8, 2), normal(8, 2, 1)
    coupling = partial(entropic_indices, epsilon=2 * S**2, generator=seeded(1))
    rows = entropic_indices(*pairs, 2 * S**2, seeded(1))
    coupled = bridge_velocity_loss(torch.mul, pairs, BRIDGE, seeded(), coupling=coupling)
    assert torch.equal(coupled, bridge_velocity_loss(torch.mul, (pairs[0], pairs[1][rows]), BRIDGE, seeded()))


# training, and the score


class Linear(torch.nn.Module):
    """a + (b + c t) x for each axis, with the column t that `train` gives."""

    def __init__(self):
        super().__init__()
        self.theta = torch.nn.Parameter(torch.zeros(3, 2, dtype=torch.float64))

    def forward(self, x, t):
        assert t.shape == (len(x), 1)
        a, b, c = self.theta
        return a + (b + c * t) * x


@every_loss
def test_training_uses_the_bridge_and_the_loss_that_are_given(name):
    pairs = ends(64, seeded(1))
    model = Linear()
    history = train_bridge(
        model, pairs, BRIDGE, 1, loss_fn=LOSSES[name], batch_size=64, generator=seeded(5), progress=False
    )
    generator = seeded(5)
    order = torch.randperm(64, generator=generator)
    shuffled = pairs[0][order], pairs[1][order]
    by_hand = LOSSES[name](lambda x, t: 0 * x, shuffled, BRIDGE, generator)
    assert history.losses == [pytest.approx(float(by_hand))] and not model.training


def test_pairs_may_come_from_a_sampler():
    class Sampler:
        def sample(self, n, generator=None):
            return ends(n, generator)

    options = {"batch_size": 16, "generator": seeded(), "progress": False}
    assert len(train_bridge(Linear(), Sampler(), BRIDGE, 3, **options).losses) == 3


def test_the_score_of_the_exact_noise_is_exact():
    left, right = random_mixture(1, 2, 2), random_mixture(2, 2, 3)
    _, exact_score = bridge_fields(left, right, BRIDGE)

    def noise(x, t):
        return -BRIDGE.variance(t).sqrt() * exact_score(x, t)

    score = score_from_noise(noise, BRIDGE, margin=0.05)
    x = normal(5, 2)
    for t in (torch.tensor(0.05), torch.tensor(0.4), torch.rand(5, 1, dtype=torch.float64) * 0.8 + 0.1):
        torch.testing.assert_close(score(x, t), exact_score(x, t), rtol=1e-6, atol=1e-6)
    for end, inside in ((0.0, 0.05), (1.0, 0.95)):
        torch.testing.assert_close(score(x, end), exact_score(x, torch.tensor(inside)), rtol=1e-6, atol=1e-6)


def test_a_network_of_noise_gets_its_column_of_times():
    score = score_from_noise(VelocityNet(hidden_dim=4), BRIDGE)
    x = normal(5, 2).float()
    torch.testing.assert_close(score(x, 0.5), score(x, torch.full((5, 1), 0.5)))
