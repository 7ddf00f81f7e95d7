"""What the course's interactive figures share: controls, one fast image, and the numbers beside it."""

import base64
import html
import struct
import zlib
from collections.abc import Iterable

import ipywidgets
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

from fmtutorial import plotting

SEED = 0  # of everything random here, so that only the controls change the picture
GRID = 56  # points along each side of a density image


class Explorer:
    """Controls above one image, redrawn at every change; a subclass gives `update` and `describe`.

    Each control is an attribute whose `.value` can be set from code, and `numbers` holds what is shown. Where
    no kernel runs (GitHub, nbviewer), the stored notebook shows the same image, static.
    """

    def __init__(self, figure: Figure, moving: Iterable[Artist], controls: dict[str, ipywidgets.Widget]):
        self.numbers: dict[str, float] = {}
        self._figure, self._moving, self._still = figure, list(moving), None
        natural_size = ipywidgets.Layout(max_width="100%", align_self="flex-start")
        self._image = ipywidgets.Image(format="png", layout=natural_size)
        self._readout = ipywidgets.HTML()
        for artist in self._moving:
            artist.set_animated(True)  # not part of the background
        for name, control in controls.items():
            setattr(self, name, control)
            control.observe(self._redraw, names="value")
        rows = ipywidgets.HBox(list(controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap"))
        self._box = ipywidgets.VBox([rows, self._image, self._readout])
        self._redraw()

    def update(self) -> None:
        """Move the artists and set `numbers` to what the controls ask for."""
        raise NotImplementedError

    def describe(self) -> str:
        """One or two sentences with the settings and the numbers, for every reader."""
        raise NotImplementedError

    def draw(self) -> memoryview:
        """The pixels as they stand, drawn over a background of axes and labels that is drawn only once."""
        canvas = self._figure.canvas
        if self._still is None:
            FigureCanvasAgg(self._figure)
            canvas = self._figure.canvas
            canvas.draw()
            self._still = canvas.copy_from_bbox(self._figure.bbox)
        canvas.restore_region(self._still)
        for artist in self._moving:
            artist.axes.draw_artist(artist)
        return canvas.buffer_rgba()

    def _redraw(self, _change=None) -> None:
        """Answer a control. An error is shown to the reader as well as raised, so that none goes unseen."""
        try:
            self.update()
            self._image.value = encode_png(self.draw())
        except Exception as error:
            message = html.escape(f"{type(error).__name__}: {error}")
            self._readout.value = f'<p role="alert"><b>This figure could not be redrawn.</b> {message}</p>'
            raise
        self._readout.value = f'<p role="status" style="line-height: 1.5">{html.escape(self.describe())}</p>'

    def __repr__(self) -> str:
        return self.describe()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The live controls for a front end that has them; for any other the image and its description."""
        bundle = self._box._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        image = base64.b64encode(self._image.value).decode()
        data = {**data, "image/png": image, "text/plain": self.describe()}
        return data, {**metadata, "image/png": {"alt": self.describe()}}


def encode_png(rgba) -> bytes:
    """A PNG of opaque pixels (height, width, 4), each row as it is.

    For a figure this is smaller than what Pillow writes, and twice as fast, as that tries five filters a row.
    """
    height, width = rgba.shape[:2]
    rgb = Image.frombuffer("RGBA", (width, height), rgba, "raw", "RGBA", 0, 1).convert("RGB").tobytes()
    rows = np.zeros((height, 1 + 3 * width), np.uint8)  # each row starts with the number of its filter, 0
    rows[:, 1:] = np.frombuffer(rgb, np.uint8).reshape(height, 3 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a channel, RGB, not interlaced
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(rows, level=1), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )


def control(kind: type, description: str, **options) -> ipywidgets.Widget:
    """One labelled slider, all of a width."""
    layout = ipywidgets.Layout(width="21em")
    return kind(description=description, layout=layout, style={"description_width": "6em"}, **options)


def choice(description: str, options: list) -> ipywidgets.ToggleButtons:
    """Buttons to choose from. (JupyterLab takes the arrow keys away from a drop-down list.)"""
    style = {"description_width": "6em", "button_width": "auto"}
    return ipywidgets.ToggleButtons(
        description=description, options=options, style=style, layout={"display": "flex"}
    )


def generator() -> torch.Generator:
    """A fresh generator with the explorers' seed."""
    return torch.Generator().manual_seed(SEED)


def panels(titles: list[str]) -> tuple[Figure, list]:
    """A row of square panels in the course's window."""
    figure = Figure(figsize=(3.5 * len(titles), 3.9), dpi=90, layout="constrained")
    axes = figure.subplots(1, len(titles), sharey=True)
    for ax, title in zip(axes, titles, strict=True):
        plotting.square(ax).set_title(title, fontsize=11)
        ax.label_outer()
    return figure, list(axes)


def density_image(ax):
    """An image on the axes whose data will be a density: black ink, clear where there is none."""
    ink = LinearSegmentedColormap.from_list("ink", [(0, 0, 0, 0), (0, 0, 0, 0.75)])
    return ax.imshow([[0.0]], extent=plotting.LIMITS, origin="lower", cmap=ink, interpolation="bilinear")


def show_density(image, log_prob) -> None:
    """Fill the image with exp(log_prob) on a grid, darkest at the density's top."""
    values = log_prob(plotting.grid(n=GRID)[2]).exp().reshape(GRID, GRID)
    image.set_data(values.numpy())
    image.set_clim(0, float(values.max()))
