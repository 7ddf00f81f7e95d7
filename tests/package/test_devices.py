"""What is made from points is where the points are, and in single precision where there is no other."""

import pytest
import torch
from elsewhere import DEVICE, Elsewhere, elsewhere, to_elsewhere
from helpers import MIXTURE, normal, seeded

from fmtutorial import exact, fit, integrate_flow, metrics, paths, problems, sampling, training, variants
from fmtutorial._devices import double, has_double
from fmtutorial.distributions import Checkerboard, EmpiricalDistribution, Moons, Spiral

X = to_elsewhere(normal(6, 2))
Y = to_elsewhere(normal(6, 2, seed=1))
T = to_elsewhere(torch.linspace(0.1, 0.9, 6)[:, None])
HALF = to_elsewhere(torch.tensor(0.5))
LABELS = to_elsewhere(torch.arange(6) % 3)
DRAWS = to_elsewhere(torch.randn(6, 9, 2, generator=seeded()))
DATA = EmpiricalDistribution(Y)
STRAIGHT, PRESERVING, EXPLODING = (
    paths.StraightPath(),
    paths.VariancePreservingPath(),
    paths.VarianceExplodingPath(),
)
PATHS = [STRAIGHT, paths.CosinePath(), PRESERVING, EXPLODING]
NET = training.VelocityNet(hidden_dim=8)
AVERAGE = variants.AverageVelocityNet(hidden_dim=8)
BY_LABEL = training.ConditionalVelocityNet(2, n_classes=3, hidden_dim=8, n_blocks=1)
FIELD = exact.velocity_field(MIXTURE, PRESERVING)
H, READING = to_elsewhere(normal(1, 2)), to_elsewhere(torch.tensor([0.3]))
SOURCES = [NET, FIELD, exact.velocity_field(DATA, PRESERVING)]


def standardized():
    flow = fit(X, n_steps=2, standardize=True, progress=False, device=DEVICE, generator=seeded())[0]
    flow.zero_grad()
    flow.to(DEVICE)  # the stand-in's networks do not say where they are
    return [flow.sample(5, seeded(), n_steps=2), flow.log_prob(X, n_steps=2)]


def residuals():
    options = {"n_steps": 2, "standardize": "residuals", "progress": False, "device": DEVICE}
    flow = fit((X, Y), generator=seeded(), **options)[0]
    flow.zero_grad()
    flow.to(DEVICE)
    return flow.sample(6, seeded(), condition=Y, n_steps=2), flow.log_prob(X, condition=Y, n_steps=2)


def trained(**options):
    fit(X, n_steps=2, progress=False, device=DEVICE, generator=seeded(), **options)
    return X


