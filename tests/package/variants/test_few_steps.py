"""Losses for a flow map: each row by hand, and a minimum at the exact average velocity."""

import copy
from functools import partial

import pytest
import torch
from helpers import MIXTURE, normal, seeded

from fmtutorial import (
    CosinePath,
    EmpiricalDistribution,
    GaussianMixture,
    StraightPath,
    VelocityNet,
    exact,
    train,
)
from fmtutorial.training.losses import batch_velocity
from fmtutorial.variants import (
    AverageVelocityNet,
    consistency_loss,
    distillation_loss,
    exact_flow_map,
    flow_map_trajectories,
    jump,
    lagrangian_loss,
    meanflow_floor,
    meanflow_loss,
    paired_gap,
    progressive_loss,
)
from fmtutorial.variants.flow_maps import random_interval

PATH = StraightPath(0.0)
PATHS = [PATH, StraightPath(0.1), CosinePath()]
MEAN = torch.tensor([1.0, -2.0], dtype=torch.float64)
STD = torch.tensor([0.5, 2.0], dtype=torch.float64)
GAUSSIAN = GaussianMixture([{"mean": MEAN, "std": STD}])
both = pytest.mark.parametrize("path", PATHS, ids=repr)


def spread(t):
    """The standard deviation of each axis of x_t on the straight path, of shape (n, 2)."""
    return ((1 - t) ** 2 + t**2 * STD**2).sqrt()


def gaussian_map(x, s, t):
    """X_{s->t}(x) where the data are one Gaussian."""
    return t * MEAN + spread(t) / spread(s) * (x - s * MEAN)


def gaussian_velocity(x, t):
    """v(x, t) where the data are one Gaussian."""
    return MEAN + (t * STD**2 - (1 - t)) / spread(t) ** 2 * (x - t * MEAN)


class Exact(torch.nn.Module):
    """The average velocity of one Gaussian, and a few ways to leave it: exact + sum_k theta_k phi_k."""

    def __init__(self):
        super().__init__()
        self.theta = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))

    def forward(self, x, s, t):
        h = torch.where(s == t, 1.0, t - s)
        u = torch.where(s == t, gaussian_velocity(x, s), (gaussian_map(x, s, t) - x) / h)
        ways = torch.stack([torch.ones_like(x), x, s * x.flip(1), (t - s) * x, x.sin() * t])
        return u + torch.einsum("k,kni->ni", self.theta, ways)


def trajectories(n=64, generator=None):
    """Of one Gaussian, exact, in double precision."""
    x0 = torch.randn(n, 2, generator=generator or seeded(), dtype=torch.float64)
    times = torch.linspace(0, 1, 9, dtype=torch.float64)
    zero = torch.zeros((), dtype=torch.float64)
    return torch.stack([gaussian_map(x0, zero, t) for t in times], 1)


LOSSES = {
    "meanflow, batch": meanflow_loss,
    "meanflow, conditional": partial(meanflow_loss, target="conditional", diagonal=0.25),
    "meanflow, exact": partial(meanflow_loss, target=gaussian_velocity, diagonal=0.5),
    "lagrangian": lagrangian_loss,
    "progressive": progressive_loss,
    "consistency": consistency_loss,
    "shortcut": partial(progressive_loss, midpoint=True),
}


# the minimum


def gradients(loss, n_batches=150, size=32):
    """The gradient at the exact average velocity for each of many batches, (n_batches, 5)."""
    model, generator, rows = Exact(), seeded(3), []
    for _ in range(n_batches):
        x1 = GAUSSIAN.sample(size, generator, dtype=torch.float64)
        rows.append(torch.autograd.grad(loss(model, x1, PATH, generator), model.theta)[0])
    return torch.stack(rows)


@pytest.mark.parametrize("name", LOSSES)
def test_the_exact_average_velocity_is_a_minimum(name):
    g = gradients(LOSSES[name])
    standard_error = g.std(0) / len(g) ** 0.5
    tolerance = 1e-3 if name == "shortcut" else 1e-9  # its shortest halves are velocities
    assert (g.mean(0).abs() < 4 * standard_error + tolerance).all()


