"""Measure what README and the notebooks claim about speed, and print a table.

    python -m benchmarks              # seven rounds
    python -m benchmarks --rounds 15

One process, one thread; the sides of a comparison take turns in every round, so that a change of the
machine's speed meets them all alike. Medians with the smallest and largest value, and ratios round by round.
"""

import argparse
import statistics
import time

import torch

from benchmarks.training import SIDES
from fmtutorial import standard_mixture


def summary(values: list[float], unit: str, scale: float = 1.0) -> str:
    """Median [least ... most]."""
    scaled = [scale * v for v in values]
    return f"{statistics.median(scaled):9.3f} [{min(scaled):.3f} ... {max(scaled):.3f}] {unit}"


def training(rounds: int) -> None:
    """One training step: ours and the textbook's against the bare optimizer."""
    times: dict[str, list[float]] = {name: [] for name in SIDES}
    for side, n_steps in SIDES.values():
        side(max(5, n_steps // 10))  # warm up
    for _ in range(rounds):
        for name, (side, n_steps) in SIDES.items():
            times[name].append(side(n_steps))
    for name, values in times.items():
        print(f"training step, {name:22s} {summary(values, 'ms', 1e3)}")
    for a, b in (("ours", "bare"), ("textbook", "ours")):
        ratios = [x / y for x, y in zip(times[a], times[b], strict=True)]
        print(f"ratio {a + ' / ' + b:30s} {summary(ratios, '')}")


def sampling(rounds: int) -> None:
    """A million samples of the standard mixture."""
    mixture, generator, values = standard_mixture(), torch.Generator().manual_seed(0), []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        mixture.sample(1_000_000, generator)
        values.append(time.perf_counter() - start)
    print(f"GaussianMixture.sample(1_000_000)    {summary(values[1:], 's')}")


def main() -> None:
    """Run every comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, {rounds} rounds")
    training(rounds)
    sampling(rounds)


if __name__ == "__main__":
    main()
