"""What the public functions share for every kind of data: chunks, times, dtypes, bound fields."""

import pytest
import torch
from helpers import normal, random_mixture, seeded

from fmtutorial import StraightPath, exact, standard_mixture
from fmtutorial.exact import marginal

MIXTURE = standard_mixture()


def test_chunks_change_nothing(monkeypatch):
    mixture = random_mixture(1, 3, 4)
    path = StraightPath(0.1)
    x = normal(101, 3)
    t = torch.rand(101, generator=seeded(), dtype=torch.float64)
    functions = (exact.marginal_log_prob, exact.marginal_score, exact.marginal_velocity)

    def values():
        return [f(mixture, path, x, times) for f in functions for times in (t, 0.4)]

    whole = values()
    monkeypatch.setattr(marginal, "MAX_ELEMENTS", 100)
    in_parts = values()
    for a, b in zip(whole, in_parts, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("f", [exact.marginal_log_prob, exact.marginal_score, exact.marginal_velocity])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_times_of_every_shape_and_dtypes_are_kept(f, dtype):
    x = normal(9, 2).to(dtype)
    path = StraightPath(0.1)
    expected = f(MIXTURE, path, x, 0.3)
    assert expected.dtype == dtype
    for t in (
        torch.tensor(0.3, dtype=dtype),
        torch.full((9,), 0.3, dtype=dtype),
        torch.full((9, 1), 0.3, dtype=dtype),
    ):
        torch.testing.assert_close(f(MIXTURE, path, x, t), expected, rtol=1e-5, atol=1e-5)


def test_fields_are_the_functions_bound():
    x = normal(9, 2)
    path = StraightPath(0.1)
    torch.testing.assert_close(
        exact.velocity_field(MIXTURE, path)(x, 0.3), exact.marginal_velocity(MIXTURE, path, x, 0.3)
    )
    torch.testing.assert_close(
        exact.score_field(MIXTURE, path)(x, 0.3), exact.marginal_score(MIXTURE, path, x, 0.3)
    )
