"""A small real data set on a sphere: where the capitals of 191 states are."""

import csv
import math
from importlib.resources import files

import torch
from torch import Tensor

from fmtutorial import _validate


def capitals() -> tuple[list[str], Tensor]:
    """Names of 191 capitals, and their latitudes and longitudes in whole degrees (191, 2), float64.

    North and east are positive. Written down from common knowledge and rounded to one degree, about 110 km.
    One city for each state: where a state has several capitals, one was taken, and states whose capital is
    in dispute are left out. Brazzaville and Kinshasa face each other across a river and share their degree.
    """
    rows = _rows()
    names = [row["capital"] for row in rows]
    places = [[float(row["latitude"]), float(row["longitude"])] for row in rows]
    return names, torch.tensor(places, dtype=torch.float64)


def unit_vectors(degrees: Tensor) -> Tensor:
    """(cos a cos b, cos a sin b, sin a) of latitudes a and longitudes b (n, 2) in degrees, (n, 3)."""
    degrees = _validate.points(degrees, "degrees", 2)
    latitude, longitude = (degrees * (math.pi / 180)).unbind(1)
    x = latitude.cos() * longitude.cos()
    y = latitude.cos() * longitude.sin()
    return torch.stack([x, y, latitude.sin()], dim=1)


def latitude_longitude(x: Tensor) -> Tensor:
    """Latitudes in [-90, 90] and longitudes in [-180, 180], (n, 2) in degrees, of unit vectors x (n, 3)."""
    x = _validate.points(x, "x", 3)
    latitude = torch.atan2(x[:, 2], x[:, :2].norm(dim=1))
    longitude = torch.atan2(x[:, 1], x[:, 0])
    return torch.stack([latitude, longitude], dim=1) * (180 / math.pi)


def _rows() -> list[dict[str, str]]:
    """The rows of capitals.csv: capital, state, continent, latitude, longitude."""
    text = files("fmtutorial.variants").joinpath("capitals.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
