"""The stored wakes: their shape, where they came from, and the bifurcation that they show."""

import pytest
import torch

from fmtutorial.problems import Wake, wake_snapshots, wake_solid
from fmtutorial.problems.wake_data import (
    BEYOND,
    HELD_OUT,
    SCALE,
    TRAINING,
    blocks,
)


def fluctuation(number):
    """The root mean squared deviation of u and v from their mean in time."""
    fields = wake_snapshots((number,)).fields
    return float((fields - fields.mean(0))[:, :2].square().mean().sqrt())


def test_three_groups_of_numbers_that_share_none():
    assert not set(TRAINING) & set(HELD_OUT) and not set(TRAINING + HELD_OUT) & set(BEYOND)
    assert all(min(TRAINING) < number < max(TRAINING) for number in HELD_OUT)
    assert min(BEYOND) > max(TRAINING)
    for group in (TRAINING, HELD_OUT, BEYOND):
        fields, reynolds = wake_snapshots(group)
        assert fields.shape == (64 * len(group), 3, 32, 48) and fields.dtype == torch.float32
        assert torch.equal(reynolds, torch.tensor(group).float().repeat_interleave(64))
        assert torch.isfinite(fields).all() and (fields[:, :, wake_solid()] == 0).all()


def test_any_order_of_numbers():
    fields, reynolds = wake_snapshots([200, 80])
    assert torch.equal(fields[:64], wake_snapshots([200]).fields)
    assert torch.equal(fields[64:], wake_snapshots([80]).fields)
    assert reynolds[0] == 200 and reynolds[-1] == 80


@pytest.mark.parametrize("numbers", [(85,), ("200",), (200, 1.5)])
def test_numbers_that_are_not_stored_are_refused(numbers):
    with pytest.raises(ValueError, match=r"reynolds must be some of \[80, 100"):
        wake_snapshots(numbers)


def test_blocks_are_means_of_four_cells_of_the_window():
    y, x = torch.meshgrid(torch.arange(80.0), torch.arange(160.0), indexing="ij")
    rows, columns = blocks(y), blocks(x)
    assert rows.shape == (32, 48)
    torch.testing.assert_close(rows[:, 0], 8.5 + 2 * torch.arange(32.0))
    torch.testing.assert_close(columns[0], 28.5 + 2 * torch.arange(48.0))
    with pytest.raises(ValueError, match="field must have the shape"):
        blocks(torch.zeros(80, 80))


def test_the_body_lies_in_the_stored_part():
    whole = Wake().solid
    assert int(whole.sum()) == int(whole[8:72, 28:124].sum())
    solid = wake_solid()
    assert int(solid.sum()) >= int(whole.sum()) / 4


def test_below_the_onset_the_flow_stands_still_and_above_it_the_square_of_the_cycle_grows_steadily():
    steady = [number for number in TRAINING + HELD_OUT if number <= 160]
    assert max(fluctuation(number) for number in steady) < 1 / SCALE
    squares = {number: fluctuation(number) ** 2 for number in (175, 180, 185, 190, 195, 200)}
    numbers = torch.tensor(list(squares), dtype=torch.float64)
    values = torch.tensor(list(squares.values()), dtype=torch.float64)
    centred = numbers - numbers.mean()
    slope = float((centred * values).sum() / centred.square().sum())
    onset = float(numbers.mean() - values.mean() / slope)
    assert 165 < onset < 175
    fitted = values.mean() + slope * centred
    assert float((fitted - values).abs().max()) < 0.1 * float(values.max())


@pytest.mark.parametrize("number", [180, 190, 195, 200, 220, 240, 270])
def test_the_orbit_is_closed_and_its_phases_are_spread(number):
    """The first two principal components of one number draw a loop, seen all around, once."""
    fields = wake_snapshots((number,)).fields.flatten(1).double()
    fields = fields - fields.mean(0)
    _, values, directions = torch.linalg.svd(fields, full_matrices=False)
    assert float(values[:2].square().sum() / values.square().sum()) > 0.8
    first, second = (fields @ directions[:2].T / values[:2]).T
    angles = torch.atan2(second, first).sort().values
    gaps = torch.cat([angles.diff(), angles[:1] + 2 * torch.pi - angles[-1:]])
    assert float(gaps.max()) < 0.5  # 64 points around 6.28
    radius = (first.square() + second.square()).sqrt()
    assert float(radius.std() / radius.mean()) < 0.2


def test_a_stored_steady_flow_is_what_the_plain_simulator_gives():
    """At Re = 80 the flow settles within some thousand steps: after 3500 it moves by less than 0.001."""
    field = blocks(Wake().simulate([80.0], 3500)[0, 0])
    stored = wake_snapshots((80,)).fields.double()
    outside = ~wake_solid()
    assert float((field - stored)[..., outside].abs().max()) < 0.001 + 0.5 / SCALE
