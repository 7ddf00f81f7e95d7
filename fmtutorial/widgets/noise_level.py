"""An interactive figure: what noise in the sampler does to the errors of a velocity."""

from functools import partial

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from fmtutorial import exact, plotting
from fmtutorial.distributions import GaussianMixture, standard_mixture
from fmtutorial.metrics import sliced_wasserstein, sliced_wasserstein_floor
from fmtutorial.paths import StraightPath
from fmtutorial.sampling import sample, sde_step, start
from fmtutorial.widgets.explorer import SEED, Explorer, choice, control, generator, panels


def noise_level_explorer(
    model=None, mixture: GaussianMixture | None = None, path=None, n_samples: int = 500
) -> "NoiseLevelExplorer":
    """Controls for the noise level of the SDE, the number of steps, and the velocity.

    The velocity is exact, or exact with `shift` added to it for t < 0.3 ("early error") or for t > 0.7 ("late
    error"), or `model` if it is given. `numbers`: noise_level, nfe, error (sliced W2 of the end points to the
    truth) and floor (the same for exact samples).
    """
    return NoiseLevelExplorer(model, mixture or standard_mixture(), path or StraightPath(0.0), n_samples)


def shifted(velocity, first: float, last: float, shift: float = 1.0):
    """A velocity (x, t) with an error of `shift` in each coordinate while first <= t < last."""
    return lambda x, t: velocity(x, t) + (shift if first <= float(t) < last else 0.0)


class NoiseLevelExplorer(Explorer):
    """See `noise_level_explorer`."""

    def __init__(self, model, mixture: GaussianMixture, path, n_samples: int):
        self._path, self._cache = path, {}
        u = exact.velocity_field(mixture, path)
        self._fields = {"exact": u, "early error": shifted(u, 0.0, 0.3), "late error": shifted(u, 0.7, 1.0)}
        self._fields |= {"trained": model} if model else {}
        self._x0 = start(path, torch.randn(n_samples, mixture.dim, generator=generator()))
        self._truth = mixture.sample(n_samples, generator().manual_seed(SEED + 1), stratified=True)
        self._floor, _ = sliced_wasserstein_floor(mixture, n_samples, 10, generator(), stratified=True)
        colors = plotting.get_angle_colors(self._x0)
        figure, axes = panels(["a dozen trajectories", "end points; colour: start direction"])
        for ax in axes:
            plotting.plot_density(mixture.log_prob, ax, fill=False)
            plotting.square(ax).label_outer()
        self._lines = axes[0].add_collection(LineCollection([], colors=colors[:12], lw=1.0, alpha=0.9))
        self._few = axes[0].scatter(*self._x0[:12].T, c=colors[:12], s=12, zorder=3)
        self._all = axes[1].scatter(*self._x0.T, c=colors, s=7, linewidths=0, zorder=3)
        controls = {
            "noise_level": control(ipywidgets.FloatSlider, "noise", value=0.0, min=0.0, max=16.0, step=0.5),
            "n_steps": control(ipywidgets.IntSlider, "steps", value=64, min=4, max=100, step=4),
            "velocity": choice("velocity", list(self._fields)),
        }
        super().__init__(figure, [self._lines, self._few, self._all], controls)

    def update(self) -> None:
        """Redraw both panels for the noise level, the number of steps and the velocity."""
        trajectory, self.numbers = self._for(self.velocity.value, self.noise_level.value, self.n_steps.value)
        self._lines.set_segments(trajectory[:, :12].transpose(0, 1).numpy())
        self._few.set_offsets(trajectory[-1, :12].numpy())
        self._all.set_offsets(trajectory[-1].numpy())

    def describe(self) -> str:
        """The settings and the numbers in words."""
        told = self.numbers
        kind = (
            "the ODE, Euler" if self.noise_level.value == 0 else f"SDE, noise level {told['noise_level']:.1f}"
        )
        return (
            f"{kind}, {told['nfe']} steps, velocity: {self.velocity.value}. "
            f"Sliced W2 from the end points to the truth {told['error']:.3f} "
            f"(exact samples {told['floor']:.3f})."
        )

    def _for(self, velocity: str, noise_level: float, n_steps: int) -> tuple[Tensor, dict]:
        """The trajectory and the numbers for one setting."""
        key = velocity, noise_level, n_steps
        if key not in self._cache:
            step = partial(sde_step, noise_level=noise_level, generator=generator().manual_seed(SEED + 2))
            trajectory, _ = sample(step, self._fields[velocity], self._x0, self._path, n_steps)
            numbers = {
                "noise_level": noise_level,
                "nfe": n_steps,
                "error": sliced_wasserstein(trajectory[-1], self._truth, 64, generator()),
                "floor": self._floor,
            }
            self._cache[key] = trajectory, numbers
        return self._cache[key]
