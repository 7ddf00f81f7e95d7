"""The network, its derivative by the chain rule beside automatic differentiation, and its jumps."""

import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import CosinePath, StraightPath
from fmtutorial.variants import AverageVelocityNet, jump, renoised_jumps, velocity_and_derivative


def columns(n):
    """Two times for each of n points, in any order."""
    times = torch.rand(n, 2, generator=seeded(), dtype=torch.float64)
    return times[:, :1], times[:, 1:]


NETS = st.builds(
    lambda dim, time_dim, depth: AverageVelocityNet(
        dim, time_dim, 7, depth=depth, generator=seeded(dim + 10 * depth)
    ).double(),
    st.integers(1, 4),
    st.integers(1, 6),
    st.integers(1, 4),
)


@given(net=NETS, n=st.integers(1, 9), ds=st.floats(-1, 1), dt=st.floats(-1, 1))
def test_the_derivative_is_that_of_automatic_differentiation(net, n, ds, dt):
    x, dx = normal(n, net.dim), normal(n, net.dim, 1)
    s, t = columns(n)
    u, du = velocity_and_derivative(net, x, s, t, dx, ds, dt)
    expected = torch.func.jvp(net, (x, s, t), (dx, torch.full_like(s, ds), torch.full_like(t, dt)))
    torch.testing.assert_close((u, du), expected, rtol=1e-10, atol=1e-10)


def test_gradients_go_through_the_derivative():
    net = AverageVelocityNet(hidden_dim=6, generator=seeded()).double()
    x, dx = normal(4, 2), normal(4, 2, 1)
    s, t = columns(4)
    by_hand = velocity_and_derivative(net, x, s, t, dx, 1.0, 0.0)[1].square().sum()
    by_torch = torch.func.jvp(net, (x, s, t), (dx, torch.ones_like(s), torch.zeros_like(t)))[1].square().sum()
    for a, b in zip(
        *(torch.autograd.grad(y, list(net.parameters())[:-1]) for y in (by_hand, by_torch)), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_another_model_goes_through_torch_func():
    s, t = columns(4)
    x, dx = normal(4, 2), normal(4, 2, 1)
    u, du = velocity_and_derivative(lambda x, s, t: x.sin() * s * t**2, x, s, t, dx, 2.0, 0.5)
    torch.testing.assert_close(u, x.sin() * s * t**2)
    expected = x.cos() * dx * s * t**2 + 2 * x.sin() * t**2 + 0.5 * 2 * x.sin() * s * t
    torch.testing.assert_close(du, expected)


def test_the_network_knows_both_times_of_each_row():
    net = AverageVelocityNet(3, generator=seeded())
    x = normal(4, 3).float()
    s = torch.tensor([[0.0], [0.2], [0.2], [0.7]])
    t = torch.tensor([[0.5], [0.5], [0.9], [0.7]])
    together = net(x, s, t)
    for row in range(4):
        alone = net(x[row : row + 1], float(s[row]), t[row])
        torch.testing.assert_close(together[row : row + 1], alone)
    assert together.shape == (4, 3)
    one = x[:1].expand(4, 3)
    assert len(net(one, s, t).unique(dim=0)) == 4


def test_the_seed_decides_the_weights():
    x = normal(3, 2).float()
    a, b = (AverageVelocityNet(generator=seeded(4))(x, 0.1, 0.9) for _ in range(2))
    assert torch.equal(a, b)


def average(x, s, t):
    """The average velocity of x(t) = x(0) (1 + t^2)."""
    return x * (t**2 - s**2) / (1 + s**2) / (t - s)


@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_any_number_of_exact_jumps_ends_at_the_same_points(n_steps):
    x0 = normal(40, 2)
    states = jump(average, x0, n_steps)
    assert states.shape == (n_steps + 1, 40, 2) and torch.equal(states[0], x0)
    for k in range(1, n_steps + 1):
        torch.testing.assert_close(states[k], x0 * (1 + (k / n_steps) ** 2))


def test_jumps_keep_no_gradients():
    net = AverageVelocityNet(generator=seeded())
    assert not jump(net, torch.zeros(3, 2), 2).requires_grad


# jumps to the end, with new noise between them


@pytest.mark.parametrize("path", [StraightPath(0.0), StraightPath(0.1), CosinePath()], ids=repr)
def test_jumps_with_new_noise_by_hand(path):
    net = AverageVelocityNet(hidden_dim=8, generator=seeded(5)).double()
    x0 = normal(6, 2)
    states = renoised_jumps(net, x0, path, 3, seeded(1))
    g = seeded(1)
    x = x0
    for k in range(3):
        s = torch.full((6, 1), k / 3, dtype=torch.float64)
        if k > 0:
            z = torch.randn(6, 2, generator=g, dtype=torch.float64)
            x = path.alpha(s) * states[k] + path.sigma(s) * z
        torch.testing.assert_close(states[k + 1], x + (1 - s) * net(x, s, torch.ones_like(s)))
    assert states.shape == (4, 6, 2) and torch.equal(states[0], x0) and not states.requires_grad
    torch.testing.assert_close(states[1], jump(net, x0, 1)[1])


@pytest.mark.parametrize("n_steps", [1, 2, 4])
def test_the_exact_map_keeps_the_law_of_the_data_through_new_noise(n_steps):
    """Data N(m, c^2) in each axis: the exact jump to t = 1 from x_s ~ N(s m, (1 - s)^2 + s^2 c^2)."""
    mean, std, n = 1.5, 0.4, 40_000

    def u(x, s, t):
        spread = ((1 - s) ** 2 + s**2 * std**2).sqrt()
        end = mean + std / spread * (x - s * mean)
        return (end - x) / (1 - s)

    ends = renoised_jumps(u, normal(n, 2), StraightPath(0.0), n_steps, seeded(3))[-1]
    assert ((ends.mean(0) - mean).abs() < 4 * std / n**0.5).all()
    assert ((ends.std(0) - std).abs() < 4 * std / (2 * n) ** 0.5).all()
    if n_steps > 1:  # the noise is new: an end no longer belongs to its start
        starts = normal(n, 2)
        assert abs(float(torch.corrcoef(torch.stack([starts[:, 0], ends[:, 0]]))[0, 1])) < 0.9
