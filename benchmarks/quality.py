"""Time to quality: excess loss and KL(data || model) against seconds, for named recipes on three seeds.

Excess loss is the mean squared distance to the exact velocity (`metrics.excess_loss`). The recipes add one
part at a time to the plain one; every run has the same number of steps, and fresh samples at each.
"""

import inspect
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import torch
from torch import nn

from benchmarks.timing import row, seeded
from fmtutorial import StraightPath, VelocityNet, fit, integrate_flow, standard_mixture, train
from fmtutorial.metrics import excess_loss

MIXTURE = standard_mixture()
PATH = StraightPath()
SEEDS = (0, 1, 2)
COSINE = {"schedule": "cosine"}


def relu() -> VelocityNet:
    """The net of most tutorials: ReLU 128 x 2, time as it is."""
    return VelocityNet(activation=nn.ReLU)


def silu() -> VelocityNet:
    """SiLU 64 x 3 with five time features."""
    return VelocityNet(hidden_dim=64, depth=3, time_dim=5)


def by_train(make: Callable[[], nn.Module], **options) -> Callable:
    """A recipe (n_steps, seed) -> model through `train`."""

    def recipe(n_steps: int, seed: int) -> nn.Module:
        torch.manual_seed(seed)
        model = make()
        train(model, MIXTURE, PATH, n_steps=n_steps, generator=seeded(seed), progress=False, **options)
        return model

    return recipe


def recommended(n_steps: int, seed: int) -> nn.Module:
    """`fit` as it comes."""
    torch.manual_seed(seed)
    return fit(MIXTURE, PATH, n_steps=n_steps, generator=seeded(seed), progress=False)[0]


RECIPES: dict[str, Callable] = {
    "plain: ReLU 128 x 2, batch 128, Adam 1e-3": by_train(relu),
    "+ EMA 0.999": by_train(relu, ema=0.999),
    "+ cosine from 4e-3": by_train(relu, ema=0.999, lr=4e-3, **COSINE),
    "+ SiLU 64 x 3, time features, batch 256, 1e-2": by_train(
        silu, ema=0.999, lr=1e-2, batch_size=256, **COSINE
    ),
    "recommended: fit": recommended,
}


def kl_to_model(model: nn.Module, seed: int = 99, n: int = 2000) -> float:
    """KL(data || model) in nats, by `fmtutorial.metrics.likelihood` if it is there, else by its formula."""
    if find_spec("fmtutorial.metrics.likelihood"):
        return import_module("fmtutorial.metrics.likelihood").kl_to_model(MIXTURE, model, n, seeded(seed))[0]
    x = MIXTURE.sample(n, seeded(seed)).double()
    return float((MIXTURE.log_prob(x) - log_prob(model.double(), x)).mean())


def log_prob(model, x: torch.Tensor) -> torch.Tensor:
    """log p_1(x) = log N(x(0); 0, I) - int_0^1 div v dt along the flow (Chen et al. 2018), d = 2."""

    def joint(state, t):
        with torch.enable_grad():
            x = state[:, :2].detach().requires_grad_()
            v = model(x, t)
            rows = [torch.autograd.grad(v[:, i].sum(), x, retain_graph=True)[0][:, i] for i in range(2)]
        return torch.cat([v, sum(rows).unsqueeze(1)], dim=1).detach()

    start = torch.cat([x, x.new_zeros(len(x), 1)], dim=1)
    end = integrate_flow(joint, start, (1.0, 0.0), n_steps=32, method="rk4")[0][-1]
    normal = torch.distributions.Normal(0.0, 1.0)
    return normal.log_prob(end[:, :2]).sum(1) + end[:, 2]


def measure(name: str, n_steps: int) -> list[dict]:
    """Excess, KL and seconds of one recipe over the seeds."""
    excess = []
    kl = []
    spent = []
    for seed in SEEDS:
        start = time.process_time()
        model = RECIPES[name](n_steps, seed)
        spent.append(time.process_time() - start)
        excess.append(excess_loss(model, MIXTURE, PATH, 50_000, seeded(77)))
        kl.append(kl_to_model(model))
    mean = {"steps": n_steps, "mean": float(f"{sum(excess) / len(excess):.3g}")}
    mean_kl = {"steps": n_steps, "mean": float(f"{sum(kl) / len(kl):.3g}")}
    return [
        row(name, excess, "excess loss", **mean),
        row(name, kl, "nats of KL", **mean_kl),
        row(name, spent, "s", steps=n_steps),
    ]


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Every recipe at the course's 3950 steps, the recommended one for others too. Rounds are the seeds."""
    assert inspect.signature(fit).parameters["n_steps"].default == 3950
    rows = []
    for name in RECIPES:
        rows += measure(name, 3950)
        print(name, rows[-3]["mean"], rows[-2]["mean"], rows[-1]["median"], flush=True)
    for n_steps in (1000, 9000):
        rows += measure("recommended: fit", n_steps)
        print(n_steps, rows[-3]["mean"], rows[-2]["mean"], rows[-1]["median"], flush=True)
    return rows, [f"means, least and most over the seeds {SEEDS}; process time on one thread"]
