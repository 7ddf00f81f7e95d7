"""Our paths, conversions and samplers against flow_matching, torchcfm and diffusers on the same inputs."""

import pytest
import torch
from helpers import normal, seeded

from fmtutorial import CosinePath, StraightPath, VariancePreservingPath, exact, standard_mixture
from fmtutorial.paths import AffineGaussianPath, conventions, libraries
from fmtutorial.sampling import ddim_step, ddpm_step, run_sampler

pytestmark = pytest.mark.peers
MIXTURE = standard_mixture()
X0, X1 = normal(64, 2, 1), normal(64, 2, 2)
T = torch.linspace(0.02, 0.98, 64, dtype=torch.float64)


def pairs():
    """(their scheduler's name, our path)"""
    return [
        ("CondOTScheduler", StraightPath(0.0)),
        ("VPScheduler", VariancePreservingPath()),
        ("CosineScheduler", CosinePath()),
    ]


@pytest.mark.parametrize("name, path", pairs(), ids=str)
def test_schedules_paths_and_targets_of_flow_matching(name, path):
    scheduler = pytest.importorskip("flow_matching.path.scheduler")
    affine = pytest.importorskip("flow_matching.path")
    theirs = affine.AffineProbPath(getattr(scheduler, name)())
    out = theirs.scheduler(T)
    for mine, other in (
        (path.alpha(T), out.alpha_t),
        (path.sigma(T), out.sigma_t),
        (path.alpha_dot(T), out.d_alpha_t),
        (path.sigma_dot(T), out.d_sigma_t),
    ):
        torch.testing.assert_close(torch.as_tensor(mine).double().expand(64), other, rtol=1e-9, atol=1e-12)
    drawn = theirs.sample(x_0=X0, x_1=X1, t=T)
    torch.testing.assert_close(path.sample(X0, X1, T), drawn.x_t)
    torch.testing.assert_close(path.velocity(X0, X1, T), drawn.dx_t)


