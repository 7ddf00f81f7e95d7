"""Ranks, coverage, score and test against closed forms, and on posteriors that are wrong in known ways."""

import math

import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from fmtutorial.metrics import coverage, crps, rank_histogram, sbc_ranks, two_sample_test, uniformity

N, L = 2000, 59


def gaussian_case(spread=1.0, seed=0):
    """x ~ N(0, 1), y = x + N(0, 1), so x | y ~ N(y/2, 1/2); the samples' std is multiplied by `spread`."""
    g = seeded(seed)
    x = torch.randn(N, 1, generator=g, dtype=torch.float64)
    y = x + torch.randn(N, 1, generator=g, dtype=torch.float64)
    z = torch.randn(N, L, 1, generator=g, dtype=torch.float64)
    return x, y[:, None] / 2 + spread * math.sqrt(0.5) * z


def test_ranks_are_counted():
    truth, samples = torch.tensor([[0.5], [-1.0]]), torch.tensor([[[0.1], [0.6], [0.2]]] * 2)
    assert sbc_ranks(truth, samples).tolist() == [[2], [0]]


def test_ranks_of_the_true_posterior_are_uniform_and_others_are_not():
    truth, samples = gaussian_case()
    assert uniformity(rank_histogram(sbc_ranks(truth, samples), L, 20)).item() > 1e-3
    for spread in (0.7, 1.4):
        counts = rank_histogram(sbc_ranks(*gaussian_case(spread)), L, 20)[:, 0]
        assert uniformity(counts[:, None]).item() < 1e-6
        assert (counts[0] + counts[-1] > counts[9] + counts[10]) == (spread < 1)  # a U, or a hill


@given(st.integers(0, 10**6), st.floats(0.1, 10.0))
def test_ranks_do_not_change_under_increasing_maps(seed, scale):
    truth = normal(7, 2, seed)
    samples = normal(7 * 5, 2, seed + 1).reshape(7, 5, 2)
    ranks = sbc_ranks(truth, samples)
    assert torch.equal(ranks, sbc_ranks(torch.exp(truth), torch.exp(samples)))
    assert torch.equal(ranks, sbc_ranks(scale * truth - 1, scale * samples - 1))
    assert torch.equal(5 - ranks, sbc_ranks(-truth, -samples))


def test_a_histogram_of_all_ranks_is_flat():
    counts = rank_histogram(torch.arange(60)[:, None], 59, 20)
    assert counts.shape == (20, 1) and (counts == 3).all()
    assert uniformity(counts).item() == pytest.approx(1.0)


def test_the_chi_squared_value_is_pearsons():
    counts = torch.tensor([[10, 30], [20, 30]])
    # (5^2 + 5^2) / 15 = 10/3 with one degree of freedom: 2 (1 - Phi(sqrt(10/3)))
    assert uniformity(counts).tolist() == pytest.approx([2 * norm.sf(math.sqrt(10 / 3)), 1.0])


def test_coverage_is_exact_on_average_over_all_ranks():
    samples = torch.arange(59, dtype=torch.float64).reshape(1, 59, 1).expand(60, 59, 1)
    truth = torch.arange(60, dtype=torch.float64)[:, None] - 0.5  # rank r for r = 0..59
    levels = [0.1, 0.5, 0.8, 0.9]
    assert coverage(truth, samples, levels)[:, 0].tolist() == pytest.approx(levels)


def test_coverage_of_an_over_confident_posterior_is_the_normal_one():
    for spread in (1.0, 0.6):
        level = coverage(*gaussian_case(spread), [0.5, 0.8])[:, 0]
        # a normal 59 draws wide instead of infinitely many: within half a per cent
        expected = [2 * norm.cdf(spread * norm.ppf((1 + c) / 2)) - 1 for c in (0.5, 0.8)]
        assert level.tolist() == pytest.approx(expected, abs=0.04)


def test_crps_of_a_normal_is_the_closed_form():
    samples = torch.randn(400, 300, 1, generator=seeded(), dtype=torch.float64)
    for x in (0.0, 0.7, -2.0):
        expected = x * (2 * norm.cdf(x) - 1) + 2 * norm.pdf(x) - 1 / math.sqrt(math.pi)
        assert crps(torch.full((400, 1), x, dtype=torch.float64), samples).mean().item() == pytest.approx(
            expected, abs=0.01
        )


def test_crps_equals_the_sum_over_pairs_and_scales():
    truth = normal(6, 2)
    samples = normal(6 * 9, 2, 1).reshape(6, 9, 2)
    between = (samples[:, :, None] - samples[:, None]).abs().sum((1, 2)) / (9 * 8)
    expected = (samples - truth[:, None]).abs().mean(1) - between / 2
    torch.testing.assert_close(crps(truth, samples), expected)
    torch.testing.assert_close(crps(3 * truth + 1, 3 * samples + 1), 3 * expected)


def test_the_true_posterior_has_the_best_score():
    best = crps(*gaussian_case()).mean()
    assert all(crps(*gaussian_case(s)).mean() > best for s in (0.5, 2.0))


def test_the_two_sample_test_holds_its_level_and_finds_what_differs():
    p = [two_sample_test(normal(300, 3, s), normal(300, 3, s + 50), 40, seeded(s))[1] for s in range(4)]
    assert min(p) > 1e-3 and max(p) > 0.1
    shifted = two_sample_test(normal(1000, 3), normal(1000, 3, 1) + 0.5, 100, seeded())
    assert shifted[0] > 0.55 and shifted[1] < 1e-6
    a = normal(2000, 1)
    joined = torch.cat([a, a], 1) + 0.1 * normal(2000, 2, 3)
    torn = normal(2000, 2, 5)
    assert two_sample_test(joined, torn, 200, seeded())[0] > 0.7  # equal marginals, another dependence


def test_the_two_sample_test_is_repeatable():
    a, b = normal(200, 2), normal(200, 2, 1)
    torch.manual_seed(1)
    first = two_sample_test(a, b, 20, seeded())
    torch.manual_seed(2)
    assert first == two_sample_test(a, b, 20, seeded())
