"""Growth: what each part of the package costs as n, d and the number of components grow, and fitted slopes.

A slope k means cost ~ size^k, fitted on the three largest sizes, where fixed costs no longer hide it. Beside
each stands the slope that the mathematics demands; the peak of memory is printed too.
"""

import time
from collections.abc import Callable
from functools import cache

import torch

from benchmarks.timing import row, slope
from fmtutorial import (
    EmpiricalDistribution,
    GaussianMixture,
    StraightPath,
    VelocityNet,
    exact,
    integrate_flow,
    train,
)
from fmtutorial.metrics import sliced_wasserstein
from fmtutorial.training import ot_permutation

PATH = StraightPath(0.1)
SIZES = [100, 1000, 10_000, 100_000, 300_000, 1_000_000]
COMPONENTS = [10, 100, 1000, 3000, 10_000]
DIMENSIONS = [2, 4, 8, 16, 32, 64]


@cache
def normal(n: int, d: int, seed: int = 0) -> torch.Tensor:
    """Standard normal points."""
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


@cache
def mixture(n_components: int, d: int) -> GaussianMixture:
    """Narrow components at random places."""
    return GaussianMixture([{"mean": m, "std": 0.5} for m in normal(n_components, d, 1)])


def training(n: int, d: int) -> None:
    """Fifty steps of `train` on n points in d dimensions."""
    model = VelocityNet(d, out_dim=d)
    train(model, normal(n, d), PATH, n_steps=50, generator=torch.Generator().manual_seed(0), progress=False)


def sampling(n: int, d: int) -> None:
    """Four midpoint steps of n points in d dimensions with a net."""
    integrate_flow(VelocityNet(d, out_dim=d), normal(n, d), n_steps=4, method="midpoint")


def velocity(n: int, d: int, n_components: int = 8) -> None:
    """The exact velocity of a mixture at n points."""
    exact.marginal_velocity(mixture(n_components, d), PATH, normal(n, d), 0.5)


def data_velocity(n: int, d: int, n_components: int) -> None:
    """The exact velocity of a finite data set at n points."""
    exact.marginal_velocity(EmpiricalDistribution(normal(n_components, d, 1)), PATH, normal(n, d), 0.5)


def distance(n: int, d: int) -> None:
    """The sliced Wasserstein distance of two sets of n points, 64 directions."""
    sliced_wasserstein(normal(n, d, 1), normal(n, d, 2), 64, torch.Generator().manual_seed(0))


def optimal_pairs(n: int) -> None:
    """The optimal coupling of n points in the plane."""
    ot_permutation(normal(n, 2, 1), normal(n, 2, 2))


# what grows: the function of one size, the sizes, and the slope that is expected
CURVES: dict[str, tuple[Callable[[int], object], list[int], float]] = {
    "train, 50 steps, n": (lambda n: training(n, 2), SIZES, 1.0),
    "train, 50 steps, d": (lambda d: training(10_000, d), DIMENSIONS, 1.0),
    "integrate_flow, n": (lambda n: sampling(n, 2), SIZES, 1.0),
    "integrate_flow, d": (lambda d: sampling(10_000, d), DIMENSIONS, 1.0),
    "marginal_velocity, n": (lambda n: velocity(n, 2), SIZES, 1.0),
    "marginal_velocity, d": (lambda d: velocity(10_000, d), DIMENSIONS, 1.0),
    "marginal_velocity, components": (lambda k: velocity(500, 2, k), COMPONENTS, 1.0),
    "marginal_velocity of data, n": (lambda n: data_velocity(n, 2, 100), SIZES, 1.0),
    "marginal_velocity of data, data": (lambda k: data_velocity(500, 2, k), COMPONENTS, 1.0),
    "marginal_velocity of data, d": (lambda d: data_velocity(500, d, 10_000), DIMENSIONS, 1.0),
    "sliced_wasserstein, n": (lambda n: distance(n, 2), SIZES, 1.0),
    "sliced_wasserstein, d": (lambda d: distance(10_000, d), DIMENSIONS, 1.0),
    "ot_permutation, n": (optimal_pairs, [64, 128, 256, 512, 1024, 2048], 3.0),
}


def seconds(call: Callable[[], None], least: float = 0.02) -> float:
    """Process time of one call: repeated until it lasts long enough to be measured."""
    call()
    start = time.process_time()
    count = 0
    while count == 0 or time.process_time() - start < least:
        call()
        count += 1
    return (time.process_time() - start) / count


def curve(
    name: str, call: Callable[[int], object], sizes: list[int], expected: float, rounds: int
) -> list[dict]:
    """A row for each size, and one with the slope of the three largest."""
    costs = {size: [seconds(lambda s=size: call(s)) for _ in range(rounds)] for size in sizes}
    rows = [row(name, [1e3 * c for c in v], "ms", size=size) for size, v in costs.items()]
    large = sizes[-3:]
    slopes = [slope(large, [costs[s][r] for s in large]) for r in range(rounds)]
    return [*rows, row(f"{name}: slope", slopes, "exponent", due=expected)]


def peak_megabytes() -> float:
    """The most memory that this process has had (nan where that is not known)."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Every curve; three rounds are enough for slopes."""
    rounds = min(rounds, 3)
    rows = []
    for name, (call, sizes, expected) in CURVES.items():
        rows += curve(name, call, sizes, expected, rounds)
        print(rows[-1]["name"], rows[-1]["median"], flush=True)
    rows.append(row("peak memory of all this", [peak_megabytes()], "MB"))
    return rows, [
        "slopes are fitted on the three largest sizes; 'due' is what the mathematics demands at most",
        "train shuffles the data once an epoch: the only part of its cost that grows with n",
        "sorting is n log n, written as 1; in d a net costs mostly what its hidden layers do, so less than 1",
    ]
