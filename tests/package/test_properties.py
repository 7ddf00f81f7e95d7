"""Functions of points, over dtypes, shapes and scales: finite numbers of that dtype and shape."""

import pytest
import torch
from helpers import MIXTURE, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial import (
    GaussianMixture,
    exact,
    fit,
    integrate_flow,
    metrics,
    paths,
    sampling,
    training,
    variants,
)
from fmtutorial.distributions import EmpiricalDistribution

PATHS = [
    paths.StraightPath(),
    paths.StraightPath(0.0),
    paths.CosinePath(),
    paths.VariancePreservingPath(),
    paths.VarianceExplodingPath(),
]
BRIDGE = variants.Bridge(0.5)
dtypes = st.sampled_from([torch.float32, torch.float64])
shapes = st.tuples(st.sampled_from([1, 2, 7]), st.sampled_from([1, 2, 5]))
scales = st.sampled_from([1e-6, 1e-3, 1.0, 1e3, 1e6])
ts = st.sampled_from([0.1, 0.5, 0.99])


def cloud(shape, scale, dtype, seed=0):
    """Points (n, d) of this scale."""
    return (scale * torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)).to(dtype)


def mixture_of(dim, scale):
    """Two Gaussians of this scale."""
    parts = [{"mean": [m * scale] * dim, "std": scale} for m in (-1.0, 1.0)]
    return GaussianMixture(parts)


def linear(x, t):
    """A velocity for every shape and dtype."""
    return -x


def network(dim, dtype):
    torch.manual_seed(0)
    return training.VelocityNet(dim, hidden_dim=8).to(dtype)


def check(value, dtype, *shapes):
    """Finite numbers of this dtype and one of the shapes."""
    assert value.dtype == dtype
    assert tuple(value.shape) in shapes
    assert torch.isfinite(value).all()


