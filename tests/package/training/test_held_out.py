"""Few points: a held-out share chooses the number of steps, and nothing is memorised without a word."""

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import GaussianMixture, StraightPath, fit, train
from fmtutorial.metrics import excess_loss
from fmtutorial.training import cfm_loss, recommended_network, stable_cfm_loss

QUIET = {"progress": False}
GAUSSIAN = GaussianMixture([{"mean": [0.5, -0.5, 0.0], "std": 0.8}])


def test_few_points_are_not_memorised():
    """60 points of a Gaussian, over four draws: the chosen steps end nearer to the Gaussian's velocity."""
    chosen, memorised = [], []
    for seed in range(4):
        x1 = GAUSSIAN.sample(60, seeded(seed)).float()
        model, history = fit(x1, generator=seeded(seed), **QUIET)
        assert 50 <= len(history.losses) < 3950
        chosen.append(excess_loss(model, GAUSSIAN, StraightPath(), 5000, seeded(9)))
        model, _ = fit(x1, n_steps=1500, generator=seeded(seed), **QUIET)
        memorised.append(excess_loss(model, GAUSSIAN, StraightPath(), 5000, seeded(9)))
    assert sum(chosen) < 0.7 * sum(memorised)


@pytest.mark.parametrize("options", [{"n_steps": 30}, {"n_epochs": 2}, {"n_steps": 30, "held_out": 0}])
def test_steps_that_are_asked_for_are_taken_by_the_recipe_for_many_points(options):
    x1 = normal(300, 2).float()
    model, history = fit(x1, generator=seeded(), **options, **QUIET)
    generator = seeded()
    expected = recommended_network(x1, generator=generator)
    recipe = {"batch_size": 256, "lr": 1e-2, "schedule": "cosine", "loss_fn": stable_cfm_loss}
    options = {key: value for key, value in options.items() if key != "held_out"}
    same = train(expected, x1, StraightPath(), generator=generator, **recipe, **options, **QUIET)
    assert history.losses == same.losses
    assert torch.equal(model(x1, 0.5), expected(x1, 0.5))


def test_the_search_draws_from_the_generator_and_only_the_last_training_is_watched():
    x1 = normal(40, 2).float()
    runs = []
    state = torch.get_rng_state()
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        steps = []

        def watch(step, model, history, steps=steps):
            steps.append(step)

        options = {"callback": watch, "callback_every": 1, "held_out": 0.25}
        model, history = fit(x1, n_steps=120, generator=seeded(), **options, **QUIET)
        assert steps == list(range(1, len(history.losses) + 1)) and not model.training
        assert len(history.losses) in (50, 100)  # the steps at which the share is looked at
        runs.append((history.losses, model(x1, 0.3)))
    torch.set_rng_state(state)
    assert runs[0][0] == runs[1][0] and torch.equal(runs[0][1], runs[1][1])


@pytest.mark.parametrize("columns", ["points", "numbers", "classes", "another loss"])
def test_conditions_and_other_losses_are_held_out_too(columns):
    x1 = normal(60, 2).float()
    options = {"held_out": 0.2, "n_steps": 60, "generator": seeded()} | QUIET
    if columns == "numbers":
        options["condition"] = normal(60, 3, 1).float()
    elif columns == "classes":
        options["condition"] = torch.arange(60) % 4
    elif columns == "another loss":
        options["loss_fn"] = cfm_loss
    _, history = fit(x1, **options)
    assert len(history.losses) == 50


class Sampler:
    """Fresh points."""

    def sample(self, n, generator=None):
        return torch.randn(n, 2, generator=generator)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: fit(Sampler(), held_out=0.2, **QUIET), "held_out must be 0 for a sampler"),
        (lambda: fit(normal(9, 2).float(), held_out=0.2, n_epochs=3, **QUIET), "held_out .* n_epochs=3"),
        (lambda: fit(normal(9, 2).float(), held_out=1.0, **QUIET), "held_out .* 1.0"),
        (lambda: fit(normal(9, 2).float(), held_out=0.01, **QUIET), "held_out must leave points on both"),
        (lambda: fit(normal(1, 2).float(), held_out=0.5, n_steps=2, **QUIET), "both sides, got 0.5 of 1"),
    ],
)
def test_a_share_that_cannot_be_held_out_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_one_point_is_learnt_without_a_share():
    _, history = fit(torch.zeros(1, 2), n_steps=2, generator=seeded(), **QUIET)
    assert len(history.losses) == 2
