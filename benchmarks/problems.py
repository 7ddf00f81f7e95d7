"""Other people's problems: `fit` with its defaults beside other libraries' recipes, at equal seconds.

    python -m benchmarks problems                    all of it: about forty minutes of one core
    python -m benchmarks.problems wine "two moons"   some problems, printed and not written

Each recipe gets SECONDS of the processor (`time.process_time`, so that other programs do not count) on one
thread. Recipes take turns on one problem and seed. One more part gives `fit` longer and repeats the test of
Lueckmann et al. 2021, to stand beside published figures. Judged by the held-out log density in nats (shapes,
tables), and by a classifier two-sample test and sliced W2 to exact samples (shapes, posteriors).
"""

import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, stdev

import torch

from benchmarks.problem_data import PUBLISHED_NPE, SIMULATORS, scale_of, shapes, split, tables
from benchmarks.problem_recipes import DENSITIES, POSTERIORS, residual_posterior, spent_since
from benchmarks.timing import row, seeded, short
from fmtutorial.metrics import sliced_wasserstein, two_sample_test

SECONDS = 5.0  # for each training
SEEDS = (0, 1, 2)
ROUNDS = len(SEEDS)
N_SHAPE = 10_000  # points of a shape to learn from
N_JUDGED = 2000  # points and samples that are compared
N_SIMULATIONS = (1000, 10_000, 100_000)
N_OBSERVED = 4  # observations whose posteriors are compared
CLASSIFIER_STEPS = 600
# beside published figures
LONG_SECONDS = 30.0
N_PUBLISHED = 100_000  # simulations
N_JUDGED_LONG = 10_000
N_OBSERVED_LONG = 2  # a classifier of theirs takes up to a minute
NEEDS = {"torchcfm": "torchcfm", "zuko": "zuko", "sbi": "sbi"}
LOG = Path(__file__).parent / "results" / "problems.partial.jsonl"


def available(recipes: dict) -> dict:
    """The recipes whose library is installed."""
    return {name: f for name, f in recipes.items() if find_spec(NEEDS.get(name.split(",")[0], "torch"))}


def compared(samples: torch.Tensor, exact: torch.Tensor) -> dict[str, float]:
    """C2ST and sliced W2, in units of the exact samples' deviation, of two sets of equal size."""
    scale = exact.std(0)
    accuracy, _ = two_sample_test(samples, exact, CLASSIFIER_STEPS, seeded(5))
    distance = sliced_wasserstein(samples / scale, exact / scale, 128, seeded(6))
    return {"C2ST": accuracy, "sliced W2": distance}


