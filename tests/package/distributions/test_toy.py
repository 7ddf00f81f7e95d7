"""The toy data sets lie where their descriptions say, and as often."""

import torch
from helpers import seeded

from fmtutorial.distributions import Checkerboard, Moons, Spiral


def test_moons_lie_on_two_half_circles():
    x = Moons(noise=0.0).sample(1000, seeded())
    upper = (x.norm(dim=1) - 1).abs()
    lower = ((x - torch.tensor([1.0, 0.5])).norm(dim=1) - 1).abs()
    assert (torch.minimum(upper, lower) < 1e-5).all()


def test_checkerboard_uses_every_dark_square_and_no_other():
    square = (Checkerboard(side=1.0).sample(20_000, seeded()) + 2).floor().long()
    assert ((square.sum(1) % 2) == 0).all()
    counts = torch.bincount(4 * square[:, 0] + square[:, 1], minlength=16)
    assert sorted((counts > 0).tolist()).count(True) == 8
    assert counts[counts > 0].min() > 2200


def test_spiral_radius_is_angle_over_two_pi():
    x = Spiral(turns=2.0, noise=0.0).sample(1000, seeded())
    angle = torch.atan2(x[:, 1], x[:, 0]) / (2 * torch.pi)
    turns = x.norm(dim=1) - angle
    torch.testing.assert_close(turns, turns.round(), atol=1e-4, rtol=0)


def test_moons_are_drawn_equally_often_and_evenly_along_their_arcs():
    x = Moons(noise=0.0).sample(40_000, seeded())
    upper = (x.norm(dim=1) - 1).abs() < 1e-5
    assert abs(float(upper.double().mean()) - 0.5) < 0.015
    angle = torch.atan2(x[upper, 1], x[upper, 0])
    assert angle.min() >= 0
    assert abs(float(angle.mean()) - torch.pi / 2) < 0.03
    assert abs(float(angle.std()) - torch.pi / 12**0.5) < 0.02


def test_noise_has_the_standard_deviation_that_is_asked_for():
    for quiet, noisy in ((Moons(0.0), Moons(0.3)), (Spiral(2.0, 0.0), Spiral(2.0, 0.3))):
        difference = noisy.sample(40_000, seeded()) - quiet.sample(40_000, seeded())  # the same draws
        assert abs(float(difference.std()) - 0.3) < 0.005


def test_the_usual_sizes_of_the_toys():
    assert Moons().noise == 0.05
    assert Checkerboard().side == 2.0
    assert (Spiral().turns, Spiral().noise) == (2.0, 0.05)
    board = Checkerboard(side=3.0).sample(20_000, seeded())
    assert board.abs().max() <= 6.0
    assert board.abs().max() > 5.9
    assert abs(float(Spiral(3.0, 0.0).sample(20_000, seeded()).norm(dim=1).max()) - 3.0) < 0.01
