"""The checks that need more than a row in the table of wrong calls."""

import pytest
import torch
from helpers import normal

from fmtutorial import _random, _validate


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_symmetry_is_judged_by_the_largest_element(scale):
    matrix = torch.tensor([[1.0, 1e-9], [2e-9, 1.0]], dtype=torch.float64)  # rounding, whatever its ratio
    checked = _validate.positive_definite(scale * matrix, "cov", 2)
    assert torch.equal(checked, checked.T)
    torch.testing.assert_close(checked, scale * (matrix + matrix.T) / 2)
    matrix[0, 1] = 1e-4
    with pytest.raises(ValueError, match="cov must be symmetric"):
        _validate.positive_definite(scale * matrix, "cov", 2)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_singular_or_indefinite_matrix_is_not_positive_definite(scale):
    for smallest in (0.0, -1.0):
        matrix = scale * torch.diag(torch.tensor([2.0, smallest], dtype=torch.float64))
        with pytest.raises(ValueError, match="cov must be positive definite"):
            _validate.positive_definite(matrix, "cov", 2)
    root = normal(4, 4)
    _validate.positive_definite(scale * root @ root.T, "cov", 4)


def test_a_matrix_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"cov must have the shape \(2, 2\), got \(3, 3\)"):
        _validate.positive_definite(torch.eye(3), "cov", 2)


def test_numbers_are_drawn_where_the_generator_lives():
    like = torch.empty(3, 2, device="meta")
    assert _random.device_of(None, like) == torch.device("meta")
    assert _random.device_of(torch.Generator(), like) == torch.device("cpu")
