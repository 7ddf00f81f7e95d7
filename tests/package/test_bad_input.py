"""Whatever is wrong in an argument gets an error that names it, says what came, and what is allowed."""

import re

import pytest
import torch
from helpers import normal

from fmtutorial import (
    ConditionalVelocityNet,
    EmpiricalDistribution,
    FlowMatchingDataset,
    GaussianMixture,
    StraightPath,
    VelocityNet,
    cfm_loss,
    exact,
    fit,
    get_angle_colors,
    integrate_flow,
    standard_mixture,
    train,
)
from fmtutorial.distributions import Checkerboard, Moons, Spiral
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
from fmtutorial.paths import (
    CosinePath,
    VarianceExplodingPath,
    VariancePreservingPath,
    convert,
    converted,
    from_library,
)
from fmtutorial.plotting import mosaic
from fmtutorial.problems import HeatRod, Projectile, heat_matrix, linear_posterior
from fmtutorial.sampling import (
    annealed_langevin,
    clamped,
    ddim_step,
    guided,
    heun_step,
    karras_times,
    langevin,
    sample,
)
from fmtutorial.training import (
    dsm_floor,
    dsm_loss,
    gaussian_ot,
    minibatch_ot,
    ot_permutation,
    reflow_pairs,
    sinkhorn_plan,
)
from fmtutorial.widgets import coupling_explorer, guidance_explorer

M, P, X, NET = standard_mixture(), StraightPath(0.1), normal(5, 2), VelocityNet(hidden_dim=4)
BY_LABEL = ConditionalVelocityNet(2, n_classes=3, hidden_dim=4, n_blocks=1)
NUMBERS = ConditionalVelocityNet(2, condition_dim=2, hidden_dim=4, n_blocks=1, unconditional=False)
LABELS = torch.tensor([0, 1, 2, 0, 1])
NAN = torch.full((5, 2), float("nan"), dtype=torch.float64)
COV = [[1.0, 0.0], [0.0, 1.0]]


CLASSES = torch.tensor([0, 1, 2, 0, 1])
BY_CLASS, ALWAYS = (
    ConditionalVelocityNet(2, n_classes=3, hidden_dim=4, n_blocks=1, unconditional=u) for u in (True, False)
)


