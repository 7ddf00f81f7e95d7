"""Interactive figure: what simultaneous jumps of two tokens do to the law of the samples."""

from collections.abc import Mapping

import ipywidgets
import torch
from matplotlib.figure import Figure
from torch import Tensor

from fmtutorial import plotting
from fmtutorial.variants import (
    MaskPath,
    UniformPath,
    checkerboard_table,
    posterior_field,
    sampler_law,
    total_variation,
)
from fmtutorial.variants.discrete import Posterior
from fmtutorial.widgets.explorer import Explorer, choice, control

STEPS = (1, 2, 4, 8, 16, 32)  # of the curve: it is computed anew while somebody drags
TICKS = (*STEPS, 64)
MOST = 1.0  # the top of the axis of total variation


def token_steps_explorer(
    learnt: Mapping[str, Posterior] | None = None, table: Tensor | None = None
) -> "TokenStepsExplorer":
    """Controls for the path, the steps, the noise and the posterior; shows the exact law of the sampler.

    table: the data, strings of two tokens (V, V). learnt: posteriors to choose beside the exact ones, under
    "mask" and "uniform". `numbers`: tv (total variation between the law and the data), outside (the law's
    mass where the data have none) and formula (TV(q, q1 q2) / N, the error of the exact mask path).
    """
    return TokenStepsExplorer(learnt or {}, checkerboard_table() if table is None else table)


class TokenStepsExplorer(Explorer):
    """Two panels: the law of the sampler's strings, and its total variation against the number of steps.

    Artists: `picture`, `curve` and `star`, on the curve.
    """

    def __init__(self, learnt: Mapping[str, Posterior], table: Tensor):
        self.table = table
        self.paths = {"mask": MaskPath(len(table)), "uniform": UniformPath(len(table))}
        self.posteriors = {}
        for name, path in self.paths.items():
            self.posteriors["exact", name] = remembered(posterior_field(table, path))
        for name, posterior in learnt.items():
            self.posteriors["learnt", name] = remembered(posterior)
        independent = torch.outer(table.sum(1), table.sum(0))
        self._apart = total_variation(table, independent)
        # the law as a picture
        figure = Figure(figsize=(8.2, 4.1), dpi=90, layout="constrained")
        left, right = figure.subplots(1, 2)
        self.picture = left.imshow(table.numpy(), cmap="cividis", vmin=0, vmax=float(table.max()))
        left.set(xlabel="second token", ylabel="first token")
        left.set_title("law of the sampler's strings", fontsize=11)
        # the error against the number of steps
        line = [self._apart / n for n in TICKS]
        right.plot(TICKS, line, "--", color=plotting.EXACT, lw=1, label="mask path, exact: formula")
        (self.curve,) = right.plot([], [], "o-", color=plotting.LEARNED, ms=4, lw=1, label="this sampler")
        (self.star,) = right.plot([], [], "*", color=plotting.DATA, ms=15, label="you are here")
        right.set(xscale="log", yscale="log", xlabel="steps", ylabel="total variation to the data")
        right.set(xlim=(0.85, 75), ylim=(0.005, MOST))
        right.set_xticks(TICKS, [str(n) for n in TICKS])
        right.minorticks_off()
        right.legend(fontsize=9)
        # the controls
        controls = {
            "n_steps": control(ipywidgets.IntSlider, "steps", value=4, min=1, max=64),
            "noise_level": control(ipywidgets.FloatSlider, "noise", value=0.0, min=0.0, max=5.0, step=0.5),
            "path": choice("path", list(self.paths)),
            "posterior": choice("posterior", ["exact", "learnt"] if learnt else ["exact"]),
        }
        super().__init__(figure, [self.picture, self.curve, self.star], controls)

    def update(self) -> None:
        """Redraw the picture and the curve for the values of the controls."""
        settings = self.posterior.value, self.path.value, self.noise_level.value
        law = self.run_for(*settings, self.n_steps.value)
        errors = [total_variation(self.run_for(*settings, n), self.table) for n in STEPS]
        self.numbers = {
            "tv": total_variation(law, self.table),
            "outside": float(law[self.table == 0].sum()),
            "formula": self._apart / self.n_steps.value,
        }
        self.picture.set_data(law.numpy())
        self.curve.set_data(STEPS, errors)
        self.star.set_data([self.n_steps.value], [self.numbers["tv"]])

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        n_steps = self.n_steps.value
        return (
            f"{self.path.value} path, {self.posterior.value} posterior, {n_steps} step{'s' * (n_steps > 1)}, "
            f"noise {self.noise_level.value:.1f}: total variation to the data {numbers['tv']:.4f}, "
            f"mass outside the support {numbers['outside']:.4f}. "
            f"The exact mask path without noise: {numbers['formula']:.4f}."
        )

    def run(self, posterior: str, path: str, noise_level: float, n_steps: int) -> Tensor:
        """The law for one setting, (V, V)."""
        function = self.posteriors[posterior, path]
        return sampler_law(function, self.paths[path], 2, n_steps, noise_level)


def remembered(posterior: Posterior) -> Posterior:
    """The posterior, asked once for each time: the states are always all, and times of the curve recur."""
    answers: dict[float, Tensor] = {}

    def remembered_posterior(x: Tensor, t: float) -> Tensor:
        """The posterior's first answer at this time."""
        if t not in answers:
            answers[t] = posterior(x, t)
        return answers[t]

    return remembered_posterior
