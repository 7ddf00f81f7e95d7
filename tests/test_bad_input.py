"""Whatever is wrong in an argument gets an error that names it, says what came, and what is allowed."""

import re

import pytest
import torch
from helpers import normal

from fmtutorial import (
    EmpiricalDistribution,
    FlowMatchingDataset,
    GaussianMixture,
    StraightPath,
    VelocityNet,
    cfm_loss,
    exact,
    get_angle_colors,
    integrate_flow,
    standard_mixture,
    train,
)
from fmtutorial.conventions import convert, converted, from_library
from fmtutorial.distributions import Checkerboard, Moons, Spiral
from fmtutorial.langevin import langevin
from fmtutorial.metrics import energy_distance, excess_loss, sliced_wasserstein, straightness
from fmtutorial.paths import CosinePath, VarianceExplodingPath, VariancePreservingPath
from fmtutorial.sampling import annealed_langevin, ddim_step, heun_step, karras_times, sample
from fmtutorial.score_matching import dsm_floor, dsm_loss

M, P, X, NET = standard_mixture(), StraightPath(0.1), normal(5, 2), VelocityNet(hidden_dim=4)
NAN = torch.full((5, 2), float("nan"), dtype=torch.float64)
COV = [[1.0, 0.0], [0.0, 1.0]]


def mixture(**component):
    return GaussianMixture([{"mean": [0.0, 0.0], **component}])


def run(**options):
    return train(NET, options.pop("x1", X.float()), options.pop("path", P), progress=False, **options)