# Functions of (x, path, t, data of the same scale) that give points (n, d).
POINTS = {
    "path.sample": lambda x, path, t, data: path.sample(x, x.flip(0), t),
    "path.velocity": lambda x, path, t, data: path.velocity(x, x.flip(0), t),
    "path.conditional_velocity": lambda x, path, t, data: path.conditional_velocity(x, x.flip(0), t),
    "marginal_score": lambda x, path, t, data: exact.marginal_score(data, path, x, t),
    "marginal_velocity": lambda x, path, t, data: exact.marginal_velocity(data, path, x, t),
    "marginal_score of points": lambda x, path, t, data: exact.marginal_score(
        EmpiricalDistribution(x), path, x, t
    ),
    "marginal_velocity of points": lambda x, path, t, data: exact.marginal_velocity(
        EmpiricalDistribution(x), path, x, t
    ),
    "score": lambda x, path, t, data: data.score(x),
    "score at a column of times": lambda x, path, t, data: exact.marginal_score(
        data, path, x, torch.full((len(x), 1), t)
    ),
    "EmpiricalDistribution.sample": lambda x, path, t, data: EmpiricalDistribution(x).sample(
        len(x), seeded()
    ),
    "convert": lambda x, path, t, data: paths.convert(x, x.flip(0), t, path, "velocity", "noise"),
    "ddim_step": lambda x, path, t, data: sampling.run_sampler(
        sampling.ddim_step, linear, x, path, times=[t, t + 0.005]
    )[0][-1],
    "sde_step": lambda x, path, t, data: sampling.run_sampler(
        sampling.sde_step, linear, x, path, times=[t, t + 0.005], generator=seeded()
    )[0][-1],
    "langevin": lambda x, path, t, data: sampling.langevin(lambda x: -x, x, 2, 0.1, seeded()),
    "annealed_langevin": lambda x, path, t, data: sampling.annealed_langevin(
        linear, x, path, [t], 2, 1e-5, seeded()
    ),
    "clamped": lambda x, path, t, data: sampling.clamped(linear, x, x.flip(0), x > 0)(x, torch.tensor(t)),
    "predicted_data": lambda x, path, t, data: sampling.predicted_data(linear, path, x, t),
    "minibatch_ot": lambda x, path, t, data: training.minibatch_ot(x, x.flip(0))[1],
    "exact_average_velocity": lambda x, path, t, data: variants.exact_average_velocity(data, path, x, t, t),
    "exact_flow_map": lambda x, path, t, data: variants.exact_flow_map(data, path, x, t, t, 2),
    "renoised_jumps": lambda x, path, t, data: variants.renoised_jumps(
        lambda x, s, t: -x, x, path, 2, seeded()
    )[-1],
    "jump": lambda x, path, t, data: variants.jump(lambda x, s, t: -x, x, 2)[-1],
    "Bridge.sample": lambda x, path, t, data: BRIDGE.sample(x, x.flip(0), t, seeded()),
    "bridge_velocity": lambda x, path, t, data: variants.bridge_velocity(data, data, BRIDGE, x, t),
    "bridge_score": lambda x, path, t, data: variants.bridge_score(data, data, BRIDGE, x, t),
    "sample_bridge": lambda x, path, t, data: variants.sample_bridge(linear, linear, x, 2, 0.1, seeded())[0][
        -1
    ],
    "starting_noise": lambda x, path, t, data: sampling.starting_noise(path, x),
}
# Functions that give a number for each point.
VALUES = {
    "mixture.log_prob": lambda x, path, t, data: data.log_prob(x),
    "marginal_log_prob": lambda x, path, t, data: exact.marginal_log_prob(data, path, x, t),
    "marginal_log_prob of points": lambda x, path, t, data: exact.marginal_log_prob(
        EmpiricalDistribution(x), path, x, t
    ),
    "bridge_log_prob": lambda x, path, t, data: variants.bridge_log_prob(data, data, BRIDGE, x, t),
    "divergence": lambda x, path, t, data: metrics.divergence(linear, x, t),
    "hutchinson_divergence": lambda x, path, t, data: metrics.hutchinson_divergence(
        linear, x, t, generator=seeded()
    ),
    "log_prob": lambda x, path, t, data: metrics.log_prob(linear, x, 4),
    "log_prob on a path": lambda x, path, t, data: metrics.log_prob(linear, x, 4, path=path),
}
# Functions that give one number.
NUMBERS = {
    "sliced_wasserstein": lambda a, b: metrics.sliced_wasserstein(a, b, 8, seeded()),
    "energy_distance": metrics.energy_distance,
    "frechet_distance": metrics.frechet_distance,
    "two_sample_test": lambda a, b: sum(metrics.two_sample_test(a, b, 2, seeded())),
    "straightness": lambda a, b: metrics.straightness(
        torch.stack([a, b[: len(a)]]), torch.tensor([0.0, 1.0])
    ),
    "crps": lambda a, b: float(metrics.crps(a, torch.stack([a, b[: len(a)]], 1)).sum()),
    "coverage": lambda a, b: float(metrics.coverage(a, torch.stack([a, b[: len(a)]], 1), [0.5]).sum()),
    "sinkhorn_plan": lambda a, b: float(
        training.sinkhorn_plan(a, b[: len(a)], float(a.square().sum() + 1e-12)).sum()
    ),
    "kl_to_model": lambda a, b: metrics.kl_to_model(
        mixture_of(a.shape[1], 1.0), linear, len(a), seeded(), n_steps=2
    )[0],
    "cfm_loss": lambda a, b: training.cfm_loss(linear, a, PATHS[0], seeded()).item(),
    "stable_cfm_loss": lambda a, b: training.stable_cfm_loss(linear, a, PATHS[0], seeded()).item(),
    "pair_loss": lambda a, b: training.pair_loss(linear, (a, a.flip(0)), PATHS[0], seeded()).item(),
    "dsm_loss": lambda a, b: training.dsm_loss(lambda x: -x, a, 0.5, seeded()).item(),
}