def explore(**options):
    views = {"a": torch.zeros(3, 2, 4)}
    return guidance_explorer(
        **({"strengths": [0.0, 1.0, 2.0], "views": views, "curves": {"a": [0.0] * 3}} | options)
    )


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
    (lambda: run(x1=(X.float(), LABELS[:3]), n_steps=1), ValueError, "x1 equal length [5, 3]"),
    (lambda: run(x1=(X.float(), [1]), n_steps=1), TypeError, "x1 tuple of tensors"),
    (lambda: fit([1.0]), TypeError, "data .sample list"),
    (lambda: fit(M, condition=LABELS), TypeError, "condition tensor GaussianMixture"),
    (lambda: fit(X.float(), condition=LABELS[:3]), ValueError, "data equal length [5, 3]"),
    (lambda: fit(X.float(), condition=X[:, 0]), ValueError, "condition (N,) (N, c) (5,)"),
    (
        lambda: fit(X.float(), condition=LABELS - 1, model=BY_LABEL),
        ValueError,
        "y classes from 0 to 2 -1 to 1",
    ),
    (lambda: fit(X.float(), condition_dropout=1.0), ValueError, "condition_dropout [0.0, 1.0) 1.0"),
    (lambda: fit(X.float(), n_steps=0), ValueError, "n_steps at least 1 0"),
    (lambda: ConditionalVelocityNet(2), ValueError, "exactly one n_classes condition_dim None"),
    (lambda: ConditionalVelocityNet(2, n_classes=0), ValueError, "n_classes at least 1 0"),
    (lambda: ConditionalVelocityNet(2, n_classes=2, n_blocks=1.5), TypeError, "n_blocks integer float"),
    (lambda: BY_LABEL(X.float(), 0.5, LABELS[:3]), ValueError, "y (5,) (3,)"),
    (lambda: BY_LABEL(X.float(), 0.5, X.float()), TypeError, "y integer float32"),
    (lambda: BY_LABEL(X.float(), 0.5, [0] * 5), TypeError, "y torch.Tensor (5,) list"),
    (lambda: NUMBERS(X.float(), 0.5), ValueError, "y missing unconditional=False"),
    (lambda: NUMBERS(X.float(), 0.5, LABELS), TypeError, "y floating-point int64"),
    (lambda: NUMBERS(X.float(), 0.5, X[:, :1].float()), ValueError, "y (5, 2) (5, 1)"),
    (lambda: integrate_flow(BY_LABEL, X.float(), condition=LABELS + 1), ValueError, "y from 0 to 2 1 to 3"),
    (lambda: integrate_flow(BY_LABEL, X.float(), condition=LABELS[:2]), ValueError, "condition 5 rows 2"),
    (lambda: integrate_flow(BY_LABEL, X.float(), condition=1), TypeError, "condition torch.Tensor 5 1"),
    (lambda: integrate_flow(NUMBERS, X.float(), condition=NAN.float()), ValueError, "y finite 10 NaN"),
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
    (lambda: log_prob(NET, NAN.float()), ValueError, "x finite"),
    (lambda: log_prob(NET, X[0].float()), ValueError, "x (n, d) (2,)"),
    (lambda: log_prob(NET, X.float(), 0), ValueError, "n_steps at least 1 0"),
    (lambda: log_prob(NET, X.float(), method="rk5"), ValueError, "method 'rk4' 'rk5'"),
    (
        lambda: log_prob(NET, X.float(), divergence="skilling"),
        ValueError,
        "divergence 'hutchinson' 'skilling'",
    ),
    (lambda: log_prob(NET, X.float(), n_probes=4), ValueError, "n_probes 'hutchinson' 'exact' n_probes=4"),
    (lambda: log_prob(NET, X.float(), fresh=True), ValueError, "fresh 'hutchinson' 'exact' fresh=True"),
    (
        lambda: log_prob(NET, X.float(), method="dopri5", divergence="hutchinson", fresh=True),
        ValueError,
        "fresh fixed-step 'dopri5'",
    ),
    (
        lambda: log_prob(NET, X.float(), divergence="hutchinson", n_probes=0),
        ValueError,
        "n_probes at least 1 0",
    ),
    (
        lambda: log_prob(NET, X.float(), divergence="hutchinson", probe="sphere"),
        ValueError,
        "probe 'rademacher' 'gaussian' 'sphere'",
    ),
    (lambda: log_prob(lambda x, t: x[:, :1], X), ValueError, "model(x, t) same shape (5, 1) (5, 2)"),
    (lambda: log_prob(lambda x, t: torch.ones_like(x), X), ValueError, "model(x, t) autograd no_grad 0 * x"),
    (lambda: divergence(NET, X.float(), 1.5), ValueError, "t [0, 1] 1.5"),
    (lambda: divergence(NET, X.float(), torch.zeros(3)), ValueError, "t (5,) (3,)"),
    (lambda: hutchinson_divergence(NET, X.float(), 0.5, 0), ValueError, "n_probes at least 1 0"),
    (lambda: hutchinson_divergence(NET, X.float(), 0.5, 1, "sphere"), ValueError, "probe 'sphere'"),
    (lambda: kl_to_model(Moons(), NET), TypeError, "data_distribution .log_prob Moons"),
    (lambda: kl_to_model(M, NET, 0), ValueError, "n at least 1 0"),
    (lambda: bits_per_dimension(0.0, 0), ValueError, "dim at least 1 0"),
    (lambda: bits_per_dimension(0.0, 2, 0.0), ValueError, "bin_width (0.0, inf] 0.0"),
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
    (lambda: HeatRod(noise=0.0), ValueError, "noise (0.0, inf] 0.0"),
    (lambda: HeatRod(time=-1.0), ValueError, "time [0.0, inf] -1.0"),
    (lambda: HeatRod(n=0), ValueError, "n at least 1 0"),
    (lambda: heat_matrix([0.5, 1.2], X[:, 0], 0.1), ValueError, "positions [0, 1] 1.2"),
    (lambda: HeatRod().posterior(normal(4, 2)), ValueError, "y (n, 3) (4, 2)"),
    (lambda: linear_posterior(M, normal(1, 3), 0.1, X), ValueError, "matrix (m, 2) (1, 3)"),
    (lambda: linear_posterior(M, normal(2, 2), 0.0, X), ValueError, "noise (0.0, inf] 0.0"),
    (lambda: Projectile(drag=-0.1), ValueError, "drag -0.1"),
    (lambda: Projectile(noise="1"), TypeError, "noise real number str"),
    (lambda: Projectile().posterior("50"), TypeError, "metres real number str"),
    (lambda: Projectile().posterior(50.0, half_width=0.0), ValueError, "half_width 0.0"),
    (lambda: Projectile().distance(normal(5, 3)), ValueError, "x1 (n, 2) (5, 3)"),
    (lambda: sbc_ranks(X, normal(5, 2)), ValueError, "samples (5, L, 2) (5, 2)"),
    (lambda: sbc_ranks(X, [1.0]), TypeError, "samples Tensor list"),
    (lambda: crps(X, X[:, None]), ValueError, "samples at least 2 1"),
    (lambda: coverage(X, X[:, None], [1.0]), ValueError, "levels (0, 1) [1.0]"),
    (
        lambda: rank_histogram(torch.zeros(3, 1).long(), 100, 20),
        ValueError,
        "n_samples multiple n_bins 101 20",
    ),
    (lambda: two_sample_test(X, normal(5, 3)), ValueError, "b (n, 2) (5, 3)"),
    (lambda: two_sample_test(X, X, 0), ValueError, "n_steps at least 1 0"),
    (lambda: get_angle_colors(normal(5, 3)), ValueError, "positions (n, 2) (5, 3)"),
    (lambda: get_angle_colors(NAN), ValueError, "positions finite"),
    (lambda: ot_permutation(X, X[:3]), ValueError, "x0 x1 same shape (5, 2) (3, 2)"),
    (lambda: ot_permutation(X.numpy(), X), TypeError, "x0 Tensor ndarray"),
    (lambda: minibatch_ot(X, NAN), ValueError, "x1 finite"),
    (lambda: sinkhorn_plan(X, X, 0.0), ValueError, "epsilon (0.0, inf] 0.0"),
    (lambda: sinkhorn_plan(X, X, 1.0, max_iterations=0), ValueError, "max_iterations at least 1 0"),
    (lambda: sinkhorn_plan(X, X, 1.0, tolerance=-1), ValueError, "tolerance (0.0, inf] -1"),
    (
        lambda: sinkhorn_plan(X, 9 * X, 1e-4, max_iterations=2),
        RuntimeError,
        "epsilon 0.0001 larger",
    ),
    (lambda: gaussian_ot(X[0], COV, X[0], [[1.0]]), ValueError, "mean1 cov1 (d, d) (2,) (1, 1)"),
    (lambda: gaussian_ot(X[0], [[1.0, 2.0], [2.0, 1.0]], X[0], COV), ValueError, "cov0 positive definite"),
    (lambda: gaussian_ot(X[0], COV, NAN[0], COV), ValueError, "mean1 finite"),
    (lambda: gaussian_ot(X[0], COV, [0.0], [[1.0]]), ValueError, "mean0 mean1 same shape (2,) (1,)"),
    (lambda: reflow_pairs(NET, 0, 2), ValueError, "n at least 1 0"),
    (lambda: reflow_pairs(NET, 5, 2.0), TypeError, "dim integer float"),
    (lambda: reflow_pairs(NET, 5, 2, batch_size=0), ValueError, "batch_size at least 1 0"),
    (lambda: reflow_pairs(NET, 5, 2, n_steps=0), ValueError, "n_steps at least 1 0"),
    (lambda: coupling_explorer({}), TypeError, "models dict {}"),
    (lambda: coupling_explorer(n_samples=0), ValueError, "n_samples at least 1 0"),
    (lambda: guided(NET, 3, 1.0), TypeError, "y Tensor 3"),
    (lambda: guided("net", CLASSES, 1.0), TypeError, "model callable str"),
    (lambda: guided(NET, CLASSES, -2.0), ValueError, "w [-1.0, inf) -2.0"),
    (lambda: guided(NET, CLASSES, "strong"), TypeError, "w real number str"),
    (lambda: guided(BY_CLASS, CLASSES + 1, 1.0), ValueError, "y 0 2 3"),
    (lambda: guided(ALWAYS, CLASSES, 1.0), ValueError, "y missing unconditional=False"),
    (lambda: clamped(NET, X, X[:3], X > 0), ValueError, "x0 x1 same shape (5, 2) (3, 2)"),
    (lambda: clamped(NET, X, X, X), TypeError, "known torch.bool torch.float64"),
    (lambda: clamped(NET, X, X, [True, False]), TypeError, "known torch.bool list"),
    (lambda: clamped(NET, X, X, X[:3] > 0), ValueError, "known (2,) (5, 2) (3, 2)"),
    (lambda: mosaic(normal(5, 3)), ValueError, "x side (5, 3)"),
    (lambda: mosaic(normal(5, 4), 0), ValueError, "columns at least 1 0"),
    (lambda: explore(strengths=[0.0]), ValueError, "strengths two [0.0]"),
    (lambda: explore(strengths=[0.0, 2.0, 1.0]), ValueError, "strengths increasing [0.0, 2.0, 1.0]"),
    (lambda: explore(strengths=[0.0, 1.0, 3.0]), ValueError, "strengths equally spaced"),
    (lambda: explore(views={}), ValueError, "views one 0"),
    (lambda: explore(views={"a": normal(5, 4)}), ValueError, "views['a'] (3, n, side * side)"),
    (lambda: explore(curves={"a": [1.0]}), ValueError, "curves['a'] 3 1"),
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
