"""The Fréchet distance against closed forms, an independent formula, and its invariances."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fmtutorial.metrics import frechet_distance, gaussian_frechet


def gaussians(seed, dim):
    """Two random means and two random covariances, in double precision."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(2, dim, generator=generator, dtype=torch.float64)
    roots = torch.randn(2, dim, dim, generator=generator, dtype=torch.float64)
    return means[0], roots[0] @ roots[0].T, means[1], roots[1] @ roots[1].T


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_agrees_with_the_matrix_root_of_the_product(seed, dim):
    mean_a, cov_a, mean_b, cov_b = gaussians(seed, dim)
    product = (cov_a @ cov_b).numpy()
    root = np.real(scipy.linalg.sqrtm(product))
    expected = float((mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace()) - 2 * np.trace(root)
    assert gaussian_frechet(mean_a, cov_a, mean_b, cov_b) == pytest.approx(expected, abs=1e-5, rel=1e-6)


def test_of_commuting_covariances_is_the_distance_of_means_and_standard_deviations():
    mean_a, mean_b = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 1.0, 0.5])
    std_a, std_b = torch.tensor([0.5, 2.0, 1.0]), torch.tensor([1.5, 1.0, 0.0])
    expected = (mean_a - mean_b).square().sum() + (std_a - std_b).square().sum()
    got = gaussian_frechet(mean_a, torch.diag(std_a**2), mean_b, torch.diag(std_b**2))
    assert got == pytest.approx(float(expected), rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_is_symmetric_zero_on_the_diagonal_and_obeys_the_triangle_inequality(seed, dim):
    mean_a, cov_a, mean_b, cov_b = gaussians(seed, dim)
    mean_c, cov_c, _, _ = gaussians(seed + 1, dim)
    ab = gaussian_frechet(mean_a, cov_a, mean_b, cov_b)
    assert gaussian_frechet(mean_b, cov_b, mean_a, cov_a) == pytest.approx(ab, rel=1e-6)
    assert gaussian_frechet(mean_a, cov_a, mean_a, cov_a) == pytest.approx(0, abs=1e-6 * float(cov_a.trace()))
    ac = gaussian_frechet(mean_a, cov_a, mean_c, cov_c)
    cb = gaussian_frechet(mean_c, cov_c, mean_b, cov_b)
    assert math.sqrt(ab) <= (math.sqrt(ac) + math.sqrt(cb)) * (1 + 1e-9)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(0.1, 10))
def test_rotations_and_shifts_leave_it_and_a_scale_comes_out_squared(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(n, 3, generator=generator, dtype=torch.float64) for n in (30, 40))
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    before = frechet_distance(a, 2 * b + 1)
    after = frechet_distance(scale * a @ rotation + 7, scale * (2 * b + 1) @ rotation + 7)
    assert after == pytest.approx(scale**2 * before, rel=1e-6)


def test_of_sets_is_that_of_their_sample_moments():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(50, 4, generator=generator), 2 * torch.randn(70, 4, generator=generator) + 1
    moments = [m for x in (a, b) for m in (x.double().mean(0), torch.from_numpy(np.cov(x.double().T)))]
    assert frechet_distance(a, b) == pytest.approx(gaussian_frechet(*moments), rel=1e-9)


def test_one_column_is_a_difference_of_means_and_of_standard_deviations():
    a, b = torch.tensor([[0.0], [2.0], [4.0]]), torch.tensor([[1.0], [2.0]])
    expected = (2 - 1.5) ** 2 + (2 - math.sqrt(0.5)) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_is_blind_to_all_but_two_moments():
    generator = torch.Generator().manual_seed(0)
    bell = torch.randn(1000, 1, generator=generator, dtype=torch.float64)
    signs = torch.where(torch.arange(1000) % 2 == 0, 1.0, -1.0).double().unsqueeze(1)
    coins = bell.mean() + signs * bell.std() / signs.std()
    assert frechet_distance(bell, coins) == pytest.approx(0, abs=1e-9)


def test_expected_distance_of_two_sets_of_one_gaussian_falls_as_one_over_n():
    """To leading order E = (1/n + 1/m) (tr C + sum_ij l_i l_j (1 + [i = j]) / (2 (l_i + l_j)))."""
    generator = torch.Generator().manual_seed(0)
    eigenvalues = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    product, total = eigenvalues.outer(eigenvalues), eigenvalues[:, None] + eigenvalues
    of_covariances = (product * (1 + torch.eye(4)) / (2 * total)).sum()
    for n, m in ((400, 400), (800, 200)):
        sets = [
            [torch.randn(k, 4, generator=generator).double() * eigenvalues.sqrt() for k in (n, m)]
            for _ in range(400)
        ]
        found = torch.tensor([frechet_distance(a, b) for a, b in sets], dtype=torch.float64)
        expected = (1 / n + 1 / m) * (eigenvalues.sum() + of_covariances)
        error = found.std() / math.sqrt(len(found))
        assert abs(found.mean() - expected) < 4 * error + 0.02 * expected


def test_singular_covariances_are_allowed():
    a = torch.tensor([[1.0, 2.0, 3.0], [2.0, 1.0, 0.0]])  # two points in three dimensions
    b = a + torch.tensor([0.0, 3.0, 4.0])
    assert frechet_distance(a, b) == pytest.approx(25, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        (([[1.0]], torch.ones(3, 1)), TypeError, "a must be a torch.Tensor"),
        ((torch.ones(3, 2), torch.ones(3, 1)), ValueError, r"b must have the shape \(n, 2\)"),
        ((torch.ones(1, 2), torch.ones(3, 2)), ValueError, "a must have at least 2 rows"),
        ((torch.ones(3, 2), torch.full((3, 2), math.nan)), ValueError, "b must be finite"),
    ],
)
def test_bad_sets_are_named(arguments, error, word):
    with pytest.raises(error, match=word):
        frechet_distance(*arguments)


@pytest.mark.parametrize(
    ("changed", "error", "word"),
    [
        ({"mean_a": [0.0, 0.0]}, TypeError, "mean_a must be a torch.Tensor"),
        ({"mean_a": torch.zeros(1, 2)}, ValueError, "mean_a must have the shape"),
        ({"mean_b": torch.zeros(3)}, ValueError, "mean_a and mean_b must have the same shape"),
        ({"cov_a": torch.eye(3)}, ValueError, "cov_a must have the shape"),
        ({"cov_a": torch.ones(3, 2)}, ValueError, "cov_a must be symmetric"),
        ({"cov_b": torch.tensor([[1.0, 0.5], [0.0, 1.0]])}, ValueError, "cov_b must be symmetric"),
        ({"cov_b": torch.tensor([[1.0, 0.0], [0.0, -1.0]])}, ValueError, "cov_b must have no negative"),
    ],
)
def test_bad_moments_are_named(changed, error, word):
    right = {"mean_a": torch.zeros(2), "cov_a": torch.eye(2), "mean_b": torch.zeros(2), "cov_b": torch.eye(2)}
    with pytest.raises(error, match=word):
        gaussian_frechet(**(right | changed))
