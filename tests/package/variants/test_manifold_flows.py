"""Geodesic flow matching: the loss is least at the exact velocity, and solvers stay on the manifold."""

import math
from itertools import pairwise

import pytest
import torch
from helpers import seeded
from manifold_cases import ON_SPHERE, ON_TORUS

from fmtutorial import train
from fmtutorial.metrics import energy_distance
from fmtutorial.variants import (
    Sphere,
    SphereNet,
    Torus,
    TorusNet,
    VonMisesFisherMixture,
    WrappedNormalMixture,
    geodesic_excess_loss,
    geodesic_loss,
    geodesic_loss_floor,
    geodesic_velocity,
    integrate_on,
    wrap,
)

PI = math.pi
both_mixtures = pytest.mark.parametrize("mixture", [ON_TORUS, ON_SPHERE], ids=repr)


def exact_field(mixture):
    def velocity(x, t):
        return geodesic_velocity(mixture, x, t)

    return velocity


def still(x, t):
    return torch.zeros_like(x)


@both_mixtures
def test_the_loss_of_standing_still_is_the_mean_square_of_the_geodesics(mixture):
    """E|log_x0(x1)|^2: pi^2/3 a coordinate on the torus, (pi^2 - 4)/2 on the sphere, over three columns."""
    x1 = mixture.sample(40_000, seeded(1), dtype=torch.float64)
    loss = geodesic_loss(still, x1, mixture.manifold, seeded(2))
    expected = PI**2 / 3 if mixture is ON_TORUS else (PI**2 - 4) / 2 / 3
    assert abs(float(loss) / expected - 1) < 0.02


@both_mixtures
def test_the_loss_is_its_definition(mixture):
    """The same draws by hand: x0 uniform, then t; the target is the speed of the geodesic, by differences."""
    manifold = mixture.manifold
    x1 = mixture.sample(50, seeded(1), dtype=torch.float64)
    seen = []

    def model(x, t):
        seen.append((x, t))
        return torch.ones_like(x)

    loss = geodesic_loss(model, x1, manifold, seeded(3))
    generator = seeded(3)
    x0 = manifold.uniform(50, generator, dtype=torch.float64)
    t = torch.rand(50, 1, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(seen[0][0], manifold.geodesic(x0, x1, t))
    torch.testing.assert_close(seen[0][1], t)
    step = 1e-6
    later, earlier = manifold.geodesic(x0, x1, t + step), manifold.geodesic(x0, x1, t - step)
    speed = (wrap(later - earlier) if mixture is ON_TORUS else later - earlier) / (2 * step)
    torch.testing.assert_close(loss, (1 - speed).square().mean(), rtol=1e-6, atol=1e-6)


@both_mixtures
def test_the_floor_is_the_loss_of_the_exact_velocity_and_every_other_has_more(mixture):
    floor, error = geodesic_loss_floor(mixture, 10_000, seeded(0))
    velocity = exact_field(mixture)
    x1 = mixture.sample(10_000, seeded(1), dtype=torch.float64)
    loss = float(geodesic_loss(velocity, x1, mixture.manifold, seeded(2)))
    assert abs(loss - floor) < 4.5 * error * math.sqrt(2)

    def other(x, t):
        return 0.9 * velocity(x, t)

    excess = geodesic_excess_loss(other, mixture, 10_000, seeded(0))
    more = float(geodesic_loss(other, x1, mixture.manifold, seeded(2))) - loss
    assert excess > 0 and abs(excess - more) < 0.02 * (floor + excess)
    assert geodesic_excess_loss(velocity, mixture, 500, seeded(0)) < 1e-10


@both_mixtures
def test_the_floor_at_a_time_is_the_variance_that_is_left(mixture):
    """E|target|^2 - E|u_t|^2; at t = 0 nothing is known but where x0 is, and the residual is that of x1."""
    whole = PI**2 / 3 if mixture is ON_TORUS else (PI**2 - 4) / 2 / 3
    for t in (0.0, 0.5, 0.9):
        floor, _ = geodesic_loss_floor(mixture, 10_000, seeded(0), t=t)
        explained = geodesic_excess_loss(still, mixture, 10_000, seeded(1), t=t)
        assert abs(floor + explained - whole) < 0.03 * whole
    # the mean over times is the default
    means = [geodesic_loss_floor(mixture, 1000, seeded(s), t=(s + 0.5) / 10)[0] for s in range(10)]
    assert abs(sum(means) / 10 - geodesic_loss_floor(mixture, 10_000, seeded(0))[0]) < 0.05 * whole


def test_standard_errors_are_those_of_a_mean():
    small, large = (geodesic_loss_floor(ON_TORUS, n, seeded(0)) for n in (2000, 20_000))
    assert 2.7 < small[1] / large[1] < 3.7
    assert abs(small[0] - large[0]) < 4.5 * math.hypot(small[1], large[1])


def rotation(x, t):
    """A rotation of the sphere about the third axis, whose speed depends on t: exact angle 1.5 at t = 1."""
    axis = torch.tensor([0.0, 0.0, 1.0], dtype=x.dtype)
    return (1 + t) * torch.linalg.cross(axis.expand_as(x), x)


def turned(x, angle):
    c, s = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]], dtype=x.dtype)
    return x @ turn.T


