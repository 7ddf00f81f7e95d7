"""Samplers of tokens: the law by brute force, a closed form, and samples that have it."""

import itertools

import pytest
import torch
from helpers import both_token_paths, random_table, seeded

from fmtutorial.variants import (
    MaskPath,
    UniformPath,
    all_states,
    checkerboard_table,
    euler_probabilities,
    generator_matrix,
    jump_rates,
    one_at_a_time_law,
    posterior_field,
    sample_tokens,
    sampler_law,
    total_variation,
    unmask_one_at_a_time,
)


def shares(x):
    """The shares of the strings x (n, L) of 3 symbols."""
    index = x @ 3 ** torch.arange(x.shape[1] - 1, -1, -1)
    return torch.bincount(index, minlength=3 ** x.shape[1]).reshape((3,) * x.shape[1]) / len(x)


@pytest.mark.parametrize("n_steps", [1, 2, 5, 16])
def test_two_tokens_err_by_the_closed_form(n_steps):
    q = checkerboard_table(8)
    independent = torch.outer(q.sum(1), q.sum(0))
    law = sampler_law(posterior_field(q, MaskPath(8)), MaskPath(8), 2, n_steps)
    torch.testing.assert_close(law, (1 - 1 / n_steps) * q + independent / n_steps, rtol=0, atol=1e-14)


@both_token_paths
@pytest.mark.parametrize("eta", [0.0, 1.5])
def test_the_law_is_that_of_a_chain_over_all_states(path, eta):
    q, n_steps = random_table(length=2), 4
    x, posterior = all_states(path, 2), posterior_field(q, path)
    law = {tuple(s): float(path.noise()[s[0]] * path.noise()[s[1]]) for s in x.tolist()}
    for k in range(n_steps):
        t = k / n_steps
        rates = jump_rates(posterior(x, t), x, path, t, eta if k < n_steps - 1 else 0.0)
        new = dict.fromkeys(law, 0.0)
        for row, s in enumerate(x.tolist()):
            for s_new in itertools.product(range(path.n_states), repeat=2):
                p = law[tuple(s)]
                for i in range(2):
                    p *= max(0.0, (s_new[i] == s[i]) + float(rates[row, i, s_new[i]]) / n_steps)
                new[s_new] += p
        law = new
    expected = torch.tensor([law[s] for s in itertools.product(range(3), repeat=2)]).reshape(3, 3)
    ours = sampler_law(posterior, path, 2, n_steps, eta).float()
    torch.testing.assert_close(ours, expected.float(), atol=1e-6, rtol=0)


@both_token_paths
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_the_error_is_of_order_one(path, eta):
    q = random_table()
    posterior = posterior_field(q, path)
    errors = [total_variation(sampler_law(posterior, path, 3, n, eta), q) for n in (64, 128)]
    assert 1.8 < errors[0] / errors[1] < 2.2 and errors[1] < 0.02


def test_a_small_step_is_that_of_the_matrix():
    path, q, h = UniformPath(3), random_table(length=2), 1e-5
    x = all_states(path, 2)
    rates = jump_rates(posterior_field(q, path)(x, 0.4), x, path, 0.4)
    steps = euler_probabilities(rates, x, h)
    p = torch.rand(9, generator=seeded(), dtype=torch.float64)
    moved = torch.einsum("n,na,nb->ab", p, steps[:, 0], steps[:, 1]).flatten()
    torch.testing.assert_close((moved - p) / h, p @ generator_matrix(rates, x, 3), rtol=1e-3, atol=1e-3)


def test_a_step_that_is_too_long_jumps_for_sure():
    x = torch.tensor([[2]])  # masked
    rates = torch.tensor([[[3.0, 1.0, -4.0]]])
    torch.testing.assert_close(euler_probabilities(rates, x, 0.5), torch.tensor([[[0.75, 0.25, 0.0]]]))


@pytest.mark.parametrize("length", [1, 2, 4])
def test_one_token_at_a_time_is_exact(length):
    q, path = random_table(length=length), MaskPath(3)
    law = one_at_a_time_law(posterior_field(q, path), path, length)
    torch.testing.assert_close(law, q, rtol=0, atol=1e-14)


def test_more_and_more_steps_tend_to_one_token_at_a_time():
    path = MaskPath(3)
    right, wrong = posterior_field(random_table(0), path), posterior_field(random_table(1), path)

    def posterior(x, t):
        """Not consistent with any table: the orders differ."""
        return torch.where(torch.arange(3)[:, None] == 0, right(x, t), wrong(x, t))

    limit = one_at_a_time_law(posterior, path, 3)
    errors = [total_variation(sampler_law(posterior, path, 3, n), limit) for n in (50, 100)]
    assert errors[0] == pytest.approx(2 * errors[1], rel=0.05) and errors[1] < 0.02


@both_token_paths
def test_samples_have_the_law(path):
    posterior = posterior_field(random_table(), path)
    x = sample_tokens(posterior, path, 40_000, 3, 4, noise_level=0.5, generator=seeded())
    assert x.shape == (40_000, 3) and x.max() < 3
    law = sampler_law(posterior, path, 3, 4, noise_level=0.5)
    errors = (shares(x) - law) / (law * (1 - law) / 40_000).sqrt().clamp(min=1e-12)
    assert errors.abs().max() < 4.5 and errors.square().mean() < 2


def test_samples_of_one_token_at_a_time_are_the_data():
    q, path = random_table(), MaskPath(3)
    x = unmask_one_at_a_time(posterior_field(q, path), path, 40_000, 3, seeded())
    errors = (shares(x) - q) / (q * (1 - q) / 40_000).sqrt()
    assert errors.abs().max() < 4.5 and errors.square().mean() < 2
