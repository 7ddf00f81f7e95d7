"""Tables of strings: marginals and posteriors by sums over all strings, rates by the Kolmogorov equation."""

import itertools

import pytest
import torch
from helpers import TOKEN_PATHS, both_token_paths, random_table, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial.variants import (
    MaskPath,
    all_states,
    checkerboard_table,
    draw_strings,
    generator_matrix,
    jump_rates,
    posterior_field,
    token_marginal,
    token_marginal_derivative,
    token_posterior,
)


def table(seed=0, length=3, n_symbols=3):
    q = random_table(seed, length, n_symbols)
    q[(0,) * length] = 0.0  # a string that the data do not have
    return q / q.sum()


def joint(q, path, t, x):
    """q(x1) prod_i K(x1^i, x^i) for every string x1, as a table: one state x at a time, no contraction."""
    kernel = path.kernel(t)
    p = torch.zeros_like(q)
    for x1 in itertools.product(range(path.n_symbols), repeat=q.ndim):
        p[x1] = q[x1]
        for a, y in zip(x1, x, strict=True):
            p[x1] *= kernel[a, y]
    return p


@both_token_paths
@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_marginal_and_posterior_are_sums_over_all_strings(path, t):
    q = table()
    marginal, posterior = token_marginal(q, path, t), token_posterior(q, path, t)
    for row, x in enumerate(all_states(path, 3).tolist()):
        p = joint(q, path, t, x)
        assert float(marginal[tuple(x)]) == pytest.approx(float(p.sum()), abs=1e-14)
        if p.sum() > 0:
            for i in range(3):
                expected = p.sum([j for j in range(3) if j != i]) / p.sum()
                torch.testing.assert_close(posterior[row, i], expected)


def test_a_shown_token_keeps_its_symbol_where_the_path_never_comes():
    q, path = checkerboard_table(8), MaskPath(8)
    x = torch.tensor([[0, 2], [0, 8]])  # a dark field; a shown and a masked token
    posterior = posterior_field(q, path)(x, 0.5)
    assert q[0, 2] == 0
    assert posterior[0, 0, 0] == 1 and posterior[0, 1, 2] == 1
    torch.testing.assert_close(posterior[1, 1], q[0] / q[0].sum())


@both_token_paths
@given(t=st.floats(0.05, 0.95), eta=st.sampled_from([0.0, 0.7, 4.0]), seed=st.integers(0, 99))
def test_the_kolmogorov_equation_holds(path, t, eta, seed):
    q = table(seed, length=2)
    x = all_states(path, 2)
    rates = jump_rates(posterior_field(q, path)(x, t), x, path, t, eta)
    Q = generator_matrix(rates, x, path.n_states)
    p, change = (f(q, path, t).flatten() for f in (token_marginal, token_marginal_derivative))
    torch.testing.assert_close(p @ Q, change, rtol=0, atol=1e-12)
    assert (Q - Q.diagonal().diag() >= 0).all()
    torch.testing.assert_close(Q.sum(1), torch.zeros(len(x)).double(), rtol=0, atol=1e-11)


@both_token_paths
def test_the_derivative_is_that_of_the_marginal(path):
    q, h = table(), 1e-5
    difference = (token_marginal(q, path, 0.4 + h) - token_marginal(q, path, 0.4 - h)) / (2 * h)
    torch.testing.assert_close(token_marginal_derivative(q, path, 0.4), difference, rtol=1e-6, atol=1e-8)


def test_only_the_mask_paths_posterior_is_free_of_time():
    for path in TOKEN_PATHS:
        x = all_states(path, 3)
        posterior = posterior_field(table(), path)
        visited = token_marginal(table(), path, 0.5).flatten() > 0
        gap = (posterior(x, 0.1) - posterior(x, 0.8))[visited].abs().max()
        assert (gap < 1e-12) == isinstance(path, MaskPath)


def test_a_matrix_moves_one_token_at_a_time():
    path = MaskPath(2)
    x = all_states(path, 2)
    Q = generator_matrix(torch.rand(9, 2, 3, generator=seeded()), x, 3)
    n_changed = (x[:, None] != x[None, :]).sum(-1)
    assert (Q[n_changed > 1] == 0).all() and (Q[n_changed == 1] > 0).all()


def test_noise_is_shown_data_that_is_masked_again():
    path, q = MaskPath(3), table(length=1)
    x = torch.tensor([[1], [3]])
    rates = jump_rates(posterior_field(q, path)(x, 0.4), x, path, 0.4, noise_level=2.0)
    torch.testing.assert_close(rates[0, 0], torch.tensor([0.0, -2.0, 0.0, 2.0]).double())
    torch.testing.assert_close(rates[1, 0, :3], q * (1 + 2 * 0.4) / 0.6)


def test_the_board_is_empty_on_every_other_field():
    q = checkerboard_table(16)
    assert float(q.sum()) == pytest.approx(1)
    for a, b in itertools.product(range(16), repeat=2):
        assert (q[a, b] > 0) == ((a // 4 + b // 4) % 2 == 0)
    where = divmod(int(q.argmax()), 16)
    assert abs(where[0] - 0.65 * 16) <= 2 and abs(where[1] - 0.4 * 16) <= 2


def test_strings_are_drawn_with_their_probabilities():
    q = table(length=2)
    x = draw_strings(q, 50_000, seeded())
    shares = torch.bincount(3 * x[:, 0] + x[:, 1], minlength=9).reshape(3, 3) / 50_000
    assert (shares - q).abs().max() < 4 * 0.5 / 50_000**0.5