@pytest.mark.parametrize("name, path", pairs(), ids=str)
def test_conversions_of_flow_matching(name, path):
    scheduler = pytest.importorskip("flow_matching.path.scheduler")
    affine = pytest.importorskip("flow_matching.path")
    theirs, t = affine.AffineProbPath(getattr(scheduler, name)()), T.unsqueeze(1)
    kinds = {"target": "data", "epsilon": "noise", "velocity": "velocity"}
    words = {"target": "x_1", "epsilon": "epsilon", "velocity": "velocity"}
    for source in kinds:
        for target in kinds:
            if source != target:
                other = getattr(theirs, f"{source}_to_{target}")(**{words[source]: X1}, x_t=X0, t=t)
                mine = conventions.convert(X1, X0, t, path, kinds[source], kinds[target])
                torch.testing.assert_close(mine, other, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name, path", pairs(), ids=str)
def test_inverse_schedules_of_flow_matching(name, path):
    scheduler = pytest.importorskip("flow_matching.path.scheduler")
    snr = 1 / path.noise_ratio(T)
    torch.testing.assert_close(path.time_of(1 / snr), getattr(scheduler, name)().snr_inverse(snr))


def test_change_of_schedule_is_flow_matchings_transform():
    transform = pytest.importorskip("flow_matching.utils").ModelWrapper
    from flow_matching.path.scheduler import CondOTScheduler, CosineScheduler, ScheduleTransformedModel

    straight, cosine = StraightPath(0.0), CosinePath()
    u = exact.velocity_field(MIXTURE, straight)

    class Wrapped(transform):
        def forward(self, x, t, **extras):
            return u(x, t)

    theirs = ScheduleTransformedModel(Wrapped(None), CondOTScheduler(), CosineScheduler())
    mine = conventions.velocity_on_path(u, straight, cosine)
    for t in (0.2, 0.5, 0.8):
        t = torch.tensor(t, dtype=torch.float64)
        torch.testing.assert_close(mine(X0, t), theirs(X0, t), rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(mine(X0, t), exact.marginal_velocity(MIXTURE, cosine, X0, t))


def test_torchcfms_variance_preserving_matcher_is_the_cosine_path():
    torchcfm = pytest.importorskip("torchcfm.conditional_flow_matching")
    matcher = torchcfm.VariancePreservingConditionalFlowMatcher(sigma=0.0)
    torch.manual_seed(0)
    _, x_t, u_t = matcher.sample_location_and_conditional_flow(X0, X1, t=T)
    torch.testing.assert_close(CosinePath().sample(X0, X1, T), x_t)
    torch.testing.assert_close(CosinePath().velocity(X0, X1, T), u_t)


def test_diffusers_flow_match_euler_is_our_euler():
    diffusers = pytest.importorskip("diffusers")
    n, path = 10, StraightPath(0.0)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=torch.linspace(1.0, 1 / n, n).tolist())
    u = exact.velocity_field(MIXTURE, path)
    network, x = libraries.to_library(u, "diffusers_flow", path), X0.float()
    for k in scheduler.timesteps:
        x = scheduler.step(network(x, k), k, x).prev_sample
    ours = run_sampler(ddim_step, u, X0.float(), path, n)[0][-1]
    torch.testing.assert_close(ours, x, rtol=1e-4, atol=1e-4)


class Table(AffineGaussianPath):
    """A DDPM scheduler's alphas_cumprod as a path: time 1 - (k + 1) / N belongs to its step k."""

    def __init__(self, scheduler):
        self.bar = torch.cat([torch.ones(1), scheduler.alphas_cumprod]).double()

    def alpha(self, t):
        return self.bar[torch.round((1 - t) * (len(self.bar) - 1)).long()].sqrt()

    def sigma(self, t):
        return (1 - self.bar[torch.round((1 - t) * (len(self.bar) - 1)).long()]).sqrt()

    def alpha_dot(self, t):
        return torch.ones_like(torch.as_tensor(t))

    def sigma_dot(self, t):
        return -self.alpha(t) / self.sigma(t)


def predict(path, noise):
    """The velocity on `path` whose predicted noise is `noise(x)`."""
    return conventions.converted_model(lambda x, t: noise(x), path, "noise", "velocity")


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_diffusers_ddim_is_our_ddim(eta):
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=True)
    scheduler.set_timesteps(20)
    path, noise = Table(scheduler), lambda x: torch.sin(x)  # any function may stand for the network
    z = normal(64, 2, 7)
    for k in (scheduler.timesteps[0], scheduler.timesteps[8], scheduler.timesteps[18]):
        theirs = scheduler.step(noise(X0), int(k), X0, eta=eta, variance_noise=z if eta else None).prev_sample
        a = 1 - (int(k) + 1) / torch.tensor(1000.0).double()
        ours = ddim_step(predict(path, noise), X0, a, a + 50 / 1000, path, eta=eta, generator=seeded(7))
        torch.testing.assert_close(ours, theirs.double(), rtol=1e-5, atol=1e-5)


def test_diffusers_ddpm_is_our_ancestral_step():
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDPMScheduler(clip_sample=False, variance_type="fixed_small")
    path, noise = Table(scheduler), lambda x: torch.sin(x)
    for k in (999, 500, 20):
        theirs = scheduler.step(noise(X0), k, X0, generator=seeded(7)).prev_sample
        a = 1 - (k + 1) / torch.tensor(1000.0).double()
        ours = ddpm_step(predict(path, noise), X0, a, a + 1 / 1000, path, generator=seeded(7))
        torch.testing.assert_close(ours, theirs.double(), rtol=1e-4, atol=1e-4)


def test_diffusers_v_prediction_is_our_v():
    diffusers = pytest.importorskip("diffusers")
    scheduler = diffusers.DDIMScheduler(prediction_type="v_prediction", clip_sample=False)
    scheduler.set_timesteps(20)
    path, k = Table(scheduler), int(scheduler.timesteps[5])
    a = 1 - (k + 1) / torch.tensor(1000.0).double()
    theirs = scheduler.get_velocity(X1, X0, torch.full((64,), k))
    x_t = path.sample(X0, X1, a)
    ours = conventions.convert(X1, x_t, a, path, "data", "v")
    torch.testing.assert_close(ours, theirs.double(), rtol=1e-5, atol=1e-5)


def test_diffusers_default_table_is_close_to_the_continuous_path():
    # linear betas from 1e-4 to 0.02 in 1000 steps against beta from 0.1 to 20: within half a hundredth
    diffusers = pytest.importorskip("diffusers")
    bar = diffusers.DDPMScheduler().alphas_cumprod.double()
    t = 1 - torch.arange(1, 1001, dtype=torch.float64) / 1000
    gap = (bar.sqrt() - VariancePreservingPath().alpha(t)).abs().max()
    assert 1e-4 < gap < 5e-3
