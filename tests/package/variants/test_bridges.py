"""Bridges: their ends, and the SDEs that all have the bridge's densities."""

import pytest
import torch
from helpers import normal, random_mixture, seeded

from fmtutorial.metrics import sliced_wasserstein, sliced_wasserstein_floor
from fmtutorial.variants import Bridge, bridge_fields, sample_bridge

LEFT = random_mixture(1, 2, 2)
RIGHT = random_mixture(2, 2, 3)


def test_the_ends_are_kept():
    x0, x1 = normal(5, 2), normal(5, 2, seed=1)
    assert torch.equal(Bridge(2.0).sample(x0, x1, 0.0, seeded()), x0)
    assert torch.equal(Bridge(2.0).sample(x0, x1, 1.0, seeded()), x1)


def test_the_noise_on_the_way_has_the_bridges_variance():
    n, t = 100_000, 0.3
    ends = torch.zeros(n, 1, dtype=torch.float64)
    x_t, z = Bridge(2.0).point_and_noise(ends, ends, t, seeded())
    assert abs(float(x_t.var()) / (4 * t * (1 - t)) - 1) < 4.5 * (2 / n) ** 0.5
    later = Bridge(2.0).variance(t + 1e-6) ** 0.5 - Bridge(2.0).variance(t - 1e-6) ** 0.5
    torch.testing.assert_close(Bridge(2.0).velocity(ends, ends, z, t), later / 2e-6 * z, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("noise_level", [0.0, 0.5, 2.0])
def test_every_noise_level_ends_in_the_same_law(noise_level):
    n = 4000
    fields = bridge_fields(LEFT, RIGHT, Bridge(1.0))
    x0 = LEFT.sample(n, seeded(1), stratified=True, dtype=torch.float64)
    trajectory, times = sample_bridge(*fields, x0, 100, noise_level, seeded(2))
    assert trajectory.shape == (101, n, 2) and float(times[-1]) == 1
    truth = RIGHT.sample(n, seeded(3), dtype=torch.float64)
    floor, _ = sliced_wasserstein_floor(RIGHT, n, 4, seeded(4))
    assert sliced_wasserstein(trajectory[-1], truth, 64, seeded(5)) < 2 * floor


def test_noise_without_the_scores_drift_spreads_the_law():
    n = 4000
    velocity, score = bridge_fields(LEFT, RIGHT, Bridge(1.0))
    x0 = LEFT.sample(n, seeded(1), dtype=torch.float64)
    ends = [
        sample_bridge(velocity, drift, x0, 100, 1.0, seeded(2))[0][-1].var(0).sum()
        for drift in (score, lambda x, t: 0 * x)
    ]
    assert ends[1] > 1.2 * ends[0]


def test_steps_that_leave_the_numbers_are_named():
    with pytest.raises(FloatingPointError, match=r"left the numbers at t = 1: .*n_steps = 1.*level below 2"):
        sample_bridge(lambda x, t: 0 * x, lambda x, t: 1e308 + 0 * x, normal(3, 2), 1, 2.0, seeded())