def test_without_stop_gradient_the_minimum_is_elsewhere():
    """E|u - right side|^2 then has E|J_theta (v_c - v)|^2 in it, which grows with the Jacobian of u."""
    options = {"target": "conditional", "diagonal": 0.0, "stop_gradient": False}
    g = gradients(partial(meanflow_loss, **options), 100)
    assert (g.mean(0).abs() > 6 * g.std(0) / len(g) ** 0.5).any()
    g = gradients(partial(meanflow_loss, **options | {"target": gaussian_velocity}), 5)
    assert g.abs().max() < 1e-9  # without noise there is no harm


@pytest.mark.parametrize(
    "loss",
    [
        partial(lagrangian_loss, diagonal=0.0),
        partial(progressive_loss, diagonal=0.0),
        partial(meanflow_loss, diagonal=0.5, target=gaussian_velocity),
    ],
)
def test_no_loss_is_left_without_noise(loss):
    x1 = GAUSSIAN.sample(200, seeded(), dtype=torch.float64)
    assert loss(Exact(), x1, PATH, seeded(1)).item() < 1e-20


def test_no_loss_is_left_on_exact_trajectories():
    assert distillation_loss(Exact(), trajectories(), PATH, seeded()).item() < 1e-20
    single = flow_map_trajectories(exact.velocity_field(GAUSSIAN, PATH), 64, 2, generator=seeded())
    assert distillation_loss(Exact(), single.double(), PATH, seeded()).item() < 1e-6


def test_the_loss_of_the_exact_velocity_is_the_floor():
    losses = []
    for k in range(10):
        x1 = GAUSSIAN.sample(500, seeded(k), dtype=torch.float64)
        loss = meanflow_loss(Exact(), x1, PATH, seeded(100 + k), diagonal=0.0, target="conditional")
        losses.append(loss.item())
    losses = torch.tensor(losses)
    floor, standard_error = meanflow_floor(GAUSSIAN, PATH, 4000, seeded(7))
    error = (float(losses.var()) / 10 + standard_error**2) ** 0.5
    assert float(losses.mean()) == pytest.approx(floor, abs=4 * error)
    assert error < 0.1 * floor


# every row by hand


def drawn(x1, path, seed, n_diagonal):
    """s, t, x_s, the conditional velocity and that of the batch, as the losses draw them."""
    g = seeded(seed)
    a = torch.rand(len(x1), 1, generator=g, dtype=x1.dtype)
    b = torch.rand(len(x1), 1, generator=g, dtype=x1.dtype)
    s, t = torch.minimum(a, b), torch.maximum(a, b)
    s[:n_diagonal] = torch.rand(n_diagonal, 1, generator=g, dtype=x1.dtype)
    t[:n_diagonal] = s[:n_diagonal]
    x0 = torch.randn(x1.shape, generator=g, dtype=x1.dtype)
    x_s = path.sample(x0, x1, s)
    of_batch = exact.marginal_velocity(EmpiricalDistribution(x1), path, x_s, s)
    return s, t, x_s, path.velocity(x0, x1, s), of_batch, g


def network():
    return AverageVelocityNet(hidden_dim=8, generator=seeded(5)).double()


def derivative(net, x, s, t, dx, ds, dt):
    return torch.func.jvp(net, (x, s, t), (dx, torch.full_like(s, ds), torch.full_like(t, dt)))


@both
@pytest.mark.parametrize("target", ["conditional", "batch"])
@pytest.mark.parametrize("diagonal", [0.0, 0.25, 1.0])
def test_the_loss_of_the_departure_by_hand(path, target, diagonal):
    x1, net = normal(20, 2), network()
    s, t, x_s, conditional, of_batch, _ = drawn(x1, path, 2, round(20 * diagonal))
    v = conditional if target == "conditional" else of_batch
    u, du = derivative(net, x_s, s, t, v, 1.0, 0.0)
    expected = (u - v - (t - s) * du).square().sum() / 40
    loss = meanflow_loss(net, x1, path, seeded(2), diagonal=diagonal, target=target)
    torch.testing.assert_close(loss, expected)


@both
def test_the_loss_of_the_arrival_by_hand(path):
    x1, net = normal(20, 2), network()
    s, t, x_s, _, v, _ = drawn(x1, path, 2, 5)
    u, du = derivative(net, x_s, s, t, torch.zeros_like(x_s), 0.0, 1.0)
    arrival = x_s + (t - s) * u
    speed = u + (t - s) * du
    residual = torch.where(torch.arange(20)[:, None] < 5, u - v, speed - net(arrival, t, t))
    loss = lagrangian_loss(net, x1, path, seeded(2), diagonal=0.25)
    torch.testing.assert_close(loss, residual.square().sum() / 40)


