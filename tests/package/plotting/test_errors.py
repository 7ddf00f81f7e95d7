"""Wrong arguments of a figure: the error names it, what came and what is allowed."""

import pytest
from helpers import NOT_NUMBERS, Case, check_error, normal

from fmtutorial import get_angle_colors
from fmtutorial.plotting import mosaic

CASES = [
    Case(
        "get_angle_colors positions of shape (5, 3)",
        lambda: get_angle_colors(normal(5, 3)),
        ValueError,
        "positions (n, 2) (5, 3)",
    ),
    Case(
        "get_angle_colors positions=NaN",
        lambda: get_angle_colors(NOT_NUMBERS),
        ValueError,
        "positions finite",
    ),
    Case("mosaic x of shape (5, 3)", lambda: mosaic(normal(5, 3)), ValueError, "x side (5, 3)"),
    Case("mosaic columns=0", lambda: mosaic(normal(5, 4), 0), ValueError, "columns at least 1 0"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
