"""Few steps by training: chapter 11's recipes at equal cost, judged by the exact flow map, on three seeds.

    python -m benchmarks few_steps             about ten minutes of one core

The unit of cost is one plain flow matching step (batch 256, SiLU 64 x 3). What a step of each recipe costs
in it is measured first, in turns; whatever a recipe does besides its steps (a first velocity, trajectories,
pairs) is paid from the same budget. Only a given exact velocity, with its trajectories, is free: no data
alone give it. The gap is the root mean squared distance between learnt and exact ends of the same x0;
beside it the sliced W2 to the truth, over the same distance of exact ends.
"""

import math
import time
from collections.abc import Callable
from functools import partial
from statistics import mean, median, stdev

import torch
from torch import Tensor, nn

from benchmarks.timing import row, seeded, short
from fmtutorial.distributions import standard_mixture
from fmtutorial.exact import velocity_field
from fmtutorial.metrics import sliced_wasserstein
from fmtutorial.paths import StraightPath
from fmtutorial.sampling import integrate_flow
from fmtutorial.training import cfm_loss, pair_loss, reflow_pairs, stable_cfm_loss, train
from fmtutorial.variants import (
    AverageVelocityNet,
    consistency_loss,
    distillation_loss,
    exact_flow_map,
    flow_map_trajectories,
    jump,
    lagrangian_loss,
    meanflow_loss,
    paired_gap,
    progressive_loss,
    renoised_jumps,
)

MIXTURE = standard_mixture()
PATH = StraightPath(0.0)
EXACT = velocity_field(MIXTURE, PATH)
SEEDS = (0, 1, 2)
ROUNDS = len(SEEDS)
BUDGETS = (6000, 16_000)
JUMPS = (1, 2, 4)
N_JUDGED, DRAWS = 2000, 10
DIVERGED = 10.0  # a gap beyond it: the data's own deviation is about 2
FIRST = 0.35  # the share of a budget for a velocity of one's own
N_TRAJECTORIES = 4096
Cost = Callable[[Callable], float]


def as_velocity(net: AverageVelocityNet) -> Callable[[Tensor, Tensor], Tensor]:
    """v(x, t) = u(x, t, t)."""

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        return net(x, t, t)

    return velocity


def plain_loss(model, x1, path, generator):
    """Plain flow matching of u(x, t, t): the unit of cost."""
    return cfm_loss(as_velocity(model), x1, path, generator)


def velocity_loss(model, x1, path, generator):
    """The same with its target averaged over the batch."""
    return stable_cfm_loss(as_velocity(model), x1, path, generator)


def whole_jumps_loss(model, batch, path, generator):
    """Distillation with a quarter of the rows on the pair of times (0, 1)."""
    x0, trajectories = batch
    quarter = len(x0) // 4
    whole = trajectories[:quarter][:, [0, -1]]
    any_pair = distillation_loss(model, trajectories[quarter:], path, generator)
    return 0.25 * distillation_loss(model, whole, path, generator) + 0.75 * any_pair


def euler_loss(model, pairs, path, generator):
    """A reflow's loss for u(x, t, t), which then takes Euler steps."""
    return pair_loss(as_velocity(model), pairs, path, generator)


DIRECT = {
    "MeanFlow, conditional target": partial(meanflow_loss, target="conditional"),
    "MeanFlow, batch average": meanflow_loss,
    "Lagrangian": lagrangian_loss,
    "progressive": progressive_loss,
    "shortcut": partial(progressive_loss, midpoint=True),
    "consistency": consistency_loss,
}
LOSSES = {
    "plain": plain_loss,
    "velocity": velocity_loss,
    "distillation": whole_jumps_loss,
    "reflow": euler_loss,
} | DIRECT


def trained(net: nn.Module, data, n_steps: int, loss: str, seed: int) -> nn.Module:
    """`train` with the recipe of the chapter; consistency with the smaller learning rate that it needs."""
    lr = 1e-3 if loss == "consistency" else 1e-2
    options = {"batch_size": 256, "lr": lr, "schedule": "cosine", "progress": False}
    train(net, data, PATH, n_steps, loss_fn=LOSSES[loss], generator=seeded(seed), **options)
    return net


def step_costs(rounds: int = 9, n_steps: int = 40) -> dict[str, float]:
    """A step of each loss in plain steps (medians of rounds in turns), and plain steps a second."""
    trajectories = flow_map_trajectories(EXACT, 1024, 2, generator=seeded(0))
    data = {
        "distillation": (trajectories[:, 0], trajectories),
        "reflow": (trajectories[:, 0], trajectories[:, -1]),
    }
    seconds: dict[str, list[float]] = {name: [] for name in LOSSES}
    for _ in range(rounds + 1):  # the first one warms up
        for name in LOSSES:
            net = AverageVelocityNet(generator=seeded(0))
            start = time.process_time()
            trained(net, data.get(name, MIXTURE), n_steps, name, 0)
            seconds[name].append(time.process_time() - start)
    ratios = {
        name: [a / b for a, b in zip(v[1:], seconds["plain"][1:], strict=True)] for name, v in seconds.items()
    }
    costs = {name: median(v) for name, v in ratios.items()}
    return costs | {"second": n_steps / median(seconds["plain"][1:])}  # units in a second


