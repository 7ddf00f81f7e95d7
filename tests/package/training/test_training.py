"""The objective, the loop, and what happens when a run goes wrong or is stopped."""

import math
from functools import partial

import pytest
import torch
from helpers import normal, seeded
from torch.utils.data import DataLoader

from fmtutorial import (
    ConditionalVelocityNet,
    FlowMatchingDataset,
    GaussianMixture,
    StraightPath,
    VelocityNet,
    cfm_loss,
    fit,
    standard_mixture,
    train,
)
from fmtutorial.metrics import excess_loss
from fmtutorial.training import TrainingHistory
from fmtutorial.training._batches import batches, warmup_cosine
from fmtutorial.training._sources import as_source

MIXTURE, PATH = standard_mixture(), StraightPath(0.1)


def net(seed=0, **options):
    torch.manual_seed(seed)
    return VelocityNet(hidden_dim=16, **options)


def test_cfm_loss_is_the_formula():
    model, x1 = net(), normal(64, 2).float()
    generator = seeded(3)
    t = torch.rand(64, 1, generator=generator)
    x0 = torch.randn(64, 2, generator=generator)
    x_t = t * x1 + (1 - 0.9 * t) * x0
    expected = (model(x_t, t) - (x1 - 0.9 * x0)).square().sum() / 128  # a mean over batch *and* elements
    torch.testing.assert_close(cfm_loss(model, x1, PATH, seeded(3)), expected)


@pytest.mark.parametrize("workers", [0, 2])
def test_items_have_the_target_that_belongs_to_their_point(workers):
    data = FlowMatchingDataset(MIXTURE, 64, sigma_min=0.3, generator=seeded())
    x_t, t, u_t = next(iter(DataLoader(data, batch_size=64, num_workers=workers)))
    assert (x_t.shape, t.shape, u_t.shape) == ((64, 2), (64, 1), (64, 2))
    x0 = (data.x1 - u_t) / 0.7  # solve the target for the noise, then the point must follow
    torch.testing.assert_close(x_t, t * data.x1 + (1 - 0.7 * t) * x0, atol=1e-5, rtol=1e-5)
    assert x0.std() == pytest.approx(1, abs=0.2)


def test_items_are_drawn_afresh_and_workers_differ():
    data = FlowMatchingDataset(MIXTURE, 64, generator=seeded())
    assert not torch.equal(data[0][0], data[0][0])
    t = torch.cat([batch[1] for batch in DataLoader(data, batch_size=16, num_workers=2)])
    assert len(t.unique()) == 64


def test_a_generator_makes_items_reproducible():
    a, b = (FlowMatchingDataset(MIXTURE, 8, generator=seeded(5)) for _ in range(2))
    for left, right in zip([a[i] for i in range(8)], [b[i] for i in range(8)], strict=True):
        for x, y in zip(left, right, strict=True):
            assert torch.equal(x, y)


def test_training_reaches_the_floor():
    model = VelocityNet(hidden_dim=32, time_dim=5)
    options = {"batch_size": 256, "lr": 1e-2, "schedule": "cosine", "ema": 0.99, "progress": False}
    history = train(model, MIXTURE, PATH, n_steps=600, generator=seeded(), **options)
    assert excess_loss(model, MIXTURE, PATH, 10_000, seeded(1)) < 0.06
    assert abs(sum(history.losses[-200:]) / 200 - 1.9244) < 0.15
    assert len(history.losses) == 600 and history.seconds > 0 and not history.interrupted


def test_the_same_seeds_give_the_same_run():
    runs = []
    for _ in range(2):
        model = net()
        runs.append(
            train(model, normal(100, 2).float(), PATH, n_steps=20, generator=seeded(), progress=False).losses
        )
    assert runs[0] == runs[1]


def test_epochs_pass_over_every_point_once():
    x1 = torch.arange(10.0).unsqueeze(1)
    seen = torch.cat(list(batches(as_source(x1), 4, 6, seeded(), "cpu")))
    assert sorted(seen.flatten().tolist()) == sorted(2 * list(range(10)))
    assert not torch.equal(seen[:10], x1)
    history = train(net(), normal(10, 2).float(), PATH, n_epochs=3, batch_size=4, progress=False)
    assert len(history.losses) == 9


