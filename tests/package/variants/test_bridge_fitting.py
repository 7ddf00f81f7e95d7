"""Processes from either end, and the rounds of learning that lead to Schroedinger's bridge."""

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import VelocityNet
from fmtutorial.variants import (
    Bridge,
    bridge_moments,
    gaussian_bridge,
    markovian_fitting,
    markovian_projection,
    simulate_drift,
)
from fmtutorial.variants import bridge_fitting as module

COV0 = torch.tensor([[1.0, 0.3], [0.3, 0.5]], dtype=torch.float64)
COV1 = torch.tensor([[0.6, -0.5], [-0.5, 1.4]], dtype=torch.float64)


def from_covariance(n, covariance, seed):
    return normal(n, 2, seed) @ torch.linalg.cholesky(covariance).T


def moments(x0, x1):
    """The covariance of all four coordinates, (4, 4)."""
    return torch.cov(torch.cat([x0, x1], dim=1).T)


# processes


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_the_bridges_process_couples_the_ends_as_the_bridge_from_either_end(backward):
    s, n = 1.0, 20_000
    cross = gaussian_bridge(COV0, COV1, s)

    def drift(x, t):
        covariance, matrix = bridge_moments(COV0, COV1, cross, s, float(t))
        if backward:  # - b + s^2/2 score = - (b + s^2/2 score) + s^2 score
            matrix = -matrix - s**2 * torch.linalg.inv(covariance)
        return x @ matrix.T

    start = from_covariance(n, COV1 if backward else COV0, 1)
    trajectory, times = simulate_drift(drift, start, s, 100, backward=backward, generator=seeded(2))
    assert torch.equal(trajectory[0], start) and trajectory.shape == (101, n, 2)
    assert float(times[0]) == backward and float(times[-1]) == 1 - backward
    x0, x1 = (trajectory[-1], start) if backward else (start, trajectory[-1])
    exact = torch.cat([torch.cat([COV0, cross], 1), torch.cat([cross.T, COV1], 1)])
    assert (moments(x0, x1) - exact).abs().max() < 0.05  # steps of 0.01, and 4.5 of 1.4 (2 / n)^0.5
    middle = bridge_moments(COV0, COV1, cross, s, 0.5)[0]
    assert (torch.cov(trajectory[50].T) - middle).abs().max() < 0.05


@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_without_noise_it_is_eulers_method_at_the_times_it_reaches(backward):
    seen = []

    def drift(x, t):
        seen.append(float(t))
        return x

    x = normal(3, 2)
    trajectory, times = simulate_drift(drift, x, 0.0, 4, backward=backward)
    torch.testing.assert_close(trajectory, torch.stack([x * 1.25**k for k in range(5)]))
    assert seen == times[:-1].tolist() == ([1.0, 0.75, 0.5, 0.25] if backward else [0.0, 0.25, 0.5, 0.75])


def test_the_noise_has_the_variance_of_brownian_motion():
    n = 50_000
    trajectory, times = simulate_drift(lambda x, t: 0 * x, torch.zeros(n, 1), 3.0, 4, generator=seeded())
    variances = trajectory.squeeze(-1).var(dim=1)
    assert ((variances - 9 * times).abs() <= 4.5 * 9 * times * (2 / n) ** 0.5).all()


# rounds


def networks():
    torch.manual_seed(0)
    return [VelocityNet(hidden_dim=32), VelocityNet(hidden_dim=32)]


OPTIONS = {"batch_size": 256, "lr": 5e-3, "schedule": "cosine", "progress": False}


def test_each_round_is_a_markovian_projection():
    s, n = 1.0, 4000
    x0, x1 = from_covariance(n, COV0, 0).float(), from_covariance(n, COV1, 1).float()
    rounds = markovian_fitting(
        *networks(), x0, x1, Bridge(s), 3, 500, n_simulation_steps=50, generator=seeded(2), **OPTIONS
    )
    assert len(rounds) == 3
    cross = torch.zeros(2, 2, dtype=torch.float64)
    for k, (a, b) in enumerate(rounds):
        cross = markovian_projection(COV0, COV1, cross, s)
        found = moments(a, b).double()
        assert (found[:2, 2:] - cross).abs().max() < 0.08
        assert (found[:2, :2] - COV0).abs().max() < 0.15 and (found[2:, 2:] - COV1).abs().max() < 0.15
        # one end is data
        assert torch.equal((a, b)[k % 2], (x0, x1)[k % 2])


def test_the_rounds_take_turns_with_the_pairs_of_the_one_before(monkeypatch):
    calls = []
    networks = [torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)]

    def recorded(model, pairs, bridge, n_steps, *, loss_fn, generator):
        calls.append((model, pairs, loss_fn.keywords["backward"]))
        return module.train_bridge.history

    class History:
        interrupted = False

    recorded.history = History
    monkeypatch.setattr(module, "train_bridge", recorded)

    def simulated(model, x, s, n_steps, *, backward, generator):
        return torch.stack([x, x + (len(calls))]), None

    monkeypatch.setattr(module, "simulate_drift", simulated)
    x0, x1 = normal(3, 1), normal(3, 1, 1)
    rounds = markovian_fitting(*networks, x0, x1, Bridge(1.0), 3)
    expected = [(x0, x0 + 1), (x1 + 2, x1), (x0, x0 + 3)]
    for found, wanted in zip(rounds, expected, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))
    assert [model for model, _, _ in calls] == [networks[0], networks[1], networks[0]]
    assert [backward for _, _, backward in calls] == [False, True, False]
    assert [pairs for _, pairs, _ in calls][1:] == rounds[:-1]


class Stop:
    """A loss, or a simulation, that is interrupted at its k-th call."""

    def __init__(self, function, k):
        self.function, self.left = function, k

    def __call__(self, *arguments, **options):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return self.function(*arguments, **options)


@pytest.mark.parametrize(
    ("name", "k", "said"),
    [("bridge_drift_loss", 8, "after step 2 of 5"), ("simulate_drift", 2, "in round 2 of 4")],
)
def test_an_interruption_keeps_the_rounds_before(monkeypatch, capsys, name, k, said):
    monkeypatch.delenv("PYTEST_VERSION")
    monkeypatch.setattr(module, name, Stop(getattr(module, name), k))
    models = networks()
    before = [p.clone() for p in models[1].parameters()]
    x0, x1 = normal(20, 2).float(), normal(20, 2, 1).float()
    rounds = markovian_fitting(
        *models, x0, x1, Bridge(1.0), 4, 5, n_simulation_steps=2, generator=seeded(), **OPTIONS
    )
    assert len(rounds) == 1
    assert said in capsys.readouterr().out
    assert any(not torch.equal(a, b) for a, b in zip(before, models[1].parameters(), strict=True))


def test_under_pytest_nobody_but_a_time_out_interrupts(monkeypatch):
    monkeypatch.setattr(module, "simulate_drift", Stop(simulate_drift, 1))
    x = normal(20, 2).float()
    with pytest.raises(KeyboardInterrupt):
        markovian_fitting(*networks(), x, x, Bridge(1.0), 1, 2, generator=seeded(), **OPTIONS)