def own_velocity(units: float, costs: dict[str, float], seed: int) -> tuple[AverageVelocityNet, float]:
    """A network whose diagonal has learnt the velocity from data, and the units that are left."""
    net = AverageVelocityNet(generator=seeded(seed))
    n_steps = int(FIRST * units / costs["velocity"])
    return trained(net, MIXTURE, n_steps, "velocity", seed), (1 - FIRST) * units


def distilled(units: float, costs: dict[str, float], seed: int, exact: bool = False) -> AverageVelocityNet:
    """Trajectories of the exact velocity, or of one's own, distilled; one's own into the same network."""
    net, velocity = AverageVelocityNet(generator=seeded(seed)), EXACT
    if not exact:
        net, units = own_velocity(units, costs, seed)
        velocity = as_velocity(net)
    start = time.process_time()
    with torch.no_grad():
        trajectories = flow_map_trajectories(velocity, N_TRAJECTORIES, 2, generator=seeded(50 + seed))
    if not exact:
        units -= (time.process_time() - start) * costs["second"]
    n_steps = int(units / costs["distillation"])
    return trained(net, (trajectories[:, 0], trajectories), n_steps, "distillation", 100 + seed)


def reflowed(units: float, costs: dict[str, float], seed: int) -> AverageVelocityNet:
    """Rectified flow: pairs by one's own velocity, on which a fresh network learns straight lines."""
    first, units = own_velocity(units, costs, seed)
    start = time.process_time()
    pairs = reflow_pairs(as_velocity(first), 2 * N_TRAJECTORIES, 2, generator=seeded(50 + seed))
    units -= (time.process_time() - start) * costs["second"]
    net = AverageVelocityNet(generator=seeded(1000 + seed))
    return trained(net, pairs, int(units / costs["reflow"]), "reflow", 100 + seed)


def directly(name: str, units: float, costs: dict[str, float], seed: int) -> AverageVelocityNet:
    """One loss, from data, for the whole budget."""
    net = AverageVelocityNet(generator=seeded(seed))
    return trained(net, MIXTURE, int(units / costs[name]), name, seed)


RECIPES: dict[str, Callable] = {
    "distilled from the exact velocity": partial(distilled, exact=True),
    "velocity first, then its own flow distilled": distilled,
    "reflow": reflowed,
} | {name: partial(directly, name) for name in DIRECT}


def ends_of(name: str, net: AverageVelocityNet, x0: Tensor, n: int) -> Tensor:
    """Where the learnt map lands in n jumps: consistency with new noise between them, reflow by Euler."""
    if name == "consistency":
        return renoised_jumps(net, x0, PATH, n, seeded(7))[-1]
    if name == "reflow":
        return integrate_flow(as_velocity(net), x0, n_steps=n, method="euler")[0][-1]
    return jump(net, x0, n)[-1]


def judge():
    """A function of (recipe, network, jumps) -> (gap, distance over its floor), with its own fixed points."""
    x0 = torch.randn(DRAWS * N_JUDGED, 2, generator=seeded(900))
    exact = exact_flow_map(MIXTURE, PATH, x0.double(), 0, 1).float()
    truths = [MIXTURE.sample(N_JUDGED, seeded(901 + k), stratified=True) for k in range(DRAWS)]

    def distance(points: Tensor) -> float:
        pairs = zip(points.split(N_JUDGED), truths, strict=True)
        return mean(float(sliced_wasserstein(a, b, 64, seeded(0))) for a, b in pairs)

    floor = distance(exact)

    def numbers(name: str, net: AverageVelocityNet, n: int) -> tuple[float, float]:
        landed = ends_of(name, net, x0, n)
        return float(paired_gap(landed, exact)), distance(landed) / floor

    return numbers


def averaged(name: str, values: list[float], unit: str, **at) -> dict:
    """A row with the mean over the seeds, and its standard error if there are several."""
    numbers = {"mean": short(mean(values))}
    if len(values) > 1:
        numbers["standard_error"] = short(stdev(values) / math.sqrt(len(values)))
    return row(name, values, unit, **at, **numbers)


def rows_of(name: str, nets: list[AverageVelocityNet], units: int, numbers: Callable) -> list[dict]:
    """Gap and distance of one recipe's networks for each number of jumps, without those that diverged."""
    sound = [net for net in nets if numbers(name, net, 1)[0] < DIVERGED]
    at = {"units": units, "diverged": len(nets) - len(sound)}
    rows = []
    for n in JUMPS:
        gaps, ratios = zip(*(numbers(name, net, n) for net in sound), strict=True)
        if name != "consistency" or n == 1:  # new noise leaves the trajectory
            rows.append(averaged(name, list(gaps), "gap", **at, jumps=n))
        rows.append(averaged(name, list(ratios), "of the floor", **at, jumps=n))
    return rows


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Every recipe at every budget. Rounds are the seeds."""
    costs = step_costs()
    rows = [row(name, [cost], "plain steps a step") for name, cost in costs.items() if name != "second"]
    numbers = judge()
    for units in BUDGETS:
        for name, recipe in RECIPES.items():
            nets = [recipe(units, costs, seed) for seed in SEEDS]
            found = rows_of(name, nets, units, numbers)
            print(units, name, *(f"{r['unit']} {r['mean']}" for r in found), found[0]["diverged"], flush=True)
            rows += found
    return rows, [
        f"means over the seeds {SEEDS} with their standard errors; {DRAWS} draws of {N_JUDGED} points",
        f"a velocity of one's own gets {FIRST:.0%} of the budget",
        f"networks with a gap beyond {DIVERGED:g} count as diverged, and are left out of the means",
    ]