def test_fresh_samples_come_in_whole_batches():
    sizes = [len(b) for b in batches(as_source(MIXTURE), 16, 250, seeded(), "cpu")]
    assert sizes == [16] * 250


def test_training_changes_every_weight():
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    train(model, MIXTURE, PATH, n_steps=5, progress=False)
    assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_averaged_weights_are_the_average():
    weights, model = [], net()
    decay = 0.95

    def record(model_, x1, path, generator):
        weights.append(model.net[0].bias.detach().clone())
        return cfm_loss(model_, x1, path, generator)

    train(model, MIXTURE, PATH, n_steps=30, ema=decay, loss_fn=record, generator=seeded(), progress=False)
    final, again = model.net[0].bias.detach(), net()
    train(again, MIXTURE, PATH, n_steps=30, generator=seeded(), progress=False)
    average = weights[1].clone()
    for k, w in enumerate([*weights[2:], again.net[0].bias.detach()], start=1):
        d = min(decay, (1 + k) / (10 + k))
        average = d * average + (1 - d) * w
    torch.testing.assert_close(final, average, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(final, again.net[0].bias)


def test_the_cosine_schedule_warms_up_and_ends_at_zero():
    factors = [warmup_cosine(k, 1000) for k in range(1, 1001)]
    assert factors[0] == pytest.approx(1 / 50) and max(factors) == pytest.approx(1)
    assert factors[-1] == pytest.approx(0, abs=1e-9)
    assert factors[524] == pytest.approx(0.5, abs=1e-9)


def test_the_callback_sees_the_steps():
    seen = []
    train(
        net(),
        MIXTURE,
        PATH,
        n_steps=25,
        callback=lambda k, m, h: seen.append((k, len(h.losses))),
        callback_every=10,
        progress=False,
    )
    assert seen == [(10, 10), (20, 20)]


def test_an_interrupt_keeps_what_was_learnt(capsys):
    def stop(step, model, history):
        if step == 7:
            raise KeyboardInterrupt

    model = net()
    before = model.net[0].weight.detach().clone()
    history = train(model, MIXTURE, PATH, n_steps=50, callback=stop, callback_every=1, progress=False)
    assert history.interrupted and len(history.losses) == 7
    assert not torch.equal(before, model.net[0].weight)
    assert "step 7 of 50" in capsys.readouterr().out


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_at_once_and_names_the_step(bad):
    count = []

    def breaks(model, x1, path, generator):
        count.append(1)
        return cfm_loss(model, x1, path, generator) * (bad if len(count) == 4 else 1)

    with pytest.raises(FloatingPointError, match="step 4 of 50"):
        train(net(), MIXTURE, PATH, n_steps=50, loss_fn=breaks, progress=False)
    assert len(count) == 4


def test_smoothing_is_a_running_mean():
    history = TrainingHistory(losses=[1.0, 2.0, 3.0, 4.0])
    assert history.smoothed(2).tolist() == [1.5, 2.5, 3.5]
    assert history.smoothed(100).tolist() == [2.5]


def test_double_precision_trains():
    history = train(net().double(), normal(50, 2), PATH, n_steps=3, progress=False)
    assert len(history.losses) == 3


def test_fit_finds_the_exact_velocity():
    model, history = fit(MIXTURE, PATH, n_steps=800, generator=seeded(), progress=False)
    assert excess_loss(model, MIXTURE, PATH, 20_000, seeded(1)) < 0.01  # about 0.003
    assert len(history.losses) == 800


def test_fit_draws_everything_from_its_generator():
    runs, state = [], torch.get_rng_state()
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


def test_batches_keep_the_rows_of_a_pair_together():
    x1 = torch.arange(10.0).unsqueeze(1)
    for x, y in batches(as_source((x1, 3 * x1)), 4, 7, seeded(), "cpu"):
        assert torch.equal(y, 3 * x)
