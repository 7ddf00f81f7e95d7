"""Networks of the torus and the sphere: periodic, tangent, and decided by their generator."""

import math

import pytest
import torch
from helpers import normal, seeded

from fmtutorial.variants import Sphere, SphereNet, Torus, TorusNet


def test_a_torus_net_is_periodic_and_sees_two_frequencies():
    net = TorusNet(3, generator=seeded(0)).double()
    x, t = Torus(3).uniform(7, seeded(1), dtype=torch.float64), torch.rand(7, 1, dtype=torch.float64)
    turns = 2 * math.pi * torch.tensor([[1.0, 0.0, -2.0]], dtype=torch.float64)
    assert net(x, t).shape == (7, 3)
    torch.testing.assert_close(net(x, t), net(x + turns, t))
    features = torch.cat([x.cos(), x.sin(), (2 * x).cos(), (2 * x).sin()], dim=1)
    assert torch.equal(net(x, t), net.net(features, t))


def test_a_sphere_net_is_tangent():
    net = SphereNet(generator=seeded(0)).double()
    x = Sphere().uniform(7, seeded(1), dtype=torch.float64)
    v = net(x, 0.3)
    assert (v * x).sum(1).abs().max() < 1e-14 and v.norm(dim=1).min() > 0
    radial = ((net.net(x, 0.3) - v) * x).sum(1, keepdim=True) * x
    torch.testing.assert_close(net.net(x, 0.3), v + radial)


@pytest.mark.parametrize("make", [lambda g: TorusNet(2, generator=g), lambda g: SphereNet(generator=g)])
def test_the_generator_decides_the_weights(make):
    state = torch.get_rng_state()
    one, same, other = make(seeded(1)), make(seeded(1)), make(seeded(2))
    assert torch.equal(state, torch.get_rng_state())
    x = normal(5, 2 if isinstance(one, TorusNet) else 3).float()
    assert torch.equal(one(x, 0.5), same(x, 0.5)) and not torch.equal(one(x, 0.5), other(x, 0.5))


def test_sizes():
    net = TorusNet(2, time_dim=3, hidden_dim=10, depth=2)
    assert [tuple(p.shape) for p in net.parameters()] == [(10, 11), (10,), (10, 10), (10,), (2, 10), (2,)]
    net = SphereNet(time_dim=1, hidden_dim=10, depth=1)
    assert [tuple(p.shape) for p in net.parameters()] == [(10, 4), (10,), (3, 10), (3,)]
