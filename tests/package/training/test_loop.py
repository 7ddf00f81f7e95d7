"""The training loop: what it learns, in which order, and what happens when a run goes wrong or is stopped."""

import math

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import StraightPath, VelocityNet, cfm_loss, standard_mixture, train
from fmtutorial.metrics import excess_loss
from fmtutorial.training import TrainingHistory
from fmtutorial.training._batches import batches, warmup_cosine
from fmtutorial.training._sources import as_source

MIXTURE = standard_mixture()
PATH = StraightPath(0.1)


def net(seed=0, **options):
    torch.manual_seed(seed)
    return VelocityNet(hidden_dim=16, **options)


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


def test_batches_keep_the_rows_of_a_pair_together():
    x1 = torch.arange(10.0).unsqueeze(1)
    for x, y in batches(as_source((x1, 3 * x1)), 4, 7, seeded(), "cpu"):
        assert torch.equal(y, 3 * x)


def test_training_changes_every_weight():
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    train(model, MIXTURE, PATH, n_steps=5, progress=False)
    assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_averaged_weights_are_the_average():
    weights = []
    model = net()
    decay = 0.95

    def record(model_, x1, path, generator):
        weights.append(model.net[0].bias.detach().clone())
        return cfm_loss(model_, x1, path, generator)

    train(model, MIXTURE, PATH, n_steps=30, ema=decay, loss_fn=record, generator=seeded(), progress=False)
    final = model.net[0].bias.detach()
    again = net()
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


def test_an_interrupt_keeps_what_was_learnt(capsys, monkeypatch):
    monkeypatch.delenv("PYTEST_VERSION")

    def stop(step, model, history):
        if step == 7:
            raise KeyboardInterrupt

    model = net()
    before = model.net[0].weight.detach().clone()
    history = train(model, MIXTURE, PATH, n_steps=50, callback=stop, callback_every=1, progress=False)
    assert history.interrupted and len(history.losses) == 7
    assert not torch.equal(before, model.net[0].weight)
    assert "step 7 of 50" in capsys.readouterr().out


def test_under_pytest_an_interrupt_is_a_time_out_and_not_the_learners():
    def stop(step, model, history):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(net(), MIXTURE, PATH, n_steps=50, callback=stop, callback_every=1, progress=False)


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
