"""Wrong arguments of a yardstick: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import FLOAT_POINTS, MIXTURE, NETWORK, NOT_NUMBERS, PATH, POINTS, Case, check_error, normal

from fmtutorial.distributions import Moons
from fmtutorial.metrics import (
    bits_per_dimension,
    coverage,
    crps,
    divergence,
    energy_distance,
    excess_loss,
    hutchinson_divergence,
    kl_to_model,
    log_prob,
    rank_histogram,
    sbc_ranks,
    sliced_wasserstein,
    straightness,
    two_sample_test,
)

CASES = [
    Case("log_prob x=NaN", lambda: log_prob(NETWORK, NOT_NUMBERS.float()), ValueError, "x finite"),
    Case(
        "log_prob x of shape (2,)", lambda: log_prob(NETWORK, POINTS[0].float()), ValueError, "x (n, d) (2,)"
    ),
    Case(
        "log_prob n_steps=0", lambda: log_prob(NETWORK, FLOAT_POINTS, 0), ValueError, "n_steps at least 1 0"
    ),
    Case(
        "log_prob method='rk5'",
        lambda: log_prob(NETWORK, FLOAT_POINTS, method="rk5"),
        ValueError,
        "method 'rk4' 'rk5'",
    ),
    Case(
        "log_prob divergence='skilling'",
        lambda: log_prob(NETWORK, FLOAT_POINTS, divergence="skilling"),
        ValueError,
        "divergence 'hutchinson' 'skilling'",
    ),
    Case(
        "log_prob n_probes=4 without hutchinson",
        lambda: log_prob(NETWORK, FLOAT_POINTS, n_probes=4),
        ValueError,
        "n_probes 'hutchinson' 'exact' n_probes=4",
    ),
    Case(
        "log_prob fresh=True without hutchinson",
        lambda: log_prob(NETWORK, FLOAT_POINTS, fresh=True),
        ValueError,
        "fresh 'hutchinson' 'exact' fresh=True",
    ),
    Case(
        "log_prob fresh=True with dopri5",
        lambda: log_prob(NETWORK, FLOAT_POINTS, method="dopri5", divergence="hutchinson", fresh=True),
        ValueError,
        "fresh fixed-step 'dopri5'",
    ),
    Case(
        "log_prob n_probes=0",
        lambda: log_prob(NETWORK, FLOAT_POINTS, divergence="hutchinson", n_probes=0),
        ValueError,
        "n_probes at least 1 0",
    ),
    Case(
        "log_prob probe='sphere'",
        lambda: log_prob(NETWORK, FLOAT_POINTS, divergence="hutchinson", probe="sphere"),
        ValueError,
        "probe 'rademacher' 'gaussian' 'sphere'",
    ),
    Case(
        "log_prob model of one column",
        lambda: log_prob(lambda x, t: x[:, :1], POINTS),
        ValueError,
        "model(x, t) shape (5, 1) (5, 2)",
    ),
    Case(
        "log_prob model without gradient",
        lambda: log_prob(lambda x, t: torch.ones_like(x), POINTS),
        ValueError,
        "model(x, t) autograd no_grad 0 * x",
    ),
    Case("divergence t=1.5", lambda: divergence(NETWORK, FLOAT_POINTS, 1.5), ValueError, "t [0, 1] 1.5"),
    Case(
        "divergence t of shape (3,)",
        lambda: divergence(NETWORK, FLOAT_POINTS, torch.zeros(3)),
        ValueError,
        "t (5,) (3,)",
    ),
    Case(
        "hutchinson_divergence n_probes=0",
        lambda: hutchinson_divergence(NETWORK, FLOAT_POINTS, 0.5, 0),
        ValueError,
        "n_probes at least 1 0",
    ),
    Case(
        "hutchinson_divergence probe='sphere'",
        lambda: hutchinson_divergence(NETWORK, FLOAT_POINTS, 0.5, 1, "sphere"),
        ValueError,
        "probe 'sphere'",
    ),
    Case(
        "kl_to_model data_distribution=Moons()",
        lambda: kl_to_model(Moons(), NETWORK),
        TypeError,
        "data_distribution .log_prob Moons",
    ),
    Case("kl_to_model n=0", lambda: kl_to_model(MIXTURE, NETWORK, 0), ValueError, "n at least 1 0"),
    Case("bits_per_dimension dim=0", lambda: bits_per_dimension(0.0, 0), ValueError, "dim at least 1 0"),
    Case(
        "bits_per_dimension bin_width=0.0",
        lambda: bits_per_dimension(0.0, 2, 0.0),
        ValueError,
        "bin_width (0.0, inf] 0.0",
    ),
    Case(
        "sliced_wasserstein b of shape (5, 3)",
        lambda: sliced_wasserstein(POINTS, normal(5, 3)),
        ValueError,
        "b (n, 2) (5, 3)",
    ),
    Case(
        "sliced_wasserstein n_projections=0",
        lambda: sliced_wasserstein(POINTS, POINTS, 0),
        ValueError,
        "n_projections at least 1 0",
    ),
    Case("energy_distance a=NaN", lambda: energy_distance(NOT_NUMBERS, POINTS), ValueError, "a finite"),
    Case(
        "excess_loss model of no columns",
        lambda: excess_loss(lambda x, t: x[:, 0], MIXTURE, PATH, 10),
        ValueError,
        "model(x, t) shape (10,) (10, 2)",
    ),
    Case(
        "excess_loss t=1.2",
        lambda: excess_loss(NETWORK, MIXTURE, PATH, 10, t=1.2),
        ValueError,
        "t [0, 1] 1.2",
    ),
    Case(
        "straightness trajectory of shape (5, 2)",
        lambda: straightness(POINTS, torch.zeros(5)),
        ValueError,
        "trajectory t (T, n, d) (5, 2)",
    ),
    Case(
        "sbc_ranks samples of shape (5, 2)",
        lambda: sbc_ranks(POINTS, normal(5, 2)),
        ValueError,
        "samples (5, L, 2) (5, 2)",
    ),
    Case("sbc_ranks samples=[1.0]", lambda: sbc_ranks(POINTS, [1.0]), TypeError, "samples Tensor list"),
    Case("crps one sample", lambda: crps(POINTS, POINTS[:, None]), ValueError, "samples at least 2 1"),
    Case(
        "coverage levels=[1.0]",
        lambda: coverage(POINTS, POINTS[:, None], [1.0]),
        ValueError,
        "levels (0, 1) [1.0]",
    ),
    Case(
        "rank_histogram 101 ranks in 20 bins",
        lambda: rank_histogram(torch.zeros(3, 1).long(), 100, 20),
        ValueError,
        "n_samples multiple n_bins 101 20",
    ),
    Case(
        "two_sample_test b of shape (5, 3)",
        lambda: two_sample_test(POINTS, normal(5, 3)),
        ValueError,
        "b (n, 2) (5, 3)",
    ),
    Case(
        "two_sample_test n_steps=0",
        lambda: two_sample_test(POINTS, POINTS, 0),
        ValueError,
        "n_steps at least 1 0",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
