"""Measure every claim of speed, print tables, and keep them as benchmarks/results/PART.json.

    python -m benchmarks                       # every part but the last three, which take long
    python -m benchmarks training sampling     # some parts
    python -m benchmarks --rounds 15 training  # more rounds
    python -m benchmarks --print training      # write nothing

Parts: imports, training, quality, sampling, inference, interaction, growth, few_steps, problems, suite. One
process, one thread; the sides of a comparison take turns in every round, so that a change of the machine's
speed meets them all alike. Medians with the smallest and largest value, and ratios round by round. The peers
are optional: `pip install -e ".[benchmarks]"`.
"""

import argparse
import time
from importlib import import_module

import torch

from benchmarks.timing import record, table, write

PARTS = (
    "imports",
    "training",
    "quality",
    "sampling",
    "inference",
    "interaction",
    "growth",
    "few_steps",
    "problems",
    "suite",
)
N_LONG = 3  # at the end: only run when they are named


def main() -> None:
    """Run the parts that were named, or all but the long ones."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--print", action="store_true", dest="only_print", help="write no JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for part in arguments.parts or PARTS[:-N_LONG]:
        start = time.perf_counter()
        module = import_module(f"benchmarks.{part}")
        rounds = getattr(module, "ROUNDS", arguments.rounds)  # some parts have a number of their own
        rows, notes = module.run(rounds)
        result = record(part, rows, rounds, notes)
        print(f"\n{part}: {result['processor']}, one thread, {rounds} rounds, {result['date']}")
        print(*notes, sep="\n")
        print(table(rows), flush=True)
        if not arguments.only_print:
            print(f"written: benchmarks/results/{write(result).name}", end=", ")
        print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
