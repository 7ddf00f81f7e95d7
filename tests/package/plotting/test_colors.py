"""Colours of directions that everybody can tell apart, and the key that says what they mean."""

import itertools

import numpy as np
import pytest
from helpers import normal
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fmtutorial.plotting import angle_key, get_angle_colors

# Simulation of complete colour blindness in linear RGB (Machado, Oliveira, Fernandes 2009, severity 1.0).
SEEN_AS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "full colour vision": np.eye(3).tolist(),
}


def lab(linear_rgb):
    """CIE Lab from linear RGB."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear_rgb.clip(0, 1) @ to_xyz.T / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


DIRECTIONS = {"right": 0, "top": 1, "left": 2, "bottom": 3}  # in quarter turns


def seen(n: int, vision: str) -> np.ndarray:
    """CIE Lab (n, 3) of the colours of n directions, equally spaced from the right, as a vision sees them."""
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    rgb = get_angle_colors(np.stack([np.cos(angle), np.sin(angle)], axis=1))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return lab(linear @ np.array(SEEN_AS[vision]).T)


@pytest.mark.parametrize("vision", SEEN_AS)
@pytest.mark.parametrize("pair", [*itertools.combinations(DIRECTIONS, 2)], ids=" ".join)
def test_top_left_bottom_and_right_are_told_apart_at_a_glance(pair, vision):
    # 2.3 is just noticed side by side; twenty times that is another colour
    quarter = seen(4, vision)
    first, second = (quarter[DIRECTIONS[name]] for name in pair)
    assert np.linalg.norm(first - second) > 50


@pytest.mark.parametrize("vision", SEEN_AS)
def test_quarter_turns_look_different_from_wherever_they_start(vision):
    colors = seen(48, vision)
    for turn in range(12, 25):
        difference = np.linalg.norm(colors - np.roll(colors, turn, axis=0), axis=1)
        assert difference.min() > 33, f"{turn}/48 of a turn apart: {difference.min():.1f}"


@pytest.mark.parametrize("vision", SEEN_AS)
def test_colours_change_smoothly_all_around_and_nowhere_stand_still(vision):
    colors = seen(72, vision)
    steps = np.linalg.norm(colors - np.roll(colors, 1, axis=0), axis=1)  # for each five degrees
    assert steps.max() < 2.5 * steps.mean()
    assert steps.min() > 0.4 * steps.mean()


@pytest.mark.parametrize("vision", SEEN_AS)
def test_every_direction_stands_out_from_white_paper(vision):
    assert np.linalg.norm(seen(48, vision) - [100, 0, 0], axis=1).min() > 20


def test_the_simulated_visions_keep_greys():
    grey = np.full((1, 3), 0.3)
    for matrix in SEEN_AS.values():
        np.testing.assert_allclose(grey @ np.array(matrix).T, grey, atol=1e-5)


def test_lab_knows_the_textbook_values_of_srgb():
    red = lab(np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(red, [[53.24, 80.09, 67.20]], atol=0.3)
    white = lab(np.ones((1, 3)))
    np.testing.assert_allclose(white, [[100.0, 0.0, 0.0]], atol=0.1)


def test_colours_depend_on_the_angle_alone():
    x = normal(50, 2)
    np.testing.assert_array_equal(get_angle_colors(x), get_angle_colors(3 * x))
    np.testing.assert_array_equal(get_angle_colors(x), get_angle_colors(x.numpy()))
    assert get_angle_colors(x).shape == (50, 4)


@pytest.mark.parametrize("corner", ["lower right", "lower left", "upper right", "upper left"])
def test_the_key_shows_the_colour_of_each_direction_and_says_so(corner):
    figure = Figure()
    ax = figure.subplots()
    key = angle_key(ax, "where it began", corner)
    (image,) = key.images
    pixels = np.asarray(image.get_array())
    middle = len(pixels) // 2
    out = round(0.7 * middle)
    for (dx, dy), place in {
        (1, 0): (middle, middle + out),
        (0, 1): (middle + out, middle),
        (-1, 0): (middle, middle - out),
        (0, -1): (middle - out, middle),
    }.items():
        expected = get_angle_colors(np.array([[dx, dy]]))[0]
        np.testing.assert_allclose(pixels[place], expected, atol=0.02)
    assert pixels[middle, middle, 3] == pixels[0, 0, 3] == 0  # clear inside and outside
    assert image.origin == "lower"  # up is up
    (text,) = key.texts
    assert text.get_text() == "where it began"
    # all of it is inside the axes
    FigureCanvasAgg(figure).draw()
    for artist in (image, text):
        box = artist.get_window_extent()
        assert ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1
        assert ax.bbox.y0 <= box.y0 and box.y1 <= ax.bbox.y1


def test_a_corner_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"corner .* 'middle'"):
        angle_key(Figure().subplots(), corner="middle")


@pytest.mark.parametrize(
    "bad, word", [(np.zeros(3), r"shape \(n, 2\)"), (np.array([[np.nan, 1.0]]), "finite")]
)
def test_positions_that_have_no_direction_are_refused(bad, word):
    with pytest.raises(ValueError, match=f"positions must .*{word}"):
        get_angle_colors(bad)