def averaged(measured: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each number."""
    return {key: mean(each[key] for each in measured) for key in measured[0]}


def judge_shape(name: str, seed: int):
    """Yield (recipe, numbers) for one shape: nats in the shape's own units."""
    shape = shapes()[name]
    x = shape.sample(N_SHAPE, seeded(seed))
    centre, std = scale_of(x)
    held = shape.sample(N_JUDGED, seeded(100 + seed))
    exact = shape.sample(N_JUDGED, seeded(200 + seed))
    nats = float(shape.log_density(held.double()).mean())
    yield "exact", {"nats": nats} | compared(held, exact)
    for recipe, train in available(DENSITIES).items():
        start = time.process_time()
        density = train((x - centre) / std, SECONDS, seed)
        spent = spent_since(start)
        log_p = density.log_prob((held - centre) / std).double() - std.double().log().sum()
        samples = density.sample(N_JUDGED).float() * std + centre
        yield recipe, {"nats": float(log_p.mean())} | compared(samples, exact) | {"s": spent}


def judge_table(name: str, seed: int):
    """Yield (recipe, numbers) for one table: nats in standardised units."""
    learn, held = split(tables()[name], seed)
    for recipe, train in available(DENSITIES).items():
        start = time.process_time()
        density = train(learn, SECONDS, seed)
        spent = spent_since(start)
        yield recipe, {"nats": float(density.log_prob(held).double().mean()), "s": spent}


def observations(simulator) -> torch.Tensor:
    """What is observed, the same for all seeds: N_OBSERVED rows."""
    return simulator.simulate(simulator.prior(N_OBSERVED, seeded(123)), seeded(124))


def simulations(simulator, n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n parameters and their observations, to learn from."""
    generator = seeded(seed)
    theta = simulator.prior(n, generator)
    return theta, simulator.simulate(theta, generator)


def judge_simulator(name: str, n: int, seed: int):
    """Yield (recipe, numbers) for one simulator: means over N_OBSERVED posteriors."""
    simulator = SIMULATORS[name]
    observed = observations(simulator)
    exact = [simulator.posterior(y, N_JUDGED, seeded(300 + seed)) for y in observed]
    others = [simulator.posterior(y, N_JUDGED, seeded(400 + seed)) for y in observed]
    yield "exact", averaged([compared(a, b) for a, b in zip(others, exact, strict=True)])
    theta, y = simulations(simulator, n, seed)
    for recipe, train in available(POSTERIORS).items():
        start = time.process_time()
        sample = train(simulator, theta, y, SECONDS, seed)
        spent = spent_since(start)
        samples = [sample(y, N_JUDGED) for y in observed]
        numbers = averaged([compared(a.float(), b) for a, b in zip(samples, exact, strict=True)])
        yield recipe, numbers | {"s": spent}


def published_c2st(samples: torch.Tensor, exact: torch.Tensor) -> float:
    """The two-sample test of Lueckmann et al. 2021: their classifier, five-fold cross-validation."""
    from sklearn.model_selection import KFold, cross_val_score
    from sklearn.neural_network import MLPClassifier

    centre, std = scale_of(exact)
    points = (torch.cat([exact, samples]) - centre) / std
    is_ours = torch.arange(len(points)) >= len(exact)
    width = 10 * points.shape[1]
    classifier = MLPClassifier((width, width), max_iter=10_000, random_state=1)
    folds = KFold(5, shuffle=True, random_state=1)
    return float(cross_val_score(classifier, points.numpy(), is_ours.numpy(), cv=folds).mean())


def judge_beside_published(name: str, seed: int):
    """Yield (recipe, numbers) for one simulator, with LONG_SECONDS and the published test."""
    simulator = SIMULATORS[name]
    observed = observations(simulator)[:N_OBSERVED_LONG]
    exact = [simulator.posterior(y, N_JUDGED_LONG, seeded(300 + seed)) for y in observed]
    theta, y = simulations(simulator, N_PUBLISHED, seed)
    start = time.process_time()
    sample = residual_posterior(simulator, theta, y, LONG_SECONDS, seed)
    spent = spent_since(start)
    samples = [sample(y, N_JUDGED_LONG).float() for y in observed]
    ours = mean(published_c2st(a, b) for a, b in zip(samples, exact, strict=True))
    yield "fit, of linear residuals", {"C2ST": ours, "s": spent}
    yield "NPE, as published", {"C2ST": PUBLISHED_NPE[name]}


def problems() -> list[tuple]:
    """Every problem: (kind, its name, what its judge takes)."""
    found = [("shape", name, judge_shape, (name,)) for name in shapes()]
    if find_spec("sklearn"):
        found += [("table", name, judge_table, (name,)) for name in tables()]
        found += [
            ("published", f"{name}, as published", judge_beside_published, (name,)) for name in SIMULATORS
        ]
    for n in N_SIMULATIONS:
        found += [("posterior", f"{name}, {n}", judge_simulator, (name, n)) for name in SIMULATORS]
    return found


def known(file: Path) -> dict[str, dict[str, float]]:
    """What an interrupted run has measured, by "problem | seed | recipe"."""
    if not file.exists():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(json.loads(line) for line in lines)


def measure(chosen: list[tuple], file: Path | None = None) -> dict[str, dict[str, float]]:
    """Judge each problem on every seed; each result is added to `file` at once, and not measured twice."""
    found = known(file) if file else {}
    for seed in SEEDS:
        for _, problem, judge, arguments in chosen:
            start = f"{problem} | {seed} | "
            if any(key.startswith(start) for key in found):
                continue
            results = {start + recipe: numbers for recipe, numbers in judge(*arguments, seed)}
            found |= results
            for key, numbers in results.items():
                listed = ", ".join(f"{name} {value:.3f}" for name, value in numbers.items())
                print(f"{key}: {listed}", flush=True)
            if file:
                with file.open("a", encoding="utf-8") as log:
                    log.writelines(json.dumps(pair) + "\n" for pair in results.items())
    return found


def standard_error(values: list[float]) -> float:
    """Of the mean of some values."""
    return stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0


def rows_from(chosen: list[tuple], found: dict[str, dict[str, float]]) -> list[dict]:
    """A row for each problem, recipe and judge, with mean and standard error over the seeds.

    `fit_ahead`: by how much `fit` is better (more nats, or less of anything else), paired by seed.
    """
    rows = []
    for kind, problem, _, _ in chosen:
        keys = [key.split(" | ") for key in found if key.startswith(f"{problem} | ")]
        runs: dict[str, list[dict[str, float]]] = {}
        for _, seed, recipe in keys:
            runs.setdefault(recipe, []).append(found[f"{problem} | {seed} | {recipe}"])
        for recipe, measured in runs.items():
            for unit in measured[0]:
                values = [numbers[unit] for numbers in measured]
                at = {"problem": problem, "kind": kind}
                at |= {"mean": short(mean(values)), "standard_error": short(standard_error(values))}
                if "fit" in runs:
                    of_fit = [numbers[unit] for numbers in runs["fit"]]
                    sign = 1 if unit == "nats" else -1
                    ahead = [sign * (a - b) for a, b in zip(of_fit, values, strict=True)]
                    at |= {"fit_ahead": short(mean(ahead)), "fit_ahead_error": short(standard_error(ahead))}
                rows.append(row(recipe, values, unit, **at))
    return rows


def notes() -> list[str]:
    """What a reader has to know of the numbers."""
    return [
        f"{SECONDS:g} s of the processor for each training, one thread, seeds {SEEDS}; for few points `fit` "
        "and sbi stop by themselves before, and sbi ends with the epoch that spends the time",
        f"shapes: {N_SHAPE} points, nats in their own units; tables: four fifths to learn from, nats in "
        f"standardised units; posteriors: {N_OBSERVED} observations, the same for all seeds",
        f"C2ST: a classifier's accuracy on unseen points, {N_JUDGED} samples against as many exact ones; "
        "sliced W2 in units of the exact samples' deviation; *exact* is what other exact samples get",
        f"beside published figures: {LONG_SECONDS:g} s, {N_PUBLISHED} simulations, {N_JUDGED_LONG} samples "
        f"for {N_OBSERVED_LONG} observations of our own each, the classifier of Lueckmann et al. 2021, and "
        "for their NPE the mean of their ten observations; GenSBI (2026) says 0.50 to 0.56 for its means on "
        "tasks of this benchmark; Wildberger et al. (2023) draw theirs as a figure",
        "means with standard errors over the seeds; of shapes and posteriors every recipe gets the same "
        "points, and of tables the same split",
        "`fit` had an advantage: its rule for few points and the size of its network with conditions were "
        "chosen on some of these rows (wine, diabetes, breast cancer; two moons and SLCP of seed 0), and the "
        "linear residuals after seeing where it lost; no peer was tuned here",
    ]


def run(rounds: int) -> tuple[list[dict], list[str]]:
    """Every problem on three seeds, which are the rounds. An interrupted run goes on where it was."""
    chosen = problems()
    found = measure(chosen, LOG)
    rows = rows_from(chosen, found)
    LOG.unlink()
    return rows, notes()


def main() -> None:
    """Judge the problems whose names start with one of the words given, and print."""
    torch.set_num_threads(1)
    chosen = [p for p in problems() if any(p[1].startswith(word) for word in sys.argv[1:])]
    measure(chosen)


if __name__ == "__main__":
    main()
