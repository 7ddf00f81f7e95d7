"""The projectile against Galilei, single throws with an event, energy, and importance weights."""

import math

import numpy as np
import pytest
import torch
from helpers import seeded
from scipy.integrate import solve_ivp

from fmtutorial.problems import GRAVITY, Projectile, flight, landing


def test_without_drag_the_landing_is_galileis():
    angle = np.array([10.0, 30.0, 45.0, 80.0])
    speed = np.array([20.0, 25.0, 30.0, 35.0])
    expected = speed**2 * np.sin(2 * np.radians(angle)) / GRAVITY
    np.testing.assert_allclose(landing(angle, speed, 0.0), expected, rtol=1e-5)


def test_with_drag_it_is_that_of_one_throw_with_an_event():
    def slope(t, s, k=0.02):
        drag_rate = k * math.hypot(s[2], s[3])
        return [s[2], s[3], -drag_rate * s[2], -GRAVITY - drag_rate * s[3]]

    def ground(t, s):
        return s[1] if t > 0.01 else 1.0

    ground.terminal = True
    for angle, speed in ((20.0, 28.0), (70.0, 33.0)):
        start = [0, 0, speed * math.cos(math.radians(angle)), speed * math.sin(math.radians(angle))]
        alone = solve_ivp(slope, (0, 20), start, events=ground, rtol=1e-10, atol=1e-10).y[0, -1]
        together = landing(np.array([angle, 45.0]), np.array([speed, 30.0]), 0.02)[0]
        assert together == pytest.approx(alone, abs=1e-3)


def test_drag_only_takes_energy():
    _, states = flight(np.array([35.0, 60.0]), np.array([30.0, 30.0]), 0.01)
    energy = 0.5 * (states[:, 2] ** 2 + states[:, 3] ** 2) + GRAVITY * states[:, 1]
    assert (np.diff(energy, axis=0) < 0).all()


def test_the_grid_posterior_agrees_with_weighted_prior_draws():
    throw = Projectile(noise=2.0)
    metres = 54.0
    grid = throw.posterior(metres)
    x1 = torch.randn(40_000, 2, generator=seeded(), dtype=torch.float64)
    log_likelihood = -0.5 * ((throw.distance(x1) - metres) / throw.noise).square()
    w = log_likelihood.softmax(0)
    mean = w @ x1
    torch.testing.assert_close(grid.mean, mean, atol=0.06, rtol=0.0)
    torch.testing.assert_close(grid.std, (w @ (x1 - mean).square()).sqrt(), atol=0.06, rtol=0.0)
    # how well the posterior explains what was seen
    expected = (w @ (throw.distance(x1) - metres).square()).sqrt().item()
    residual = (grid.probabilities @ (throw.distance(grid.points) - metres).square()).sqrt().item()
    assert residual == pytest.approx(expected, rel=0.05)
    samples = grid.sample(20_000, seeded(1)).double()
    torch.testing.assert_close(samples.mean(0), grid.mean, atol=0.03, rtol=0.0)
    torch.testing.assert_close(samples.std(0), grid.std, atol=0.03, rtol=0.0)
    axis, table = grid.density()
    assert table.shape == (201, 201)
    assert table.sum() == pytest.approx(1.0)
    torch.testing.assert_close((axis[:, None] * table).sum(), grid.mean[0])


def test_a_wide_grid_holds_a_posterior_that_the_usual_one_cuts_off():
    throw = Projectile()
    near, wide, wider = (throw.posterior(72.0, w) for w in (5.0, 10.0, 12.0))
    torch.testing.assert_close(wide.mean, wider.mean, rtol=0, atol=0.02)
    torch.testing.assert_close(wide.std, wider.std, rtol=0.03, atol=0)
    beyond = wider.probabilities[wider.points[:, 1] > 5].sum()
    assert beyond > 0.9
    assert wider.mean[1] > near.mean[1] + 0.5
    usual = throw.posterior(55.0)  # where the prior expects the distance both grids agree
    torch.testing.assert_close(usual.mean, throw.posterior(55.0, 10.0).mean, rtol=0, atol=0.02)


def test_throws_and_their_conditions():
    throw = Projectile(noise=0.5)
    x1, y = throw.sample(4000, seeded())
    angle, speed = throw.launch(x1)
    assert angle.min() >= 1
    assert angle.max() <= 89
    assert np.mean(speed) == pytest.approx(30, abs=0.1)
    assert np.std(angle) == pytest.approx(12, abs=0.5)
    residual = y[:, 0].double() * 10 + 60 - throw.distance(x1)
    assert residual.mean().item() == pytest.approx(0.0, abs=0.05)
    assert residual.std().item() == pytest.approx(0.5, abs=0.03)


def test_launches_are_what_the_prior_says_and_stay_possible():
    x1 = torch.tensor([[0.0, 0.0], [1.0, -2.0], [-3.5, 1.0], [3.8, -28.5], [-9.0, -40.0], [9.0, 0.0]])
    angle, speed = Projectile().launch(x1)
    np.testing.assert_allclose(angle, [45.0, 57.0, 3.0, 89.0, 1.0, 89.0], rtol=1e-6)
    np.testing.assert_allclose(speed, [30.0, 28.0, 31.0, 1.5, 1.0, 30.0], rtol=1e-6)


def test_the_condition_is_the_distance_in_tens_of_metres_from_sixty():
    condition = Projectile().condition(torch.tensor([60.0, 70.0, 45.0]))
    torch.testing.assert_close(condition, torch.tensor([[0.0], [1.0], [-1.5]]))


def test_the_usual_throw_has_a_drag_of_a_hundredth_and_a_noise_of_a_metre():
    throw = Projectile()
    assert throw.drag == 0.01
    assert throw.noise == 1.0
    usual = landing(np.array([45.0]), np.array([30.0]), 0.01)
    assert throw.distance(torch.zeros(1, 2)).item() == pytest.approx(usual[0])


def test_the_grid_reaches_half_a_width_to_each_side_in_201_points():
    throw = Projectile()
    for half_width in (5.0, 8.0):
        grid = throw.posterior(55.0, half_width)
        axis, _ = grid.density()
        torch.testing.assert_close(axis, torch.linspace(-half_width, half_width, 201, dtype=torch.float64))
        assert grid.step == pytest.approx(2 * half_width / 200)
    torch.testing.assert_close(throw.posterior(55.0).mean, throw.posterior(55.0, 5.0).mean)


def test_samples_of_a_grid_fill_their_cells_evenly():
    grid = Projectile().posterior(55.0)
    samples = grid.sample(20_000, seeded()).double()
    in_steps = samples / grid.step  # the grid's points are whole numbers of steps
    offset = in_steps - in_steps.round()
    assert offset.abs().max() <= 0.5 + 1e-4
    assert offset.std().item() == pytest.approx(1 / 12**0.5, abs=0.005)


def test_flight_takes_201_times_until_the_longest_flight_without_drag_is_over():
    times, states = flight(np.array([30.0, 60.0]), np.array([20.0, 30.0]), 0.01)
    assert times.shape == (201,)
    assert states.shape == (201, 4, 2)
    assert times[-1] == pytest.approx(2 * 30.0 * math.sin(math.radians(60.0)) / GRAVITY)
