"""The table of capitals is plausible, and degrees and unit vectors belong to each other."""

import math

import pytest
import torch

from fmtutorial.variants import capitals, latitude_longitude, unit_vectors
from fmtutorial.variants.earth import _rows

# south, north, west, east: a box around each continent, in degrees; the dateline runs through Oceania
BOXES = {
    "Africa": (-30, 38, -25, 58),
    "Americas": (-36, 46, -100, -47),
    "Asia": (-10, 52, 32, 141),
    "Europe": (35, 65, -23, 39),
    "Oceania": (-42, 9, 134, 189),
}


def test_there_are_191_capitals_in_whole_degrees():
    names, degrees = capitals()
    assert len(names) == len(set(names)) == len({row["state"] for row in _rows()}) == len(degrees) == 191
    assert degrees.dtype == torch.float64 and torch.equal(degrees, degrees.round())
    assert degrees[:, 0].abs().max() <= 90 and degrees[:, 1].abs().max() <= 180


def test_only_two_capitals_share_their_degree():
    names, degrees = capitals()
    _, place, counts = degrees.unique(dim=0, return_inverse=True, return_counts=True)
    twins = [name for name, k in zip(names, place, strict=True) if counts[k] > 1]
    assert set(twins) == {"Brazzaville", "Kinshasa", "Beirut", "Damascus"}


def test_every_capital_lies_in_its_continent():
    for row in _rows():
        south, north, west, east = BOXES[row["continent"]]
        longitude = float(row["longitude"])
        if row["continent"] == "Oceania":
            longitude %= 360
        assert south <= float(row["latitude"]) <= north and west <= longitude <= east, row["capital"]


@pytest.mark.parametrize(
    "capital, latitude, longitude",
    [("London", 51.5, -0.1), ("Tokyo", 35.7, 139.7), ("Canberra", -35.3, 149.1), ("Lima", -12.0, -77.0)],
)
def test_some_capitals_are_where_an_atlas_has_them(capital, latitude, longitude):
    names, degrees = capitals()
    found = degrees[names.index(capital)]
    assert (found - torch.tensor([latitude, longitude])).abs().max() <= 0.5


def test_distances_between_capitals_are_those_of_an_atlas():
    names, degrees = capitals()
    x = unit_vectors(degrees)
    chosen = [x[names.index(name)] for name in ("London", "New Delhi", "Buenos Aires")]
    kilometres = [6371 * math.acos(float(chosen[0] @ y)) for y in chosen[1:]]
    assert kilometres == pytest.approx([6710, 11130], rel=0.02)


def test_degrees_to_unit_vectors_and_back():
    _, degrees = capitals()
    x = unit_vectors(degrees)
    torch.testing.assert_close(x.norm(dim=1), torch.ones(191, dtype=torch.float64))
    torch.testing.assert_close(latitude_longitude(x), degrees)


def test_the_poles_and_the_axes():
    degrees = torch.tensor([[90.0, 0.0], [0.0, 0.0], [0.0, 90.0], [-90.0, 0.0]])
    expected = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]])
    torch.testing.assert_close(unit_vectors(degrees), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(latitude_longitude(expected)[:, 0], degrees[:, 0])


@pytest.mark.parametrize("function, shape", [(unit_vectors, (4, 3)), (latitude_longitude, (4, 2))])
def test_other_shapes_are_refused(function, shape):
    with pytest.raises(ValueError, match="shape"):
        function(torch.zeros(shape))
