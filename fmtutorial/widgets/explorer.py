"""What the course's interactive figures share: controls, one fast image, the numbers, and a yardstick."""

import base64
import html
import io
from collections.abc import Hashable, Iterable

import ipywidgets
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image
from torch import Tensor

from fmtutorial import exact, plotting
from fmtutorial._types import Time
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture
from fmtutorial.metrics import sliced_wasserstein, sliced_wasserstein_floor
from fmtutorial.paths import AffineGaussianPath

SEED = 0  # of everything random here, so that only the controls change the picture
GRID = 56  # points along each side of a density image


class Explorer:
    """Controls above one image, redrawn at every change; a subclass gives `update` and `describe`.

    Each control is an attribute whose `.value` can be set from code, and `numbers` holds what is shown. The
    widgets are `controls` (by name), `image`, `readout` (the sentence) and `box`, which holds them all. Where
    no kernel runs (GitHub, nbviewer), the stored notebook shows the same image, static.
    """

    def __init__(self, figure: Figure, moving: Iterable[Artist], controls: dict[str, ipywidgets.Widget]):
        self.numbers: dict[str, float] = {}
        self.controls = controls
        self._runs: dict[tuple[Hashable, ...], tuple] = {}
        # the figure: what moves is no part of the background, which is drawn once
        self._figure = figure
        self._moving = list(moving)
        self._background = None
        for artist in self._moving:
            artist.set_animated(True)
        # the widgets
        natural_size = ipywidgets.Layout(max_width="100%", align_self="flex-start")
        self.image = ipywidgets.Image(format="png", layout=natural_size)
        self.readout = ipywidgets.HTML()
        for name, widget in controls.items():
            setattr(self, name, widget)
            widget.observe(self.redraw, names="value")
        rows = ipywidgets.HBox(list(controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.box = ipywidgets.VBox([rows, self.image, self.readout])
        self.redraw()

    def update(self) -> None:
        """Move the artists and set `numbers` to what the controls ask for."""
        raise NotImplementedError

    def describe(self) -> str:
        """One or two sentences with the settings and the numbers, for every reader."""
        raise NotImplementedError

    def run(self, *settings: Hashable) -> tuple:
        """Compute what is shown for these settings; given by a subclass that calls `run_for`."""
        raise NotImplementedError

    def run_for(self, *settings: Hashable) -> tuple:
        """Return `run(*settings)`, computed only once for each setting."""
        if settings not in self._runs:
            self._runs[settings] = self.run(*settings)
        return self._runs[settings]

    def draw(self) -> memoryview:
        """The pixels as they stand, drawn over a background of axes and labels that is drawn only once."""
        if self._background is None:
            canvas = FigureCanvasAgg(self._figure)
            canvas.draw()
            self._background = canvas.copy_from_bbox(self._figure.bbox)
        canvas = self._figure.canvas
        canvas.restore_region(self._background)
        for artist in self._moving:
            artist.axes.draw_artist(artist)
        return canvas.buffer_rgba()

    def redraw(self, _change: dict | None = None) -> None:
        """Answer a control. An error is shown to the reader as well as raised, so that none goes unseen."""
        try:
            self.update()
            self.image.value = encode_png(self.draw())
        except Exception as error:
            message = html.escape(f"{type(error).__name__}: {error}")
            self.readout.value = f'<p role="alert"><b>This figure could not be redrawn.</b> {message}</p>'
            raise
        self.readout.value = f'<p role="status" style="line-height: 1.5">{html.escape(self.describe())}</p>'

    def __repr__(self) -> str:
        return self.describe()

    def _repr_mimebundle_(self, include=None, exclude=None):
        """The live controls for a front end that has them; for any other the image and its description."""
        bundle = self.box._repr_mimebundle_()
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        image = base64.b64encode(self.image.value).decode()
        data = {**data, "image/png": image, "text/plain": self.describe()}
        return data, {**metadata, "image/png": {"alt": self.describe()}}


class Yardstick:
    """What samples of a mixture are measured by: n points of noise, n of the truth, and what chance costs.

    x0 (n, d): the noise where flows start. truth (n, d): stratified exact samples. floor: the sliced
    Wasserstein-2 distance that exact samples have from one another.
    """

    def __init__(self, mixture: GaussianMixture, n: int):
        self.x0 = torch.randn(n, mixture.dim, generator=generator())
        self.truth = mixture.sample(n, generator(SEED + 1), stratified=True)
        self.floor, _ = sliced_wasserstein_floor(mixture, n, 10, generator(), stratified=True)

    def error(self, end: Tensor, n_directions: int = 128) -> float:
        """The sliced Wasserstein-2 distance from end points (n, d) to the truth."""
        return sliced_wasserstein(end, self.truth, n_directions, generator())


def rms_gap(a: Tensor, b: Tensor) -> float:
    """The root mean squared distance between the rows of a (n, d) and the same rows of b."""
    return float((a - b).square().sum(1).mean().sqrt())


def nearest_distance(a: Tensor, b: Tensor) -> float:
    """The mean distance from a point of a (n, d) to the closest of b (m, d), exact also where it is tiny."""
    distances = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    return float(distances.min(1).values.mean())


def encode_png(rgba: memoryview) -> bytes:
    """A PNG of opaque pixels (height, width, 4), compressed quickly rather than well."""
    height, width = rgba.shape[:2]
    pixels = Image.frombuffer("RGBA", (width, height), rgba, "raw", "RGBA", 0, 1).convert("RGB")
    file = io.BytesIO()
    pixels.save(file, format="PNG", compress_level=1)
    return file.getvalue()


def control(kind: type, description: str, **options) -> ipywidgets.Widget:
    """One labelled slider, all of a width."""
    layout = ipywidgets.Layout(width="21em")
    return kind(description=description, layout=layout, style={"description_width": "6em"}, **options)


def choice(description: str, options: list) -> ipywidgets.ToggleButtons:
    """Buttons to choose from. (JupyterLab takes the arrow keys away from a drop-down list.)"""
    style = {"description_width": "6em", "button_width": "auto"}
    layout = {"display": "flex"}
    return ipywidgets.ToggleButtons(description=description, options=options, style=style, layout=layout)


def generator(seed: int = SEED) -> torch.Generator:
    """A fresh generator with the explorers' seed, or another."""
    return torch.Generator().manual_seed(seed)


def panels(titles: list[str]) -> tuple[Figure, list[Axes]]:
    """A row of square panels in the course's window."""
    figure = Figure(figsize=(3.5 * len(titles), 3.9), dpi=90, layout="constrained")
    axes = figure.subplots(1, len(titles), sharey=True)
    for ax, title in zip(axes, titles, strict=True):
        plotting.square(ax).set_title(title, fontsize=11)
        ax.label_outer()
    return figure, list(axes)


def density_image(ax: Axes) -> AxesImage:
    """An image on the axes whose data will be a density: black ink, clear where there is none."""
    ink = LinearSegmentedColormap.from_list("ink", [(0, 0, 0, 0), (0, 0, 0, 0.75)])
    return ax.imshow([[0.0]], extent=plotting.LIMITS, origin="lower", cmap=ink, interpolation="bilinear")


def show_density(
    image: AxesImage,
    source: GaussianMixture | EmpiricalDistribution,
    path: AffineGaussianPath,
    t: Time,
) -> None:
    """Fill the image with the exact density p_t on a grid, darkest at its top."""
    _, _, points = plotting.grid(n=GRID)
    density = exact.marginal_log_prob(source, path, points, t).exp().reshape(GRID, GRID)
    image.set_data(density.numpy())
    image.set_clim(0, float(density.max()))
