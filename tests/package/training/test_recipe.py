"""The recommended recipe finds the exact velocity, with and without conditions, from any source of data."""

from functools import partial

import torch
from helpers import normal, seeded

from fmtutorial import ConditionalVelocityNet, GaussianMixture, StraightPath, fit, standard_mixture
from fmtutorial.metrics import excess_loss
from fmtutorial.training import cfm_loss

MIXTURE = standard_mixture()
PATH = StraightPath(0.1)


def test_fit_finds_the_exact_velocity():
    model, history = fit(MIXTURE, PATH, n_steps=800, generator=seeded(), progress=False)
    assert excess_loss(model, MIXTURE, PATH, 20_000, seeded(1)) < 0.01  # about 0.003
    assert len(history.losses) == 800


def test_fit_draws_everything_from_its_generator():
    runs = []
    state = torch.get_rng_state()
    for seed in (1, 2):
        torch.manual_seed(seed)
        model, history = fit(normal(300, 3).float(), n_steps=20, generator=seeded(), progress=False)
        runs.append((history.losses, model(torch.zeros(1, 3), 0.5)))
    torch.set_rng_state(state)
    assert runs[0][0] == runs[1][0] and torch.equal(runs[0][1], runs[1][1])
    assert model.in_dim == 3


def test_fit_learns_a_condition_and_its_absence():
    """With y the exact velocity is that of one Gaussian, without y that of the mixture."""
    parts = [{"mean": [m], "std": 0.5} for m in (-1.5, 0.0, 1.5)]
    y = torch.randint(3, (3000,), generator=seeded())
    x1 = 1.5 * (y[:, None] - 1.0) + 0.5 * torch.randn(3000, 1, generator=seeded(1))
    torch.manual_seed(0)
    small = ConditionalVelocityNet(1, n_classes=3, hidden_dim=32, n_blocks=2)
    options = {"n_steps": 800, "condition_dropout": 0.2, "generator": seeded(), "progress": False}
    model, _ = fit(x1, PATH, condition=y, model=small, **options)
    for k, part in enumerate(parts):
        given = partial(lambda x, t, k: model(x, t, torch.full((len(x),), k)), k=k)
        assert excess_loss(given, GaussianMixture([part]), PATH, 5000, seeded(2)) < 0.06
        assert excess_loss(model, GaussianMixture([part]), PATH, 5000, seeded(2)) > 0.2
    assert excess_loss(model, GaussianMixture(parts), PATH, 5000, seeded(2)) < 0.06


def test_fit_takes_a_sampler_of_pairs():
    class Simulator:
        def sample(self, n, generator=None):
            x1 = torch.randn(n, 2, generator=generator)
            return x1, x1.sum(1, keepdim=True)

    model, _ = fit(Simulator(), n_steps=5, condition_dropout=0.0, generator=seeded(), progress=False)
    assert model.condition_dim == 1 and model.nothing is None


def test_an_interrupt_of_the_search_keeps_what_it_learnt(monkeypatch):
    monkeypatch.delenv("PYTEST_VERSION")
    calls = []

    def stops(model, batch, path, generator):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return cfm_loss(model, batch, path, generator)

    model, history = fit(torch.randn(60, 2), loss_fn=stops, generator=seeded(), progress=False)
    assert history.interrupted and len(history.losses) == 7 and len(calls) == 8
    assert not model.training