@pytest.mark.parametrize("name", POINTS)
@given(shape=shapes, scale=scales, dtype=dtypes, path=st.sampled_from(PATHS), t=ts)
def test_points_come_back_as_points(name, shape, scale, dtype, path, t):
    x = cloud(shape, scale, dtype)
    check(POINTS[name](x, path, t, mixture_of(shape[1], scale)), dtype, shape)


@pytest.mark.parametrize("name", VALUES)
@given(shape=shapes, scale=scales, dtype=dtypes, path=st.sampled_from(PATHS), t=ts)
def test_each_point_has_its_number(name, shape, scale, dtype, path, t):
    x = cloud(shape, scale, dtype)
    check(VALUES[name](x, path, t, mixture_of(shape[1], scale)), dtype, shape[:1])


@pytest.mark.parametrize("name", NUMBERS)
@given(shape=shapes, scale=scales, dtype=dtypes)
def test_sets_of_points_have_one_number(name, shape, scale, dtype):
    a, b = cloud(shape, scale, dtype), cloud((2 * shape[0], shape[1]), scale, dtype, seed=1)
    try:
        value = NUMBERS[name](a, b)
    except ValueError as error:
        assert shape[0] == 1 and "at least 2" in str(error)
        return
    assert value == value and abs(value) < float("inf")


@pytest.mark.parametrize("method", [*sampling.FIXED_STEP, *sampling.ADAPTIVE])
@given(shape=shapes, scale=scales, dtype=dtypes)
def test_a_solver_keeps_dtype_and_shape(method, shape, scale, dtype):
    trajectory, t = integrate_flow(
        network(shape[1], dtype), cloud(shape, scale, dtype), n_steps=3, method=method
    )
    check(trajectory, dtype, (4, *shape))
    check(t, dtype, (4,))


@given(shape=shapes, scale=scales, dtype=dtypes, offset=st.sampled_from([0.0, 1.0, 1e3]))
def test_fit_standardizes_every_scale(shape, scale, dtype, offset):
    x = offset * scale + cloud(shape, scale, dtype)
    flow, history = fit(x, n_steps=2, standardize=True, progress=False, generator=seeded())
    check(flow.sample(3, seeded(), n_steps=2, method="euler"), dtype, (3, shape[1]))
    if shape[0] > 1:
        check(flow.log_prob(x, n_steps=2), dtype, shape[:1])
    assert all(loss < 100 for loss in history.losses)