CASES = [
    # call, error, words that the message must have
    (lambda: GaussianMixture([]), ValueError, "parameters at least one empty"),
    (lambda: GaussianMixture({"mean": [0.0]}), TypeError, "parameters list dict"),
    (lambda: GaussianMixture([[0.0]]), TypeError, "parameters[0] dict list"),
    (lambda: GaussianMixture([{"mean": [0.0]}]), ValueError, "parameters[0] 'std' 'cov'"),
    (lambda: mixture(std=1.0, cov=COV), ValueError, "parameters[0] either"),
    (lambda: mixture(std=0.0), ValueError, "std greater than 0 0.0"),
    (lambda: mixture(std=-1.0), ValueError, "std greater than 0 -1.0"),
    (lambda: mixture(std=[1.0, 2.0, 3.0]), ValueError, "std 2 (3,)"),
    (lambda: mixture(std="wide"), TypeError, "std numbers 'wide'"),
    (lambda: mixture(std=float("nan")), ValueError, "std finite"),
    (lambda: mixture(cov=[[1.0]]), ValueError, "cov (2, 2) (1, 1)"),
    (lambda: mixture(cov=[[1.0, 0.5], [0.0, 1.0]]), ValueError, "cov symmetric"),
    (lambda: mixture(cov=[[1.0, 2.0], [2.0, 1.0]]), ValueError, "cov positive definite"),
    (lambda: GaussianMixture([{"mean": [float("inf")], "std": 1.0}]), ValueError, "mean finite"),
    (lambda: GaussianMixture([{"mean": 0.0, "std": 1.0}]), ValueError, "mean d numbers ()"),
    (
        lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}, {"mean": [0.0, 1.0], "std": 1.0}]),
        ValueError,
        "parameters one dimension [1, 2]",
    ),
    (lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}], [0.5, 0.5]), ValueError, "weights (1,) (2,)"),
    (
        lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}] * 2, [1.5, -0.5]),
        ValueError,
        "weights negative -0.5",
    ),
    (
        lambda: GaussianMixture([{"mean": [0.0], "std": 1.0}] * 2, [0.5, 0.6]),
        ValueError,
        "weights sum to 1 1.1",
    ),
    (lambda: M.sample(0), ValueError, "n at least 1 0"),
    (lambda: M.sample(2.5), TypeError, "n integer float 2.5"),
    (lambda: M.sample(True), TypeError, "n integer bool"),
    (lambda: M.log_prob(normal(5, 3)), ValueError, "x (n, 2) (5, 3)"),
    (lambda: M.log_prob(NAN), ValueError, "x finite 10 NaN"),
    (lambda: M.score(X[0]), ValueError, "x (n, d) (2,)"),
    (lambda: M.score([[0.0, 0.0]]), TypeError, "x Tensor list"),
    (lambda: M.score(torch.zeros(5, 2, dtype=torch.long)), TypeError, "x floating-point int64"),
    (lambda: M.smoothed(-1.0), ValueError, "sigma [0.0, inf] -1.0"),
    (lambda: EmpiricalDistribution(torch.zeros(0, 2)), ValueError, "x1 at least one empty"),
    (lambda: EmpiricalDistribution(NAN), ValueError, "x1 finite"),
    (lambda: Moons(noise=-0.1), ValueError, "noise -0.1"),
    (lambda: Spiral(turns=0), ValueError, "turns (0.0 0"),
    (lambda: Checkerboard(side="2"), TypeError, "side real number str"),
    (lambda: Moons().sample(-3), ValueError, "n at least 1 -3"),
    (lambda: StraightPath(1.0), ValueError, "sigma_min [0.0, 1.0) 1.0"),
    (lambda: StraightPath(-0.1), ValueError, "sigma_min [0.0, 1.0) -0.1"),
    (lambda: StraightPath(float("nan")), ValueError, "sigma_min nan"),
    (lambda: StraightPath("0.1"), TypeError, "sigma_min real number str"),
    (lambda: P.sample(X, X[:3], 0.5), ValueError, "x0 x1 same shape (5, 2) (3, 2)"),
    (lambda: P.sample(X, X, 1.5), ValueError, "t [0, 1] 1.5"),
    (lambda: P.velocity(X, X, -0.1), ValueError, "t [0, 1] -0.1"),
    (lambda: P.velocity(X, X, float("nan")), ValueError, "t [0, 1] nan"),
    (lambda: P.velocity(X, X, torch.zeros(4)), ValueError, "t scalar (5,) (5, 1) (4,)"),
    (lambda: P.sample(NAN, X, 0.5), ValueError, "x0 finite"),
    (lambda: P.conditional_velocity(X, NAN, 0.5), ValueError, "x1 finite"),
    (lambda: StraightPath(0.0).conditional_velocity(X, X, 1.0), ValueError, "t sigma(t) = 0 undefined"),
    (lambda: exact.marginal_velocity(M, P, X, 2.0), ValueError, "t [0, 1] 2.0"),
    (lambda: exact.marginal_score(M, P, normal(5, 3), 0.5), ValueError, "x (n, 2) (5, 3)"),
    (lambda: exact.marginal_log_prob(M, P, NAN, 0.5), ValueError, "x finite"),
    (lambda: exact.marginal_velocity(Moons(), P, X, 0.5), TypeError, "mixture GaussianMixture Moons"),
    (lambda: exact.velocity_field(M, 0.1), TypeError, "path StraightPath float"),
    (lambda: exact.loss_floor(M, P, 0), ValueError, "n_samples at least 1 0"),
    (
        lambda: exact.marginal_velocity(EmpiricalDistribution(X), StraightPath(0.0), X, 1.0),
        ValueError,
        "t sigma(t) = 0 width",
    ),
    (lambda: VelocityNet(hidden_dim=0), ValueError, "hidden_dim at least 1 0"),
    (lambda: VelocityNet(time_dim=1.5), TypeError, "time_dim integer float"),
    (lambda: NET(normal(5, 3).float(), 0.5), ValueError, "x (n, 2) (5, 3)"),
    (lambda: NET(X.float(), torch.zeros(3)), ValueError, "t scalar (5,) (3,)"),
    (lambda: cfm_loss(lambda x, t: x[:, :1], X, P), ValueError, "model (5, 2) (5, 1)"),
    (lambda: dsm_loss(lambda x: x.sum(1), X, 0.5), ValueError, "model (5, 2) (5,)"),
    (lambda: dsm_floor(M, 0.0), ValueError, "sigma (0.0, inf] 0.0"),
    (lambda: FlowMatchingDataset(M, n_samples=0), ValueError, "n_samples at least 1 0"),
    (lambda: FlowMatchingDataset(M, sigma_min=1.0), ValueError, "sigma_min [0.0, 1.0) 1.0"),
    (lambda: run(), ValueError, "n_steps n_epochs exactly one None"),
    (lambda: run(n_steps=1, n_epochs=1), ValueError, "n_steps n_epochs exactly one"),
    (lambda: run(n_steps=0), ValueError, "n_steps at least 1 0"),
    (lambda: run(n_steps=1.5), TypeError, "n_steps integer float"),
    (lambda: run(x1=M, n_epochs=1), ValueError, "n_epochs n_steps tensor"),
    (lambda: run(x1=NAN, n_steps=1), ValueError, "x1 finite"),
    (lambda: run(x1=X[:0], n_steps=1), ValueError, "x1 at least one"),
    (lambda: run(x1=[1.0], n_steps=1), TypeError, "x1 .sample list"),
    (lambda: run(path="straight", n_steps=1), TypeError, "path StraightPath str"),
    (lambda: run(n_steps=1, batch_size=0), ValueError, "batch_size at least 1 0"),
    (lambda: run(n_steps=1, lr=0.0), ValueError, "lr (0.0, inf] 0.0"),
    (lambda: run(n_steps=1, schedule="linear"), ValueError, "schedule 'constant' 'cosine' 'linear'"),
    (lambda: run(n_steps=1, ema=1.0), ValueError, "ema [0.0, 1.0) 1.0"),
    (lambda: run(n_steps=1, callback_every=0), ValueError, "callback_every at least 1 0"),
    (lambda: integrate_flow(NET, X.float(), n_steps=0), ValueError, "n_steps at least 1 0"),
    (lambda: integrate_flow(NET, X.float(), n_steps=2.0), TypeError, "n_steps integer float"),
    (lambda: integrate_flow(NET, X.float(), method="rk5"), ValueError, "method 'euler' 'rk4' 'dopri5' 'rk5'"),
    (lambda: integrate_flow(NET, X.float(), (0.0, 0.0)), ValueError, "t_span different"),
    (lambda: integrate_flow(NET, X.float(), (0.0, 2.0)), ValueError, "t_span [0.0, 1.0] 2.0"),
    (lambda: integrate_flow(NET, X.float(), 1.0), TypeError, "t_span pair 1.0"),
    (lambda: integrate_flow(NET, X.float(), atol=0.0), ValueError, "atol (0.0, inf] 0.0"),
    (lambda: integrate_flow(NET, X.float(), rtol=-1.0), ValueError, "rtol -1.0"),
    (lambda: integrate_flow(NET, NAN), ValueError, "x0 finite"),
    (lambda: integrate_flow(NET, X[0]), ValueError, "x0 (n, d) (2,)"),
    (lambda: langevin(M.score, X, 0, 0.1), ValueError, "n_steps at least 1 0"),
    (lambda: langevin(M.score, X, 5, 0.0), ValueError, "h (0.0, inf] 0.0"),
    (lambda: sliced_wasserstein(X, normal(5, 3)), ValueError, "b (n, 2) (5, 3)"),
    (lambda: sliced_wasserstein(X, X, 0), ValueError, "n_projections at least 1 0"),
    (lambda: energy_distance(NAN, X), ValueError, "a finite"),
    (
        lambda: excess_loss(lambda x, t: x[:, 0], M, P, 10),
        ValueError,
        "model(x, t) x same shape (10,) (10, 2)",
    ),
    (lambda: excess_loss(NET, M, P, 10, t=1.2), ValueError, "t [0, 1] 1.2"),
    (lambda: VariancePreservingPath(beta_min=0.0), ValueError, "beta_min (0.0 0.0"),
    (lambda: VariancePreservingPath(1.0, 0.5), ValueError, "beta_max [1.0 0.5"),
    (lambda: VariancePreservingPath("0.1"), TypeError, "beta_min real number str"),
    (lambda: VarianceExplodingPath(0.0), ValueError, "sigma_min (0.0 0.0"),
    (lambda: VarianceExplodingPath(0.5, 0.5), ValueError, "sigma_max (0.5 0.5"),
    (lambda: VarianceExplodingPath(rho=0.5), ValueError, "rho [1.0 0.5"),
    (lambda: VariancePreservingPath().velocity(X, X, 1.0), ValueError, "t infinite VariancePreservingPath"),
    (lambda: P.time_of(0.01), ValueError, "noise_ratio 0.1 0.01"),
    (lambda: VariancePreservingPath().time_of(1000.0), ValueError, "noise_ratio 152.2 1000"),
    (lambda: convert(X, X, 0.5, P, "epsilon", "score"), ValueError, "source 'noise' 'epsilon'"),
    (lambda: convert(X, X, 0.5, P, "noise", "eps"), ValueError, "target 'noise' 'eps'"),
    (lambda: convert(X[:3], X, 0.5, P, "noise", "score"), ValueError, "value x same shape (3, 2) (5, 2)"),
    (lambda: convert(X, X, 2.0, P, "noise", "score"), ValueError, "t [0, 1] 2.0"),
    (lambda: convert(X, X, 0.0, P, "score", "velocity"), ValueError, "t score velocity StraightPath"),
    (
        lambda: convert(X, X, 1.0, CosinePath(), "velocity", "score"),
        ValueError,
        "t velocity score CosinePath",
    ),
    (lambda: converted(NET, 0.5, "noise", "score"), TypeError, "path StraightPath float"),
    (lambda: from_library(NET, "tensorflow", P), ValueError, "library 'edm' 'score_sde' 'tensorflow'"),
    (lambda: sample(ddim_step, NET, NAN, P), ValueError, "x finite"),
    (lambda: sample(ddim_step, NET, X, P, 0), ValueError, "n_steps at least 1 0"),
    (lambda: sample(ddim_step, NET, X, P, times=torch.tensor([1.0, 0.0])), ValueError, "times rising 1."),
    (
        lambda: sample(ddim_step, NET, X, P, times=torch.tensor([0.0, 2.0])),
        ValueError,
        "times [0.0, 1.0] 2.0",
    ),
    (lambda: sample(heun_step, NET, X, P), ValueError, "times alpha heun_step StraightPath"),
    (lambda: karras_times(P, 0), ValueError, "n_steps at least 1 0"),
    (lambda: karras_times(P, 5, low=0.0), ValueError, "low (0.0 0.0"),
    (lambda: annealed_langevin(NET, X, P, [0.5], 0, 0.1), ValueError, "n_steps at least 1 0"),
    (lambda: annealed_langevin(NET, X, P, [0.5], 5, -0.1), ValueError, "h (0.0 -0.1"),
    (lambda: straightness(X, torch.zeros(5)), ValueError, "trajectory t (T, n, d) (5, 2)"),
    (lambda: get_angle_colors(normal(5, 3)), ValueError, "positions (n, 2) (5, 3)"),
    (lambda: get_angle_colors(NAN), ValueError, "positions finite"),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{i:02d}" for i in range(len(CASES))])
def test_the_error_names_the_argument_what_came_and_what_is_allowed(case):
    call, error, words = case
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    for word in re.findall(r"\([^)]*\)|\S+", words):
        assert word in message, f"{word!r} is not in {message!r}"


def test_what_the_mathematics_allows_is_allowed():
    straight = StraightPath(0.0)
    assert torch.isfinite(exact.marginal_velocity(M, straight, X, 1.0)).all()
    assert torch.isfinite(straight.conditional_velocity(X, X, 0.999)).all()
    torch.testing.assert_close(straight.velocity(X, X + 1, 1.0), torch.ones_like(X))
