"""The network: shapes, times, and time features that tell every time apart."""

import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import ConditionalVelocityNet, VelocityNet
from fmtutorial.training import recommended_network, time_features
from fmtutorial.training.networks import ResidualBlock


@pytest.mark.parametrize("time_dim", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 7])
def test_time_may_be_a_scalar_a_vector_or_a_column(time_dim, n):
    model = VelocityNet(in_dim=3, out_dim=3, time_dim=time_dim, hidden_dim=8)
    x = normal(n, 3).float()
    expected = model(x, 0.3)
    assert expected.shape == (n, 3)
    for t in (torch.tensor(0.3), torch.full((n,), 0.3), torch.full((n, 1), 0.3)):
        torch.testing.assert_close(model(x, t), expected)


def test_each_row_has_its_own_time():
    model = VelocityNet(hidden_dim=8)
    x = normal(5, 2).float()
    t = torch.linspace(0, 1, 5)
    for i in range(5):
        torch.testing.assert_close(model(x, t)[i : i + 1], model(x[i : i + 1], t[i]))


@given(st.integers(1, 9), st.floats(0, 1), st.floats(0, 1))
def test_no_two_times_look_alike(dim, a, b):
    columns = [time_features(torch.tensor([[v]], dtype=torch.float64), dim) for v in (a, b)]
    assert columns[0].shape == (1, dim)
    assert (columns[0] - columns[1]).abs().max() >= abs(a - b)


def test_the_ends_of_time_differ():
    start, end = (time_features(torch.tensor([[v]]), 7) for v in (0.0, 1.0))
    assert (start - end).abs().max() > 0.9


def test_time_features_are_the_documented_ones():
    t = torch.rand(4, 1, generator=seeded())
    expected = [
        t,
        (torch.pi * t).cos(),
        (torch.pi * t).sin(),
        (2 * torch.pi * t).cos(),
        (2 * torch.pi * t).sin(),
    ]
    torch.testing.assert_close(time_features(t, 5), torch.cat(expected, 1))


def test_the_output_depends_on_place_and_time():
    model = VelocityNet()
    x = normal(3, 2).float()
    assert not torch.allclose(model(x, 0.0), model(x, 1.0))
    assert not torch.allclose(model(x, 0.5), model(x + 1, 0.5))


def test_double_precision_is_kept():
    assert VelocityNet().double()(normal(3, 2), 0.5).dtype == torch.float64


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_depth_counts_hidden_layers(depth):
    linear = [m for m in VelocityNet(depth=depth).modules() if isinstance(m, torch.nn.Linear)]
    assert len(linear) == depth + 1


def conditional(**options):
    torch.manual_seed(0)
    net = ConditionalVelocityNet(2, hidden_dim=16, n_blocks=2, **options)
    for p in net.parameters():  # the zeros of a new network would hide what the blocks do
        torch.nn.init.normal_(p, std=0.3)
    return net


def test_rows_of_a_conditional_network_do_not_see_each_other():
    net = conditional(n_classes=4)
    x = normal(6, 2).float()
    y = torch.tensor([0, 1, 2, 3, 0, 1])
    t = torch.rand(6, 1, generator=seeded())
    whole = net(x, t, y)
    rows = torch.cat([net(x[i : i + 1], t[i : i + 1], y[i : i + 1]) for i in range(6)])
    torch.testing.assert_close(whole, rows)
    assert not torch.allclose(net(x, t, (y + 1) % 4), whole)


@pytest.mark.parametrize("kind", ["n_classes", "condition_dim"])
def test_rows_that_drop_their_condition_are_unconditional(kind):
    net = conditional(**{kind: 3})
    x = normal(6, 2).float()
    y = torch.tensor([0, 1, 2, 0, 1, 2]) if kind == "n_classes" else normal(6, 3, 1).float()
    keep = torch.tensor([True, False] * 3).unsqueeze(1)
    mixed = net(x, 0.3, y, keep)
    torch.testing.assert_close(mixed[::2], net(x, 0.3, y)[::2])
    torch.testing.assert_close(mixed[1::2], net(x, 0.3)[1::2])


def test_a_new_block_changes_nothing():
    torch.manual_seed(0)
    block = ResidualBlock(8)
    h = normal(5, 8).float()
    assert torch.equal(block(h, normal(5, 8, 1).float()), h)


def test_the_recommended_network_fits_its_data():
    x = normal(5, 3).float()
    y = torch.tensor([0, 4, 1, 0, 2])
    assert recommended_network(x)(x, 0.5).shape == (5, 3)
    assert recommended_network(x, y).n_classes == 5
    assert recommended_network(x, x[:, :2], unconditional=False)(x, 0.5, x[:, :2]).shape == (5, 3)
    a, b = (recommended_network(x, generator=seeded(4)) for _ in range(2))
    assert torch.equal(a(x, 0.1), b(x, 0.1))


def test_a_generator_decides_the_weights_and_leaves_pytorchs_own_state():
    x = normal(5, 3).float()
    torch.manual_seed(7)
    expected = torch.rand(4)
    torch.manual_seed(7)
    recommended_network(x, generator=seeded(4))
    assert torch.equal(torch.rand(4), expected)
    torch.manual_seed(7)
    without = recommended_network(x)
    torch.manual_seed(7)
    assert torch.equal(without(x, 0.1), recommended_network(x)(x, 0.1))
