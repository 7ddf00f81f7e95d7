"""Wrong arguments of a solver or sampler: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import (
    ALWAYS_LABELLED,
    BY_LABEL,
    BY_NUMBERS,
    FLOAT_POINTS,
    LABELS,
    MIXTURE,
    NETWORK,
    NOT_NUMBERS,
    PATH,
    POINTS,
    Case,
    check_error,
)

from fmtutorial import integrate_flow
from fmtutorial.sampling import (
    annealed_langevin,
    clamped,
    ddim_step,
    guided,
    heun_step,
    karras_times,
    langevin,
    run_sampler,
)

CASES = [
    Case(
        "integrate_flow condition=label 3",
        lambda: integrate_flow(BY_LABEL, FLOAT_POINTS, condition=LABELS + 1),
        ValueError,
        "y from 0 to 2 1 to 3",
    ),
    Case(
        "integrate_flow condition=2 labels",
        lambda: integrate_flow(BY_LABEL, FLOAT_POINTS, condition=LABELS[:2]),
        ValueError,
        "condition 5 rows 2",
    ),
    Case(
        "integrate_flow condition=1",
        lambda: integrate_flow(BY_LABEL, FLOAT_POINTS, condition=1),
        TypeError,
        "condition torch.Tensor 5 1",
    ),
    Case(
        "integrate_flow condition=NaN",
        lambda: integrate_flow(BY_NUMBERS, FLOAT_POINTS, condition=NOT_NUMBERS.float()),
        ValueError,
        "y finite 10 NaN",
    ),
    Case(
        "integrate_flow n_steps=0",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, n_steps=0),
        ValueError,
        "n_steps at least 1 0",
    ),
    Case(
        "integrate_flow n_steps=2.0",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, n_steps=2.0),
        TypeError,
        "n_steps integer float",
    ),
    Case(
        "integrate_flow method='rk5'",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, method="rk5"),
        ValueError,
        "method 'euler' 'rk4' 'dopri5' 'rk5'",
    ),
    Case(
        "integrate_flow t_span=(0.0, 0.0)",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, (0.0, 0.0)),
        ValueError,
        "t_span different",
    ),
    Case(
        "integrate_flow t_span=(0.0, 2.0)",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, (0.0, 2.0)),
        ValueError,
        "t_span [0.0, 1.0] 2.0",
    ),
    Case(
        "integrate_flow t_span=1.0",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, 1.0),
        TypeError,
        "t_span pair 1.0",
    ),
    Case(
        "integrate_flow atol=0.0",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, atol=0.0),
        ValueError,
        "atol (0.0, inf] 0.0",
    ),
    Case(
        "integrate_flow rtol=-1.0",
        lambda: integrate_flow(NETWORK, FLOAT_POINTS, rtol=-1.0),
        ValueError,
        "rtol -1.0",
    ),
    Case("integrate_flow x0=NaN", lambda: integrate_flow(NETWORK, NOT_NUMBERS), ValueError, "x0 finite"),
    Case(
        "integrate_flow x0 of shape (2,)",
        lambda: integrate_flow(NETWORK, POINTS[0]),
        ValueError,
        "x0 (n, d) (2,)",
    ),
    Case(
        "langevin n_steps=0",
        lambda: langevin(MIXTURE.score, POINTS, 0, 0.1),
        ValueError,
        "n_steps at least 1 0",
    ),
    Case("langevin h=0.0", lambda: langevin(MIXTURE.score, POINTS, 5, 0.0), ValueError, "h (0.0, inf] 0.0"),
    Case(
        "run_sampler x=NaN",
        lambda: run_sampler(ddim_step, NETWORK, NOT_NUMBERS, PATH),
        ValueError,
        "x finite",
    ),
    Case(
        "run_sampler n_steps=0",
        lambda: run_sampler(ddim_step, NETWORK, POINTS, PATH, 0),
        ValueError,
        "n_steps at least 1 0",
    ),
    Case(
        "run_sampler times falling",
        lambda: run_sampler(ddim_step, NETWORK, POINTS, PATH, times=torch.tensor([1.0, 0.0])),
        ValueError,
        "times rising 1.",
    ),
    Case(
        "run_sampler times=[0.0, 2.0]",
        lambda: run_sampler(ddim_step, NETWORK, POINTS, PATH, times=torch.tensor([0.0, 2.0])),
        ValueError,
        "times [0.0, 1.0] 2.0",
    ),
    Case(
        "run_sampler times where alpha(0)=0",
        lambda: run_sampler(heun_step, NETWORK, POINTS, PATH),
        ValueError,
        "times alpha heun_step StraightPath",
    ),
    Case("karras_times n_steps=0", lambda: karras_times(PATH, 0), ValueError, "n_steps at least 1 0"),
    Case("karras_times low=0.0", lambda: karras_times(PATH, 5, low=0.0), ValueError, "low (0.0 0.0"),
    Case(
        "annealed_langevin n_steps=0",
        lambda: annealed_langevin(NETWORK, POINTS, PATH, [0.5], 0, 0.1),
        ValueError,
        "n_steps at least 1 0",
    ),
    Case(
        "annealed_langevin h=-0.1",
        lambda: annealed_langevin(NETWORK, POINTS, PATH, [0.5], 5, -0.1),
        ValueError,
        "h (0.0 -0.1",
    ),
    Case("guided y=3", lambda: guided(NETWORK, 3, 1.0), TypeError, "y Tensor 3"),
    Case("guided model='net'", lambda: guided("net", LABELS, 1.0), TypeError, "model callable str"),
    Case("guided w=-2.0", lambda: guided(NETWORK, LABELS, -2.0), ValueError, "w [-1.0, inf) -2.0"),
    Case("guided w='strong'", lambda: guided(NETWORK, LABELS, "strong"), TypeError, "w real number str"),
    Case("guided y=label 3", lambda: guided(BY_LABEL, LABELS + 1, 1.0), ValueError, "y 0 2 3"),
    Case(
        "guided model without unconditional",
        lambda: guided(ALWAYS_LABELLED, LABELS, 1.0),
        ValueError,
        "y missing unconditional=False",
    ),
    Case(
        "clamped x1=3 points",
        lambda: clamped(NETWORK, POINTS, POINTS[:3], POINTS > 0),
        ValueError,
        "x0 x1 same shape (5, 2) (3, 2)",
    ),
    Case(
        "clamped known of floats",
        lambda: clamped(NETWORK, POINTS, POINTS, POINTS),
        TypeError,
        "known torch.bool torch.float64",
    ),
    Case(
        "clamped known=list",
        lambda: clamped(NETWORK, POINTS, POINTS, [True, False]),
        TypeError,
        "known torch.bool list",
    ),
    Case(
        "clamped known=3 points",
        lambda: clamped(NETWORK, POINTS, POINTS, POINTS[:3] > 0),
        ValueError,
        "known (2,) (5, 2) (3, 2)",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