@pytest.mark.parametrize("method, order", [("euler", 1), ("midpoint", 2)])
def test_the_orders_on_a_rotation(method, order):
    x = Sphere().uniform(50, seeded(), dtype=torch.float64)
    errors = []
    for n_steps in (20, 40, 80):
        trajectory, times = integrate_on(Sphere(), rotation, x, n_steps, method)
        assert trajectory.shape == (n_steps + 1, 50, 3) and torch.equal(trajectory[0], x)
        torch.testing.assert_close(times, torch.linspace(0, 1, n_steps + 1, dtype=torch.float64))
        assert (trajectory.norm(dim=2) - 1).abs().max() < 1e-14
        errors.append(Sphere().distance(trajectory[-1], turned(x, 1.5)).max())
    for a, b in pairwise(errors):
        assert abs(math.log2(a / b) - order) < 0.1


def test_a_midpoint_step_by_hand():
    """One step of the whole interval, with the transport of the middle's velocity."""
    x = Sphere().uniform(10, seeded(), dtype=torch.float64)
    middle = Sphere().exp(x, rotation(x, 0.0) / 2)
    back = Sphere().transport(middle, x, rotation(middle, 0.5))
    torch.testing.assert_close(integrate_on(Sphere(), rotation, x, 1)[0][-1], Sphere().exp(x, back))


def test_on_the_torus_steps_are_those_of_the_plane_wrapped():
    velocity = exact_field(ON_TORUS)
    x = Torus(2).uniform(50, seeded(), dtype=torch.float64)
    ends = integrate_on(Torus(2), velocity, x, 4)[0][-1]
    y = x
    for k in range(4):
        middle = y + velocity(wrap(y), k / 4) / 8
        y = y + velocity(wrap(middle), (k + 0.5) / 4) / 4
    torch.testing.assert_close(ends, wrap(y))
    assert ends.abs().max() <= PI + 1e-12


def test_only_the_tangent_part_of_a_velocity_counts():
    x = Sphere().uniform(10, seeded(), dtype=torch.float64)

    def outwards(x, t):
        return rotation(x, t) + 5 * x

    for method in ("euler", "midpoint"):
        expected = integrate_on(Sphere(), rotation, x, 3, method)[0]
        torch.testing.assert_close(integrate_on(Sphere(), outwards, x, 3, method)[0], expected)


@both_mixtures
def test_the_exact_flow_makes_the_data(mixture):
    n = 1000
    x0 = mixture.manifold.uniform(n, seeded(0), dtype=torch.float64)
    ends = integrate_on(mixture.manifold, exact_field(mixture), x0, 16)[0][-1]
    mixture.manifold.check_points(ends, "ends")

    def embed(x):
        return torch.cat([x.cos(), x.sin()], dim=1) if mixture is ON_TORUS else x

    data = [embed(mixture.sample(n, seeded(s), dtype=torch.float64)) for s in (1, 2)]
    assert energy_distance(embed(ends), data[0]) < energy_distance(*data) + 0.05
    assert energy_distance(embed(x0), data[0]) > 0.3


def test_a_velocity_that_is_not_finite_stops_the_flow():
    def bad(x, t):
        return x / 0 if float(t) >= 0.5 else torch.zeros_like(x)

    with pytest.raises(FloatingPointError, match=r"t = 0\.75"):
        integrate_on(Torus(1), bad, torch.ones(3, 1), 4, "euler")


@pytest.mark.parametrize("net, mixture", [
    (TorusNet(1, hidden_dim=16, generator=seeded(0)), WrappedNormalMixture([[PI]], 0.5)),
    (SphereNet(hidden_dim=16, generator=seeded(0)), VonMisesFisherMixture([[0.0, 0.0, 1.0]], 5.0)),
], ids=["torus", "sphere"])  # fmt: skip
def test_train_takes_the_manifold_as_its_path(net, mixture):
    before = geodesic_excess_loss(net, mixture, 2000, seeded(1))
    options = {"loss_fn": geodesic_loss, "lr": 1e-2, "schedule": "cosine", "progress": False}
    train(net, mixture, mixture.manifold, n_steps=150, generator=seeded(2), **options)
    after = geodesic_excess_loss(net, mixture, 2000, seeded(1))
    assert after < 0.2 * before
    x0 = mixture.manifold.uniform(5, seeded(3))
    trajectory, _ = integrate_on(mixture.manifold, net, x0, 2)
    assert trajectory.dtype == torch.float32 and not trajectory.requires_grad