CALLS = {
    "EmpiricalDistribution.sample": lambda: [DATA.sample(4, seeded()), DATA.sample(4)],
    "GaussianMixture": lambda: [
        MIXTURE.log_prob(X),
        MIXTURE.score(X),
        MIXTURE.sample(4, seeded(), device=DEVICE),
    ],
    "exact": lambda: [
        function(data, path, X, t)
        for function in (exact.marginal_log_prob, exact.marginal_score, exact.marginal_velocity)
        for data in (MIXTURE, DATA)
        for path in PATHS
        for t in (0.5, HALF, T)
    ],
    "paths": lambda: [
        value
        for path in PATHS
        for t in (0.5, HALF, T)
        for value in (path.sample(X, Y, t), path.velocity(X, Y, t), path.conditional_velocity(X, Y, t))
    ],
    "time_of": lambda: [path.time_of(path.noise_ratio(T)) for path in PATHS],
    "convert": lambda: [paths.convert(X, Y, T, PRESERVING, a, b) for a in paths.KINDS for b in paths.KINDS],
    "velocity_on_path": lambda: [
        paths.velocity_on_path(FIELD, PRESERVING, STRAIGHT)(X, t) for t in (HALF, T)
    ],
    "converted_model": lambda: [paths.converted_model(FIELD, PRESERVING, "velocity", "score")(X, T)],
    "libraries": lambda: [
        paths.from_library(paths.to_library(FIELD, name, PRESERVING), name, PRESERVING)(X, HALF)
        for name in paths.CONVENTIONS
    ],
    **{
        f"integrate_flow {method}": lambda method=method: [
            value for model in SOURCES for value in integrate_flow(model, X, (0.0, 0.9), 4, method)
        ]
        for method in (*sampling.FIXED_STEP, *sampling.ADAPTIVE)
    },
    "integrate_flow condition": lambda: integrate_flow(
        BY_LABEL, X, n_steps=2, condition=LABELS, only_end=True
    ),
    **{
        step.__name__: lambda step=step, options=options: sampling.run_sampler(
            step, FIELD, X, PRESERVING, 3, **options
        )
        for step, options in [
            (sampling.ddim_step, {"eta": 0.5, "generator": seeded()}),
            (sampling.ddpm_step, {"generator": seeded()}),
            (sampling.heun_step, {}),
            (sampling.sde_step, {"generator": seeded()}),
            (sampling.sde_step, {"rate": sampling.reverse_diffusion_rate, "generator": seeded()}),
        ]
    },
    "karras_times": lambda: sampling.run_sampler(
        sampling.heun_step,
        exact.velocity_field(MIXTURE, EXPLODING),
        X,
        EXPLODING,
        times=sampling.karras_times(EXPLODING, 3),
    )[0],
    "langevin": lambda: [
        sampling.langevin(MIXTURE.score, X, 2, 0.1, seeded()),
        sampling.annealed_langevin(
            exact.score_field(MIXTURE, STRAIGHT), X, STRAIGHT, [0.5, 0.9], 2, 0.1, seeded()
        ),
    ],
    "guided": lambda: sampling.guided(BY_LABEL, LABELS, 1.0)(X, HALF),
    "clamped": lambda: sampling.clamped(NET, X, Y, X > 0)(X, HALF),
    "posterior_guided": lambda: [
        sampling.posterior_guided(FIELD, PRESERVING, score)(X, HALF)
        for score in (
            sampling.likelihood_score_field(MIXTURE, PRESERVING, H, 0.5, READING),
            sampling.plug_in_score_field(FIELD, PRESERVING, H, 0.5, READING),
            sampling.matched_score_field(FIELD, PRESERVING, H, 0.5, READING),
        )
    ],
    "losses": lambda: [
        training.cfm_loss(NET, X, STRAIGHT, seeded()),
        training.cfm_loss(BY_LABEL, (X, LABELS), STRAIGHT, seeded(), condition_dropout=0.5),
        training.cfm_loss(NET, X, STRAIGHT, seeded(), coupling=training.ot_permutation),
        training.pair_loss(NET, (X, Y), STRAIGHT, seeded()),
        training.stable_cfm_loss(NET, X, STRAIGHT, seeded()),
        training.dsm_loss(MIXTURE.score, X, 0.5, seeded()),
    ],
    "flow maps": lambda: [
        function(MIXTURE, path, X, s, t)
        for function in (variants.exact_flow_map, variants.exact_average_velocity)
        for path in PATHS
        for s, t in ((0.2, 0.7), (HALF, 0.9), (0.1, T))
    ],
    "bridges": lambda: [
        *variants.Bridge(1.0).point_and_noise(X, Y, T, seeded()),
        *[
            function(MIXTURE, MIXTURE, variants.Bridge(1.0), X, T)
            for function in (variants.bridge_velocity, variants.bridge_score, variants.bridge_log_prob)
        ],
        *variants.sample_bridge(
            *variants.bridge_fields(MIXTURE, MIXTURE, variants.Bridge(1.0)), X, 2, 0.5, seeded()
        ),
    ],
    "learnt flow maps": lambda: [
        AVERAGE(X, 0.2, T),
        *variants.velocity_and_derivative(AVERAGE, X, T, T + 0.1, Y, 1.0, 0.0),
        variants.jump(AVERAGE, X, 2),
        variants.renoised_jumps(AVERAGE, X, STRAIGHT, 2, seeded()),
        variants.distillation_loss(AVERAGE, DRAWS, STRAIGHT, seeded()),
        variants.meanflow_loss(AVERAGE, X, STRAIGHT, seeded()),
        variants.meanflow_loss(AVERAGE, X, STRAIGHT, seeded(), target="conditional", stop_gradient=False),
        variants.lagrangian_loss(AVERAGE, X, STRAIGHT, seeded()),
        variants.progressive_loss(AVERAGE, X, STRAIGHT, seeded()),
        variants.progressive_loss(AVERAGE, X, STRAIGHT, seeded(), midpoint=True),
        variants.consistency_loss(AVERAGE, X, STRAIGHT, seeded()),
    ],
    "couplings": lambda: [
        training.ot_permutation(X, Y),
        *training.minibatch_ot(X, Y, return_permutation=True),
        training.entropic_indices(X, Y, 1.0, seeded()),
    ],
    "fit": trained,
    "fit with a condition": lambda: trained(condition=Y),
    "fit with classes": lambda: trained(condition=LABELS),
    "fit standardized": standardized,
    "fit of residuals": residuals,
    "metrics.log_prob": lambda: [
        metrics.log_prob(NET, X, 2),
        metrics.log_prob(FIELD, X, 2, method="dopri5", atol=1e-2, rtol=1e-2),
        metrics.log_prob(NET, X, 2, divergence="hutchinson", generator=seeded()),
        metrics.divergence(NET, X, 0.5),
        metrics.hutchinson_divergence(NET, X, T, generator=seeded()),
    ],
    "crps": lambda: [
        metrics.crps(X, DRAWS),
        metrics.sbc_ranks(X, DRAWS),
        metrics.sbc_ranks(0 * X, 0 * DRAWS, seeded()),
    ],
    "heat rod": lambda: problems.HeatRod().observe(to_elsewhere(normal(4, 32)), seeded()),
    "heat rod velocity": lambda: problems.HeatRod().velocity_field(STRAIGHT)(
        to_elsewhere(normal(4, 32)), HALF, to_elsewhere(normal(4, 3))
    ),
}
NUMBERS = {
    "sliced_wasserstein": lambda: (
        metrics.sliced_wasserstein(X, Y, 8, seeded()) + metrics.sliced_wasserstein(X, Y[:4], 8)
    ),
    "energy_distance": lambda: metrics.energy_distance(X, Y),
    "frechet_distance": lambda: metrics.frechet_distance(X, Y),
    "straightness": lambda: metrics.straightness(*integrate_flow(NET, X, n_steps=3, method="euler")),
    "two_sample_test": lambda: sum(metrics.two_sample_test(X, Y, 3, seeded())),
    "coverage": lambda: float(metrics.coverage(X, DRAWS, [0.4, 0.8]).sum()),
    "uniformity": lambda: float(
        metrics.uniformity(metrics.rank_histogram(metrics.sbc_ranks(X, DRAWS), 9, 5)).sum()
    ),
    "paired_gap": lambda: variants.paired_gap(X, Y),
    "meanflow_floor": lambda: sum(variants.meanflow_floor(MIXTURE, STRAIGHT, 5, seeded())),
    "sinkhorn_plan": lambda: float(training.sinkhorn_plan(X, Y, 1.0).sum()),
    "gaussian_ot": lambda: training.gaussian_ot(X[0], X.T @ X, Y[0], Y.T @ Y)[1],
    "excess_loss": lambda: metrics.excess_loss(NET, DATA, STRAIGHT, 50, seeded()),
    "loss_floor": lambda: sum(exact.loss_floor(DATA, STRAIGHT, 50, seeded())),
    "projectile": lambda: float(problems.Projectile().distance(X).sum()),
}


