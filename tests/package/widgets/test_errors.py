"""Wrong arguments of an interactive figure: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import Case, check_error, normal

from fmtutorial.widgets import bridge_noise_explorer, coupling_explorer, flow_map_explorer, guidance_explorer


def explore(**options):
    """The figure of guidance, with some options changed."""
    right = {"strengths": [0.0, 1.0, 2.0], "views": {"a": torch.zeros(3, 2, 4)}, "curves": {"a": [0.0] * 3}}
    return guidance_explorer(**(right | options))


CASES = [
    Case("coupling_explorer models={}", lambda: coupling_explorer({}), TypeError, "models dict {}"),
    Case(
        "coupling_explorer n_samples=0",
        lambda: coupling_explorer(n_samples=0),
        ValueError,
        "n_samples at least 1 0",
    ),
    Case(
        "bridge_noise_explorer mixture1=moons",
        lambda: bridge_noise_explorer(mixture1="moons"),
        TypeError,
        "mixture1 GaussianMixture str",
    ),
    Case(
        "bridge_noise_explorer n_samples=0",
        lambda: bridge_noise_explorer(n_samples=0),
        ValueError,
        "n_samples at least 1 0",
    ),
    Case("flow_map_explorer models={}", lambda: flow_map_explorer({}), TypeError, "models dict {}"),
    Case(
        "flow_map_explorer n_samples=0",
        lambda: flow_map_explorer(n_samples=0),
        ValueError,
        "n_samples at least 1 0",
    ),
    Case(
        "guidance_explorer strengths=[0.0]",
        lambda: explore(strengths=[0.0]),
        ValueError,
        "strengths two [0.0]",
    ),
    Case(
        "guidance_explorer strengths=[0.0, 2.0, 1.0]",
        lambda: explore(strengths=[0.0, 2.0, 1.0]),
        ValueError,
        "strengths increasing [0.0, 2.0, 1.0]",
    ),
    Case(
        "guidance_explorer strengths=[0.0, 1.0, 3.0]",
        lambda: explore(strengths=[0.0, 1.0, 3.0]),
        ValueError,
        "strengths equally spaced",
    ),
    Case("guidance_explorer views={}", lambda: explore(views={}), ValueError, "views one 0"),
    Case(
        "guidance_explorer views of other strengths",
        lambda: explore(views={"a": normal(5, 4)}),
        ValueError,
        "views['a'] (3, n, side * side)",
    ),
    Case(
        "guidance_explorer curves of other strengths",
        lambda: explore(curves={"a": [1.0]}),
        ValueError,
        "curves['a'] 3 1",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