# Functions of two sets of points whose shapes must agree: nothing is broadcast.
PAIRS = {
    "path.sample": lambda a, b: paths.StraightPath().sample(a, b, 0.5),
    "path.velocity": lambda a, b: paths.StraightPath().velocity(a, b, 0.5),
    "path.conditional_velocity": lambda a, b: paths.StraightPath().conditional_velocity(a, b, 0.5),
    "convert": lambda a, b: paths.convert(a, b, 0.5, paths.StraightPath(), "velocity", "noise"),
    "clamped": lambda a, b: sampling.clamped(linear, a, b, a > 0),
    "ot_permutation": training.ot_permutation,
    "minibatch_ot": training.minibatch_ot,
    "sinkhorn_plan": lambda a, b: training.sinkhorn_plan(a, b, 1.0),
    "pair_loss": lambda a, b: training.pair_loss(linear, (a, b), paths.StraightPath(), seeded()),
    "paired_gap": lambda a, b: variants.paired_gap(a, b),
    "Bridge.sample": lambda a, b: BRIDGE.sample(a, b, 0.5),
    "sliced_wasserstein": lambda a, b: metrics.sliced_wasserstein(a, b[:, :1], 4),
    "energy_distance": lambda a, b: metrics.energy_distance(a, b[:, :1]),
    "frechet_distance": lambda a, b: metrics.frechet_distance(a, b[:, :1]),
    "two_sample_test": lambda a, b: metrics.two_sample_test(a, b[:, :1], 2),
    "crps": lambda a, b: metrics.crps(a, b[:, None]),
    "straightness": lambda a, b: metrics.straightness(torch.stack([a, a]), b[:, 0]),
    "model's answer": lambda a, b: integrate_flow(lambda x, t: b, a, n_steps=2, method="euler"),
    "mixture.log_prob": lambda a, b: MIXTURE.log_prob(b[:, :1]),
    "marginal_velocity": lambda a, b: exact.marginal_velocity(MIXTURE, paths.StraightPath(), b[:, :1], 0.5),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("other", [(6, 1), (1, 2), (1, 1)], ids=str)
def test_nothing_is_broadcast(name, other):
    with pytest.raises(ValueError, match="must"):
        PAIRS[name](cloud((6, 2), 1.0, torch.float64), cloud(other, 1.0, torch.float64))


# Functions that need at least so many points.
EMPTY = {
    "sliced_wasserstein": lambda a: metrics.sliced_wasserstein(a, a),
    "energy_distance": lambda a: metrics.energy_distance(a, a),
    "frechet_distance": lambda a: metrics.frechet_distance(a, a),
    "two_sample_test": lambda a: metrics.two_sample_test(a, a, 2),
    "sbc_ranks": lambda a: metrics.sbc_ranks(a, a[:, None]),
    "coverage": lambda a: metrics.coverage(a, a[:, None], [0.5]),
    "uniformity": lambda a: metrics.uniformity(torch.zeros(5, 2, dtype=torch.long)),
    "straightness": lambda a: metrics.straightness(torch.stack([a, a]), torch.tensor([0.0, 1.0])),
    "ot_permutation": lambda a: training.ot_permutation(a, a),
    "sinkhorn_plan": lambda a: training.sinkhorn_plan(a, a, 1.0),
    "cfm_loss": lambda a: training.cfm_loss(linear, a, PATHS[0]),
    "stable_cfm_loss": lambda a: training.stable_cfm_loss(linear, a, PATHS[0]),
    "pair_loss": lambda a: training.pair_loss(linear, (a, a), PATHS[0]),
    "EmpiricalDistribution": EmpiricalDistribution,
    "fit": lambda a: fit(a, n_steps=1),
}


@pytest.mark.parametrize("name", EMPTY)
def test_no_points_at_all_are_named(name):
    with pytest.raises(ValueError, match="at least"):
        EMPTY[name](torch.zeros(0, 2))


@pytest.mark.parametrize("method", [*sampling.FIXED_STEP, *sampling.ADAPTIVE])
def test_a_solver_takes_no_points(method):
    assert integrate_flow(linear, torch.zeros(0, 2), n_steps=3, method=method)[0].shape == (4, 0, 2)


@pytest.mark.parametrize("name", ["marginal_score", "marginal_velocity", "langevin", "clamped"])
def test_no_points_give_none(name):
    check(POINTS[name](torch.zeros(0, 2), PATHS[0], 0.5, MIXTURE), torch.float32, (0, 2))


@given(dim=st.integers(1, 5), depth=st.floats(10, 19), seed=st.integers(0, 10**6))
def test_a_covariance_near_singular_is_right_or_refused(dim, depth, seed):
    axes = torch.linalg.qr(torch.randn(dim, dim, generator=seeded(seed), dtype=torch.float64))[0]
    covariance = axes @ torch.diag(torch.logspace(0, -depth, dim, dtype=torch.float64)) @ axes.T
    covariance = (covariance + covariance.T) / 2
    zeros, identity = torch.zeros(dim), torch.eye(dim)
    try:
        mixture = GaussianMixture([{"mean": zeros, "cov": covariance}])
        transport, distance = training.gaussian_ot(zeros, covariance, zeros, identity)
    except ValueError as error:
        assert "positive definite" in str(error)
        return
    x = mixture.sample(3, seeded(), dtype=torch.float64)
    for value in (
        x,
        mixture.log_prob(x),
        mixture.score(x),
        exact.marginal_velocity(mixture, PATHS[0], x, 1.0),
    ):
        assert torch.isfinite(value).all()
    assert torch.isfinite(transport).all() and distance >= 0
    assert metrics.gaussian_frechet(zeros, covariance, zeros, covariance) < 1e-6