def tensors(result) -> list[torch.Tensor]:
    return [result] if isinstance(result, torch.Tensor) else list(result)


@pytest.mark.parametrize("call", CALLS)
def test_results_are_where_the_points_are(call):
    with elsewhere():
        for value in tensors(CALLS[call]()):
            assert isinstance(value, Elsewhere), "a result on the CPU"
            assert value.cpu().isfinite().all()


@pytest.mark.parametrize("call", NUMBERS)
def test_numbers_come_from_points_anywhere(call):
    with elsewhere():
        value = NUMBERS[call]()
    assert value == value


def test_the_stand_in_refuses_what_the_device_refuses():
    with elsewhere():
        for wrong in (
            lambda: X.double(),
            lambda: X.to(torch.float64),
            lambda: torch.zeros(2, dtype=torch.float64, device=X.device),
        ):
            with pytest.raises(TypeError, match="float64"):
                wrong()
        for wrong in (
            lambda: X + normal(6, 2).float(),
            lambda: X.numpy(),
            lambda: torch.randn(2, generator=seeded(), device=DEVICE),
        ):
            with pytest.raises((RuntimeError, TypeError)):
                wrong()
        assert X.device == DEVICE and X.cpu().device.type == "cpu"


def test_double_precision_is_the_devices_own_or_the_cpus():
    with elsewhere():
        assert not has_double(X.device) and has_double(torch.device("cpu"))
        assert double(X).device.type == "cpu" and double(X).dtype == torch.float64
    assert double(normal(2, 2).float()).dtype == torch.float64


@pytest.mark.parametrize("data", [Moons(), Checkerboard(), Spiral()], ids=repr)
def test_toy_data_are_drawn_where_the_generator_is(data):
    assert data.sample(3, seeded()).device.type == "cpu"
