"""Sampling: error against function evaluations and seconds, exact and learned velocity, beside honest floors.

The error is the sliced Wasserstein-2 distance from N samples to N *stratified* exact ones (component counts
fixed), with the same directions for all. Three floors stand beside it: two sets with random counts, two with
stratified counts, and what a perfect solver would get. Its samples come from random noise, and so have random
counts on one side: the limit of every solver here.
"""

import statistics
import time
from functools import cache, partial
from itertools import pairwise

import torch
from torchdiffeq import odeint

from benchmarks.timing import interleaved, peer, ratio_rows, row, seeded
from fmtutorial import StraightPath, exact, fit, integrate_flow, standard_mixture
from fmtutorial.metrics import sliced_wasserstein, sliced_wasserstein_floor
from fmtutorial.sampling import CountEvaluations, euler_step, midpoint_step

N = 5000
MIXTURE = standard_mixture()
PATH = StraightPath()
EXACT = exact.velocity_field(MIXTURE, PATH)
STEPS = {"euler": (2, 4, 8, 16, 32, 64), "midpoint": (1, 2, 3, 4, 8, 16), "rk4": (1, 2, 4, 8)}
TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-5)  # of dopri5


@cache
def noise_and_truth(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """N points of noise, and N stratified samples of the data."""
    g = seeded(1000 + seed)
    return torch.randn(N, 2, generator=g), MIXTURE.sample(N, g, stratified=True)


def distance(end: torch.Tensor, seed: int) -> float:
    """From samples to the stratified truth, always along the same directions."""
    return sliced_wasserstein(end, noise_and_truth(seed)[1], generator=seeded(0))


def solve(velocity, seed: int, method: str, **options) -> tuple[float, float, int]:
    """Error, seconds and NFE of one sampler on one set of noise."""
    counted = CountEvaluations(velocity)
    x0, _ = noise_and_truth(seed)
    start = time.process_time()
    end = integrate_flow(counted, x0, method=method, **options)[0][-1]
    seconds = time.process_time() - start
    return distance(end, seed), seconds, counted.nfe


def samplers() -> dict[str, dict]:
    """Every solver with its settings: what to call it, and the options of `integrate_flow`."""
    found = {f"{m} {n}": {"method": m, "n_steps": n} for m, ns in STEPS.items() for n in ns}
    tight = {f"dopri5 {e:g}": {"method": "dopri5", "n_steps": 1, "atol": e, "rtol": e} for e in TOLERANCES}
    return found | tight


def errors(name: str, velocity, repeats: int, perfect: float) -> list[dict]:
    """Rows of error, seconds and NFE for one velocity, and the least NFE within a tenth of the floor."""
    runs = {key: [] for key in samplers()}
    for seed in range(repeats):  # the samplers take turns
        for key, options in samplers().items():
            runs[key].append(solve(velocity, seed, **options))
    rows = []
    enough: dict[str, int] = {}
    for key, results in runs.items():
        error, seconds, nfe = zip(*results, strict=True)
        at = {"velocity": name, "nfe": nfe[0], "mean": round(statistics.mean(error), 4)}
        rows.append(row(key, list(error), "sliced W2", **at))
        rows.append(row(key, [1e3 * s for s in seconds], "ms", **at))
        if statistics.mean(error) <= 1.1 * perfect:
            solver = key.split()[0]
            enough[solver] = min(nfe[0], enough.get(solver, nfe[0]))
    return rows + [
        row(f"{solver}, least NFE to within 10 % of the floor", [n], "NFE", velocity=name)
        for solver, n in enough.items()
    ]


def floors(repeats: int) -> tuple[list[dict], float]:
    """The three floors, each as a mean and a standard deviation; and the mean of a perfect solver's."""
    rows = []
    for name, options in {"random counts": {}, "stratified counts": {"stratified": True}}.items():
        mean, std = sliced_wasserstein_floor(MIXTURE, N, 4 * repeats, seeded(5), **options)
        rows += [row(f"floor, {name}", [mean], "sliced W2"), row(f"floor's s.d., {name}", [std], "sliced W2")]
    perfect = [
        distance(integrate_flow(EXACT, noise_and_truth(s)[0], n_steps=32, method="rk4")[0][-1], s)
        for s in range(repeats)
    ]
    rows.append(row("floor, a perfect solver from random noise", perfect, "sliced W2"))
    return rows, statistics.mean(perfect)


def plain_loop(velocity, x, n: int, step) -> torch.Tensor:
    """The loop of notebook 05."""
    with torch.no_grad():
        for k in range(n):
            x = step(velocity, x, k / n, 1 / n)
    return x


def milliseconds(run, repeats: int) -> float:
    """Process time of one run, from many."""
    start = time.process_time()
    for _ in range(repeats):
        run()
    return 1e3 * (time.process_time() - start) / repeats


@torch.no_grad()
def by_torchdiffeq(velocity, x0, n: int) -> torch.Tensor:
    """torchdiffeq as it comes."""
    return odeint(lambda t, x: velocity(x, t), x0, torch.linspace(0, 1, n + 1), method="midpoint")[-1]


def overhead(n_points: int, rounds: int, library) -> list[dict]:
    """What solvers cost beside a plain loop: midpoint, 16 steps. Of few points it is all overhead."""
    x0 = torch.randn(n_points, 2, generator=seeded(1))
    n = 16
    repeats = max(1, 3000 // n_points)
    runs = {
        "plain loop": lambda: plain_loop(EXACT, x0, n, midpoint_step),
        "torchdiffeq": lambda: by_torchdiffeq(EXACT, x0, n),
        "integrate_flow": lambda: integrate_flow(EXACT, x0, n_steps=n, method="midpoint"),
    }
    if library:
        solver = library.ODESolver(velocity_model=EXACT)
        runs["flow_matching"] = lambda: solver.sample(x_init=x0, step_size=1 / n, method="midpoint")
    sides = {name: partial(milliseconds, run, repeats) for name, run in runs.items()}
    values = interleaved(sides, rounds)
    rows = [row(f"midpoint, 16 steps, {k}", v, "ms", points=n_points) for k, v in values.items()]
    return rows + ratio_rows(values, "plain loop", points=n_points)


def spacing(repeats: int) -> list[dict]:
    """Unequal steps, of which none beats equal ones: rms distance to a tight solution, exact velocity."""
    warps = {
        "equal steps": lambda s: s,
        "finer near the noise, s^1.25": lambda s: s**1.25,
        "finer near the data, 1 - (1 - s)^1.25": lambda s: 1 - (1 - s) ** 1.25,
        "finer at both ends, cosine": lambda s: (1 - torch.cos(torch.pi * s)) / 2,
    }
    rows = []
    for method, step, n in (("euler", euler_step, 32), ("midpoint", midpoint_step, 4)):
        for name, warp in warps.items():
            gaps = []
            for seed in range(repeats):
                x0 = noise_and_truth(seed)[0].double()
                ideal = integrate_flow(EXACT, x0, n_steps=64, method="rk4")[0][-1]
                times = warp(torch.linspace(0, 1, n + 1, dtype=torch.float64))
                x = x0
                for a, b in pairwise(times):
                    x = step(EXACT, x, a, b - a)
                gaps.append(float((x - ideal).square().mean().sqrt()))
            rows.append(row(name, gaps, "rms gap", method=method, steps=n))
    return rows


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """All of it; the learned velocity is `fit`'s after 3950 steps."""
    rows, perfect = floors(2 * rounds)
    rows += errors("exact", EXACT, 2 * rounds, perfect)
    model, _ = fit(MIXTURE, PATH, generator=seeded(0), progress=False)
    rows += errors("learned", model.eval(), 2 * rounds, perfect)
    rows += spacing(3)
    library = peer("flow_matching.solver", "flow_matching")
    for n_points in (10, 1000, 100_000):
        rows += overhead(n_points, rounds, library)
    rows.append(million(rounds))
    return rows, [
        f"{N} samples of the standard mixture; the reference is stratified; {2 * rounds} sets of noise",
        "within 10 %: the mean error against 1.1 times a perfect solver's mean error on the same noise",
    ]


def million(rounds: int) -> dict:
    """A million samples of the mixture itself."""

    def side() -> float:
        start = time.process_time()
        MIXTURE.sample(1_000_000, seeded(0))
        return time.process_time() - start

    return row("GaussianMixture.sample(1_000_000)", interleaved({"": side}, rounds)[""], "s")
