"""Everybody's recipe for other people's problems, each stopped when its seconds are spent.

The clock is `time.process_time`: seconds of the processor that this one process uses, whatever else runs.
A density's recipe is a function (x, seconds, seed) -> Density; a posterior's is
(simulator, theta, y, seconds, seed) -> a function (y (dim,), n) -> samples (n, dim).
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.problem_data import scale_of
from fmtutorial import fit, integrate_flow
from fmtutorial.metrics import log_prob
from fmtutorial.training._held_out import FEW_POINTS, HELD_OUT
from fmtutorial.training.recipe import DEFAULT_STEPS

BATCH = 256  # of the peers whose documentation leaves it open
ODE_STEPS = 16  # of the midpoint method for samples, and of rk4 for densities
POSTERIOR_STEPS = 32  # of the midpoint method for samples of a posterior, which can be thin as a crescent
N_TIMED = 40  # steps of `fit` that are timed to learn how many fit into the seconds
CHECK_EVERY = 50  # steps between two looks at the held-out share


@dataclass
class Density:
    """What was learned: the log density of points (n, d), and n samples."""

    log_prob: Callable[[Tensor], Tensor]
    sample: Callable[[int], Tensor]


def spent_since(start: float) -> float:
    """Processor seconds since `start`."""
    return time.process_time() - start


def flow_density(velocity: Callable, dim: int, seed: int) -> Density:
    """The density and the samples of a learned velocity (x, t)."""
    generator = torch.Generator().manual_seed(seed + 1000)

    def sample(n: int) -> Tensor:
        x0 = torch.randn(n, dim, generator=generator)
        return integrate_flow(velocity, x0, n_steps=ODE_STEPS, method="midpoint")[0][-1]

    def density(x: Tensor) -> Tensor:
        return log_prob(velocity, x, n_steps=ODE_STEPS)

    return Density(density, sample)


# ours


def fitted(data, seconds: float, seed: int, n_points: int, **options):
    """`fit` with its defaults and `options`, with as many steps as the seconds allow.

    For few points these are the most that its own choice may take: half of them, as it learns twice.
    """
    options["progress"] = False
    start = time.process_time()
    torch.manual_seed(seed)
    fit(data, n_steps=1, **options)  # what only the first call takes
    before = time.process_time()
    fit(data, n_steps=1, **options)
    every_call = spent_since(before)
    before = time.process_time()
    fit(data, n_steps=1 + N_TIMED, **options)
    each = (spent_since(before) - every_call) / N_TIMED
    generator = torch.Generator().manual_seed(seed)
    n_steps = max(1, int((seconds - spent_since(start) - every_call) / each))
    if n_points < FEW_POINTS:
        n_steps = max(1, min(DEFAULT_STEPS, n_steps // 2))
        options["held_out"] = HELD_OUT
    return fit(data, n_steps=n_steps, generator=generator, **options)[0]


def fit_density(x: Tensor, seconds: float, seed: int) -> Density:
    """Ours."""
    return flow_density(fitted(x, seconds, seed, len(x)), x.shape[1], seed)


def fit_posterior(simulator, theta: Tensor, y: Tensor, seconds: float, seed: int) -> Callable:
    """Ours, of standardised parameters and observations, as `fit` asks for."""
    mean, std = scale_of(theta)
    y_mean, y_std = scale_of(y)
    pairs = ((theta - mean) / std, (y - y_mean) / y_std)
    net = fitted(pairs, seconds, seed, len(theta))
    generator = torch.Generator().manual_seed(seed + 1000)

    def sample(observed: Tensor, n: int) -> Tensor:
        condition = ((observed - y_mean) / y_std).expand(n, -1)
        x0 = torch.randn(n, theta.shape[1], generator=generator)
        x1 = integrate_flow(net, x0, n_steps=POSTERIOR_STEPS, method="midpoint", condition=condition)[0][-1]
        return x1 * std + mean

    return sample


def residual_posterior(simulator, theta: Tensor, y: Tensor, seconds: float, seed: int) -> Callable:
    """Ours, of what a linear regression of theta on y leaves."""
    flow = fitted((theta, y), seconds, seed, len(theta), standardize="residuals")
    generator = torch.Generator().manual_seed(seed + 1000)

    def sample(observed: Tensor, n: int) -> Tensor:
        condition = observed.expand(n, -1)
        return flow.sample(n, generator, condition=condition, n_steps=POSTERIOR_STEPS, method="midpoint")

    return sample


# torchcfm


def torchcfm_density(x: Tensor, seconds: float, seed: int) -> Density:
    """As in its tutorial in the plane: OT-CFM, its own MLP, Adam, batches of 256; its default sigma 0."""
    from torchcfm.conditional_flow_matching import ExactOptimalTransportConditionalFlowMatcher
    from torchcfm.models.models import MLP

    start = time.process_time()
    torch.manual_seed(seed)
    model = MLP(dim=x.shape[1], time_varying=True)
    matcher = ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
    optimizer = torch.optim.Adam(model.parameters())
    while spent_since(start) < seconds:
        x1 = x[torch.randint(len(x), (BATCH,))]
        t, x_t, u_t = matcher.sample_location_and_conditional_flow(torch.randn_like(x1), x1)
        v = model(torch.cat([x_t, t[:, None]], dim=-1))
        loss = torch.mean((v - u_t) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def velocity(x: Tensor, t) -> Tensor:
        column = torch.as_tensor(t, dtype=x.dtype).expand(len(x), 1)
        return model(torch.cat([x, column], dim=-1))

    return flow_density(velocity, x.shape[1], seed)


# zuko


def zuko_flow(x: Tensor, y: Tensor | None, seconds: float, seed: int):
    """The spline flow of its README; the weights that do best on a held-out tenth are kept."""
    import zuko

    start = time.process_time()
    torch.manual_seed(seed)
    n_conditions = 0 if y is None else y.shape[1]
    flow = zuko.flows.NSF(x.shape[1], n_conditions, transforms=3, hidden_features=[128] * 3)
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)

    def loss_on(rows: Tensor) -> Tensor:
        distribution = flow() if y is None else flow(y[rows])
        return -distribution.log_prob(x[rows]).mean()

    order = torch.randperm(len(x))
    n_held = len(x) // 10
    held = order[:n_held][:1000]
    learn = order[n_held:]
    best = math.inf
    weights = copy.deepcopy(flow.state_dict())
    step = 0
    while spent_since(start) < seconds:
        loss = loss_on(learn[torch.randint(len(learn), (BATCH,))])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % CHECK_EVERY == 0:
            with torch.no_grad():
                held_loss = float(loss_on(held))
            if held_loss < best:
                best = held_loss
                weights = copy.deepcopy(flow.state_dict())
    flow.load_state_dict(weights)
    return flow


def zuko_density(x: Tensor, seconds: float, seed: int) -> Density:
    """zuko's neural spline flow (Durkan et al. 2019)."""
    flow = zuko_flow(x, None, seconds, seed)

    def density(x: Tensor) -> Tensor:
        with torch.no_grad():
            return flow().log_prob(x)

    def sample(n: int) -> Tensor:
        with torch.no_grad():
            return flow().sample((n,))

    return Density(density, sample)


