"""Stored snapshots of the airfoil's wake, for many Reynolds numbers: data to learn from, and their truth.

`python tools/make_wake.py` simulated them. Learn from the numbers in TRAINING alone: HELD_OUT lie between
them, BEYOND above all of them.
"""

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

TRAINING = (80, 100, 120, 140, 150, 160, 170, 180, 190, 200, 210, 220, 230, 240)
HELD_OUT = (130, 155, 175, 185, 195, 215, 225)
BEYOND = (250, 260, 270)
N_SNAPSHOTS = 64
EVERY = 11  # steps between snapshots: 64 of them go round the cycle once, whose period is 660 to 730 steps
ROWS = (8, 72)  # the part of the channel that is kept, averaged over 2 x 2 cells
COLUMNS = (28, 124)
SCALE = 500  # values are stored as integers, in units of 1 / SCALE of the stream


class WakeFields(NamedTuple):
    """Snapshots (n, 3, 32, 48) of u, v and p in units of the stream, and the Reynolds number (n,) of each."""

    fields: Tensor
    reynolds: Tensor


def wake_snapshots(reynolds: tuple[int, ...] | list[int] = TRAINING) -> WakeFields:
    """The 64 snapshots of each of these Reynolds numbers, in single precision, in the order of time.

    TRAINING, HELD_OUT and BEYOND list those that are stored. 0 in the cells of `wake_solid()`.
    """
    stored, whole = _stored()
    rows = []
    for number in reynolds:
        if number not in stored:
            raise ValueError(f"reynolds must be some of {sorted(stored)}, got {number!r}")
        rows.append(stored.index(number))
    fields = torch.from_numpy(whole[rows].astype(np.float32)) / SCALE  # (numbers, 64, 3, 32, 48)
    numbers = torch.tensor([float(number) for number in reynolds]).repeat_interleave(N_SNAPSHOTS)
    return WakeFields(fields.flatten(0, 1), numbers)


def wake_solid() -> Tensor:
    """The cells (32, 48) of the stored fields that lie in the body, wholly or in part: True or False."""
    from fmtutorial.problems.wake import Wake

    return blocks(Wake().solid.double()) > 0


def blocks(field: Tensor) -> Tensor:
    """The stored part of fields (..., 80, 160), as means over 2 x 2 cells: (..., 32, 48)."""
    if field.shape[-2:] != (80, 160):
        raise ValueError(f"field must have the shape (..., 80, 160), got {tuple(field.shape)}")
    window = field[..., slice(*ROWS), slice(*COLUMNS)]
    height, width = window.shape[-2] // 2, window.shape[-1] // 2
    return window.unflatten(-1, (width, 2)).unflatten(-3, (height, 2)).mean((-3, -1))


def as_integers(fields: Tensor, solid: Tensor) -> np.ndarray:
    """Fields as they are stored: rounded to 1 / SCALE, 0 in the body."""
    return (torch.where(solid, 0.0, fields) * SCALE).round().to(torch.int16).numpy()


@lru_cache(maxsize=1)
def _stored() -> tuple[list[int], np.ndarray]:
    """The stored Reynolds numbers, and the integers (numbers, 64, 3, 32, 48)."""
    with files("fmtutorial.problems").joinpath("wake.npz").open("rb") as file, np.load(file) as archive:
        changes = archive["changes"]
        numbers = archive["reynolds"].tolist()
    return numbers, changes.cumsum(1, dtype=np.int16)  # stored as differences in time, which compress better