@both
def test_the_loss_of_the_composition_by_hand(path):
    x1, net = normal(20, 2), network()
    s, t, x_s, _, v, g = drawn(x1, path, 2, 5)
    w = s.clone()
    w[5:] = s[5:] + torch.rand(15, 1, generator=g, dtype=torch.float64) * (t - s)[5:]
    x_w = x_s + (w - s) * net(x_s, s, w)
    x_t = x_w + (t - w) * net(x_w, w, t)
    residual = net(x_s, s, t) - torch.where(torch.arange(20)[:, None] < 5, v, (x_t - x_s) / (t - s))
    loss = progressive_loss(net, x1, path, seeded(2), diagonal=0.25)
    torch.testing.assert_close(loss, residual.square().sum() / 40)


@both
def test_the_loss_of_consistency_by_hand(path):
    x1, net = normal(20, 2), network()
    s, _, x_s, _, v, _ = drawn(x1, path, 2, 20)
    u, du = derivative(net, x_s, s, torch.ones_like(s), v, 1.0, 0.0)
    expected = (u - v - (1 - s) * du).square().sum() / 40
    torch.testing.assert_close(consistency_loss(net, x1, path, seeded(2)), expected)


def test_the_loss_of_trajectories_by_hand():
    x, net, seen = trajectories(300), network(), []

    def model(x_s, s, t):
        seen.append((x_s, s, t))
        return net(x_s, s, t)

    loss = distillation_loss(model, (x[:, 0], x), PATH, seeded(4))
    x_s, s, t = seen[0]
    i, j = (8 * s).round().long().squeeze(1), (8 * t).round().long().squeeze(1)
    rows = torch.arange(300)
    assert (i < j).all() and torch.equal(x_s, x[rows, i])
    target = (x[rows, j] - x[rows, i]) / ((j - i) / 8)[:, None]
    torch.testing.assert_close(loss, (net(x_s, s, t) - target).square().mean())
    # all 36 pairs of times are equally likely
    counts = torch.zeros(36)
    for k in range(10):
        distillation_loss(model, x, PATH, seeded(k))
        _, s, t = seen[-1]
        i, j = (8 * s).round().long(), (8 * t).round().long()
        counts += torch.bincount((j * (j - 1) // 2 + i).flatten(), minlength=36)
    assert counts.min() > 45 and counts.max() < 130  # 83 expected


# the papers' own forms, in their time


def test_meanflow_as_its_paper_writes_it():
    """Geng et al. 2025, algorithm 1: noise at their time 1, u(z, r, t) goes from t back to r < t.

    z = (1 - t) x + t e, v = e - x, u_tgt = v - (t - r) dudt with dudt along (v, 0, 1) in (z, r, t). With
    t_paper = 1 - s, r_paper = 1 - t and u_paper = -u_ours it is the same loss.
    """
    x1, net = normal(20, 2), network()
    s, t, _, _, _, _ = drawn(x1, PATH, 2, 5)
    g = seeded(2)
    torch.rand(45, 1, generator=g, dtype=torch.float64)  # what `drawn` takes before the noise
    e = torch.randn(20, 2, generator=g, dtype=torch.float64)

    def u_paper(z, r, t):
        return -net(z, 1 - t, 1 - r)

    t_paper, r_paper = 1 - s, 1 - t
    z = (1 - t_paper) * x1 + t_paper * e
    v = e - x1
    tangents = (v, torch.zeros_like(r_paper), torch.ones_like(t_paper))
    u, dudt = torch.func.jvp(u_paper, (z, r_paper, t_paper), tangents)
    expected = (u - (v - (t_paper - r_paper) * dudt)).square().mean()
    loss = meanflow_loss(net, x1, PATH, seeded(2), diagonal=0.25, target="conditional")
    torch.testing.assert_close(loss, expected)


def test_shortcuts_as_their_paper_writes_them():
    """Frans et al. 2025, equations 4 and 5: s(x, t, 2d) = (s(x, t, d) + s(x', t + d, d)) / 2 with
    x' = x + s(x, t, d) d.
    """
    net, seen = network(), []

    def model(x, s, t):
        seen.append((x, s, t))
        return net(x, s, t)

    def shortcut(x, t, d):
        return net(x, t, t + d)

    loss = progressive_loss(model, normal(200, 2), PATH, seeded(1), midpoint=True, diagonal=0.0)
    x, t, end = seen[0]
    d = (end - t) / 2
    first = torch.where(d > 1 / 128, shortcut(x, t, d), shortcut(x, t, 0 * d))
    x_next = x + first * d
    second = torch.where(d > 1 / 128, shortcut(x_next, t + d, d), shortcut(x_next, t + d, 0 * d))
    expected = (shortcut(x, t, 2 * d) - (first + second) / 2).square().mean()
    torch.testing.assert_close(loss, expected)


def asked(loss, n=4000):
    """What a model is asked, one (x, s, t) for each call."""
    calls = []

    def model(x, s, t):
        calls.append((x, s, t))
        return torch.zeros_like(x)

    loss(model, GAUSSIAN.sample(n, seeded()), PATH, seeded(1))
    return calls


def test_shortcuts_are_halves_on_a_dyadic_grid():
    (_, s, t), (_, a, b), (_, c, d) = asked(partial(progressive_loss, midpoint=True, diagonal=0.25))
    assert torch.equal(s[:1000], t[:1000])
    s, t = s[1000:], t[1000:]
    length = t - s
    levels = -length.log2()
    assert torch.equal(levels, levels.round()) and set(levels.flatten().tolist()) == set(range(7))
    assert ((s / length) == (s / length).round()).all() and (t <= 1).all()
    assert torch.equal(a, s)
    halves = length > 1 / 64
    middle = s + length / 2
    torch.testing.assert_close(b, torch.where(halves, middle, s))
    torch.testing.assert_close(c, middle)
    torch.testing.assert_close(d, torch.where(halves, t, middle))
    counts = torch.bincount(levels.long().flatten())
    assert counts.min() > 350 and counts.max() < 510  # 429 expected


def test_intervals_are_uniform_on_the_triangle():
    s, t = random_interval(torch.zeros(20_000, 2), seeded())
    assert (s < t).all() and (s >= 0).all() and (t < 1).all()
    assert float(s.mean()) == pytest.approx(1 / 3, abs=0.01)
    assert float(t.mean()) == pytest.approx(2 / 3, abs=0.01)
    assert float((s * t).mean()) == pytest.approx(1 / 4, abs=0.01)  # 2 int_0^1 int_0^t s t ds dt


@pytest.mark.parametrize("diagonal, n", [(0.0, 0), (0.3, 3), (0.5, 5), (1.0, 10)])
def test_the_share_of_rows_without_length(diagonal, n):
    (_, s, t), *_ = asked(partial(progressive_loss, diagonal=diagonal), 10)
    assert int((s == t).sum()) == n


# gradients


def gradient(loss, net):
    return torch.autograd.grad(loss, list(net.parameters()))


def test_stop_gradient_stops():
    x1, net = normal(20, 2), network()
    s, t, x_s, _, v, _ = drawn(x1, PATH, 2, 5)
    u, du = derivative(net, x_s, s, t, v, 1.0, 0.0)
    given = (v + (t - s) * du).detach()
    expected = gradient((net(x_s, s, t) - given).square().mean(), net)
    loss = meanflow_loss(net, x1, PATH, seeded(2), diagonal=0.25)
    for a, b in zip(gradient(loss, net), expected, strict=True):
        torch.testing.assert_close(a, b)
    free = gradient((u - v - (t - s) * du).square().mean(), net)
    loss = meanflow_loss(net, x1, PATH, seeded(2), diagonal=0.25, stop_gradient=False)
    assert not torch.allclose(free[0], expected[0], rtol=0.05)
    for a, b in zip(gradient(loss, net), free, strict=True):
        torch.testing.assert_close(a, b)


def test_what_the_others_take_as_given():
    x1, net = normal(20, 2), network()
    given = copy.deepcopy(net).requires_grad_(False)

    # at the arrival: the velocity there
    s, t, x_s, _, v, _ = drawn(x1, PATH, 2, 0)
    u, du = derivative(net, x_s, s, t, torch.zeros_like(x_s), 0.0, 1.0)
    there = given((x_s + (t - s) * u).detach(), t, t)
    expected = gradient((u + (t - s) * du - there).square().mean(), net)
    loss = lagrangian_loss(net, x1, PATH, seeded(2), diagonal=0.0)
    for a, b in zip(gradient(loss, net), expected, strict=True):
        torch.testing.assert_close(a, b)

    # by composition: both jumps; for consistency: the right side
    for loss in (partial(progressive_loss, diagonal=0.0), consistency_loss):
        value = loss(net, x1, PATH, seeded(2))
        s, t, x_s, _, v, g = drawn(x1, PATH, 2, 20 if loss is consistency_loss else 0)
        if loss is consistency_loss:
            t = torch.ones_like(s)
            target = v + (t - s) * derivative(given, x_s, s, t, v, 1.0, 0.0)[1]
        else:
            share = torch.rand(20, 1, generator=g, dtype=torch.float64)
            w = s + share * (t - s)
            x_w = x_s + (w - s) * given(x_s, s, w)
            target = share * given(x_s, s, w) + (1 - share) * given(x_w, w, t)
        expected = gradient((net(x_s, s, t) - target).square().mean(), net)
        for a, b in zip(gradient(value, net), expected, strict=True):
            torch.testing.assert_close(a, b)


# training, and the ends of time


@pytest.mark.parametrize("name", LOSSES)
def test_training_comes_nearer_to_the_exact_ends(name):
    net = AverageVelocityNet(hidden_dim=32, generator=seeded())
    x0 = normal(300, 2).float()
    ends = gaussian_map(x0, torch.zeros(1), torch.ones(1))
    before = paired_gap(jump(net, x0, 1)[-1], ends.float())
    loss = LOSSES[name]
    if name == "meanflow, exact":
        loss = partial(loss, target=exact.velocity_field(GAUSSIAN, PATH))
    history = train(
        net, GAUSSIAN, PATH, 150, batch_size=64, lr=5e-3, loss_fn=loss, generator=seeded(), progress=False
    )
    after = paired_gap(jump(net, x0, 1)[-1], ends.float())
    assert len(history.losses) == 150 and after < 0.5 * before


def test_training_on_trajectories():
    x = flow_map_trajectories(exact.velocity_field(MIXTURE, PATH), 2000, 2, 9, seeded())
    net = AverageVelocityNet(hidden_dim=32, generator=seeded())
    train(
        net, (x[:, 0], x), PATH, 300, lr=5e-3, loss_fn=distillation_loss, generator=seeded(), progress=False
    )
    x0 = normal(300, 2)
    ends = exact_flow_map(MIXTURE, PATH, x0, 0, 1)
    assert paired_gap(jump(net, x0.float(), 1)[-1], ends.float()) < 0.5


@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_velocity_of_a_batch_at_the_end_of_time(path, dtype):
    x1 = normal(30, 2).to(dtype)
    x0 = normal(30, 2, 1).to(dtype)
    t = torch.ones(30, 1, dtype=dtype)
    x_t, u_t = path.point_and_target(x0, x1, t)
    v = batch_velocity(x1, path, x_t, u_t, t)
    assert v.isfinite().all()
    if path == StraightPath(0.1):
        expected = exact.marginal_velocity(EmpiricalDistribution(x1), path, x_t, t)
        torch.testing.assert_close(v, expected, rtol=1e-3, atol=1e-3)
    else:  # x_t is x1, and no other point leads there
        torch.testing.assert_close(v, u_t)
    just_before = 1 - torch.full_like(t, torch.finfo(dtype).eps / 2)
    x_t, u_t = path.point_and_target(x0, x1, just_before)
    assert batch_velocity(x1, path, x_t, u_t, just_before).isfinite().all()


def test_random_intervals_have_the_dtype_of_the_points():
    for dtype in (torch.float32, torch.float64):
        assert all(time.dtype == dtype for time in random_interval(torch.zeros(3, 2, dtype=dtype), seeded()))


def test_another_network_is_named():
    with pytest.raises(TypeError, match=r"model must be callable as model\(x, s, t\)"):
        meanflow_loss(VelocityNet(), normal(4, 2).float(), PATH, seeded())