def zuko_posterior(simulator, theta: Tensor, y: Tensor, seconds: float, seed: int) -> Callable:
    """The same, given standardised observations, of standardised parameters."""
    mean, std = scale_of(theta)
    y_mean, y_std = scale_of(y)
    flow = zuko_flow((theta - mean) / std, (y - y_mean) / y_std, seconds, seed)

    def sample(observed: Tensor, n: int) -> Tensor:
        with torch.no_grad():
            return flow((observed - y_mean) / y_std).sample((n,)) * std + mean

    return sample


# one Gaussian, the least that one should beat


def gaussian_density(x: Tensor, seconds: float, seed: int) -> Density:
    """The Gaussian with the points' mean and covariance."""
    covariance = torch.cov(x.double().T)
    normal = torch.distributions.MultivariateNormal(x.double().mean(0), covariance)
    torch.manual_seed(seed + 1000)
    return Density(lambda x: normal.log_prob(x.double()), lambda n: normal.sample((n,)).float())


# sbi


def prior_of(simulator):
    """The prior as sbi wants it."""
    if simulator.box is None:
        variance = simulator.variance * torch.eye(simulator.dim)
        return torch.distributions.MultivariateNormal(torch.zeros(simulator.dim), variance)
    edge = simulator.box * torch.ones(simulator.dim)
    return torch.distributions.Independent(torch.distributions.Uniform(-edge, edge), 1)


def sbi_posterior(trainer, theta: Tensor, y: Tensor, seconds: float) -> Callable:
    """Train with sbi's defaults until its own rule stops it, or at the end of the epoch that spends the time.

    sbi has no limit in seconds, so its question whether training has converged is answered "yes" then.
    """
    start = time.process_time()
    converged = trainer._converged

    def converged_or_late(epoch: int, stop_after_epochs: int) -> bool:
        stop = converged(epoch, stop_after_epochs)
        if not stop and spent_since(start) > seconds:
            trainer._neural_net.load_state_dict(trainer._best_model_state_dict)
            return True
        return stop

    trainer._converged = converged_or_late
    trainer.append_simulations(theta, y).train()
    del trainer._converged
    posterior = trainer.build_posterior()

    def sample(observed: Tensor, n: int) -> Tensor:
        return posterior.sample((n,), x=observed, show_progress_bars=False)

    return sample


def npe_posterior(simulator, theta: Tensor, y: Tensor, seconds: float, seed: int) -> Callable:
    """sbi's NPE with a neural spline flow."""
    from sbi.inference import NPE

    torch.manual_seed(seed)
    trainer = NPE(prior_of(simulator), density_estimator="nsf", show_progress_bars=False)
    return sbi_posterior(trainer, theta, y, seconds)


def fmpe_posterior(simulator, theta: Tensor, y: Tensor, seconds: float, seed: int) -> Callable:
    """sbi's flow matching posterior estimation (Wildberger et al. 2023)."""
    from sbi.inference import FMPE

    torch.manual_seed(seed)
    trainer = FMPE(prior_of(simulator), show_progress_bars=False)
    return sbi_posterior(trainer, theta, y, seconds)


DENSITIES = {
    "fit": fit_density,
    "torchcfm, OT-CFM": torchcfm_density,
    "zuko, spline flow": zuko_density,
    "one Gaussian": gaussian_density,
}
POSTERIORS = {
    "fit": fit_posterior,
    "fit, of linear residuals": residual_posterior,
    "sbi, NPE spline flow": npe_posterior,
    "sbi, FMPE": fmpe_posterior,
    "zuko, spline flow": zuko_posterior,
}
