"""Simulate the airfoil's wake and store its snapshots in fmtutorial/problems/wake.npz.

    python tools/make_wake.py              all 24 Reynolds numbers: about ten minutes with numba
    python tools/make_wake.py --check 200  simulate one again, and compare its statistics with the stored ones

Near the onset of the oscillation (between 170 and 175) a disturbance takes very long to die out or to grow,
so that those runs are longer.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from course_list import ROOT

from fmtutorial.problems import Wake
from fmtutorial.problems.wake_data import (
    BEYOND,
    EVERY,
    HELD_OUT,
    N_SNAPSHOTS,
    TRAINING,
    as_integers,
    blocks,
    wake_snapshots,
    wake_solid,
)

FILE = ROOT / "fmtutorial" / "problems" / "wake.npz"


def n_steps(reynolds: int) -> int:
    """Steps until the flow has settled."""
    if reynolds in (170, 175):
        return 240_000
    if reynolds in (180, 185):
        return 100_000
    return 40_000


def simulated(reynolds: int) -> torch.Tensor:
    """Snapshots (64, 3, 32, 48) of one Reynolds number."""
    runs = Wake().simulate([float(reynolds)], n_steps(reynolds), N_SNAPSHOTS, EVERY, compiled=True)
    return blocks(runs[0])


def store(file: Path = FILE) -> None:
    """All Reynolds numbers, as integers; in time, the differences, which compress better."""
    numbers = sorted(TRAINING + HELD_OUT + BEYOND)
    integers = []
    for reynolds in numbers:
        fields = simulated(reynolds)
        integers.append(as_integers(fields, wake_solid()))
        print(
            f"{reynolds}: fluctuation {float((fields - fields.mean(0))[:, :2].square().mean().sqrt()):.4f}",
            flush=True,
        )
    whole = np.stack(integers)
    first = np.zeros_like(whole[:, :1])
    np.savez_compressed(file, reynolds=np.array(numbers), changes=np.diff(whole, axis=1, prepend=first))
    print(f"written: {file.relative_to(ROOT)}, {file.stat().st_size / 1e6:.1f} MB")


def check(reynolds: int) -> None:
    """Mean and deviation fields of a new run beside the stored ones."""
    stored = wake_snapshots((reynolds,)).fields
    fields = torch.where(wake_solid(), 0.0, simulated(reynolds)).float()
    for name, statistic in (("mean", torch.mean), ("deviation", torch.std)):
        difference = statistic(fields, 0) - statistic(stored, 0)
        print(f"{name}: root mean squared difference {float(difference.square().mean().sqrt()):.5f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", type=int, metavar="REYNOLDS")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.check:
        check(arguments.check)
    else:
        store()
