"""The compiled step beside the one in tensors, and a stored cycle simulated again. Needs numba."""

import pytest
import torch

from fmtutorial.problems import Wake, wake_snapshots, wake_solid
from fmtutorial.problems.wake_data import EVERY, N_SNAPSHOTS, SCALE, as_integers, blocks

pytest.importorskip("numba")
SMALL = Wake(height=24, width=40, chord=10.0)


def test_the_compiled_step_is_the_step_in_tensors():
    plain = SMALL.simulate([40.0, 90.0], 120, n_snapshots=2, every=37)
    compiled = SMALL.simulate([40.0, 90.0], 120, n_snapshots=2, every=37, compiled=True)
    torch.testing.assert_close(compiled, plain, rtol=0, atol=1e-11)


def test_a_stored_cycle_is_what_a_run_from_another_start_gives():
    """Another seed gives another phase, but the same mean and deviation of each cell."""
    runs = Wake().simulate([240.0], 40_000, N_SNAPSHOTS, EVERY, seed=1, compiled=True)
    again = torch.from_numpy(as_integers(blocks(runs[0]), wake_solid())).float() / SCALE
    stored = wake_snapshots((240,)).fields
    for statistic in (torch.mean, torch.std):
        difference = statistic(again, 0) - statistic(stored, 0)
        assert float(difference.square().mean().sqrt()) < 0.1 * float(stored.std(0).square().mean().sqrt())
