"""Interactive figure: what noise in the sampler does to the errors of a velocity."""

from functools import partial

import ipywidgets
from matplotlib.collections import LineCollection
from torch import Tensor

from fmtutorial import exact, plotting
from fmtutorial._types import Time, Velocity
from fmtutorial.distributions import GaussianMixture, standard_mixture
from fmtutorial.paths import AffineGaussianPath, StraightPath
from fmtutorial.sampling import run_sampler, sde_step, starting_noise
from fmtutorial.widgets.explorer import SEED, Explorer, Yardstick, choice, control, generator, panels

N_TRAJECTORIES = 12  # trajectories drawn


def noise_level_explorer(
    model: Velocity | None = None,
    mixture: GaussianMixture | None = None,
    path: AffineGaussianPath | None = None,
    n_samples: int = 500,
) -> "NoiseLevelExplorer":
    """Controls for the noise level of the SDE, the number of steps, and the velocity.

    The velocity is exact, or exact with `shift` added to it for t < 0.3 ("early error") or for t > 0.7 ("late
    error"), or `model` if it is given. `numbers`: noise_level, nfe, error (sliced W2 of the end points to the
    truth) and floor (the same for exact samples).
    """
    return NoiseLevelExplorer(model, mixture or standard_mixture(), path or StraightPath(0.0), n_samples)


def shifted(velocity: Velocity, first: float, last: float, shift: float = 1.0) -> Velocity:
    """A velocity (x, t) with an error of `shift` in each coordinate while first <= t < last."""

    def shifted_velocity(x: Tensor, t: Time) -> Tensor:
        """The velocity (n, d), wrong for some of the time."""
        if first <= round(float(t), 6) < last:  # a time of single precision lies beside its value
            return velocity(x, t) + shift
        return velocity(x, t)

    return shifted_velocity


class NoiseLevelExplorer(Explorer):
    """Two panels for one noise level: a dozen random trajectories, and all end points over the truth.

    `velocities` holds what can be chosen, by name; `x0` is where all start. Artists: `trajectory_lines`,
    `trajectory_ends` and `end_points`.
    """

    def __init__(
        self, model: Velocity | None, mixture: GaussianMixture, path: AffineGaussianPath, n_samples: int
    ):
        self.path = path
        self.yardstick = Yardstick(mixture, n_samples)
        self.x0 = starting_noise(path, self.yardstick.x0)
        u = exact.velocity_field(mixture, path)
        self.velocities = {
            "exact": u,
            "early error": shifted(u, 0.0, 0.3),
            "late error": shifted(u, 0.7, 1.0),
        }
        if model:
            self.velocities["trained"] = model
        # the artists that move, over the truth's contours
        figure, axes = panels(["a dozen trajectories", "end points, $t = 1$"])
        for ax in axes:
            plotting.plot_density(mixture.log_prob, ax, fill=False)
            plotting.square(ax).label_outer()
        plotting.angle_key(axes[1])
        colors = plotting.get_angle_colors(self.x0)
        few = colors[:N_TRAJECTORIES]
        self.trajectory_lines = axes[0].add_collection(LineCollection([], colors=few, lw=1.0, alpha=0.9))
        self.trajectory_ends = axes[0].scatter(*self.x0[:N_TRAJECTORIES].T, c=few, s=12, zorder=3)
        self.end_points = axes[1].scatter(*self.x0.T, c=colors, s=7, linewidths=0, zorder=3)
        moving = [self.trajectory_lines, self.trajectory_ends, self.end_points]
        # the controls
        controls = {
            "noise_level": control(ipywidgets.FloatSlider, "noise", value=0.0, min=0.0, max=16.0, step=0.5),
            "n_steps": control(ipywidgets.IntSlider, "steps", value=64, min=4, max=100, step=4),
            "velocity": choice("velocity", list(self.velocities)),
        }
        super().__init__(figure, moving, controls)

    def update(self) -> None:
        """Redraw both panels for the noise level, the number of steps and the velocity."""
        settings = self.velocity.value, self.noise_level.value, self.n_steps.value
        trajectory, self.numbers = self.run_for(*settings)
        self.trajectory_lines.set_segments(trajectory[:, :N_TRAJECTORIES].transpose(0, 1).numpy())
        self.trajectory_ends.set_offsets(trajectory[-1, :N_TRAJECTORIES].numpy())
        self.end_points.set_offsets(trajectory[-1].numpy())

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        sampler = f"SDE, noise level {numbers['noise_level']:.1f}"
        if self.noise_level.value == 0:
            sampler = "the ODE, Euler"
        return (
            f"{sampler}, {numbers['nfe']} steps, velocity: {self.velocity.value}. "
            f"Sliced W2 from the end points to the truth {numbers['error']:.3f} "
            f"(exact samples {numbers['floor']:.3f})."
        )

    def run(self, velocity: str, noise_level: float, n_steps: int) -> tuple[Tensor, dict[str, float]]:
        """The trajectory and the numbers for one setting."""
        step = partial(sde_step, noise_level=noise_level, generator=generator(SEED + 2))
        trajectory, _ = run_sampler(step, self.velocities[velocity], self.x0, self.path, n_steps)
        numbers = {
            "noise_level": noise_level,
            "nfe": n_steps,
            "error": self.yardstick.error(trajectory[-1], n_directions=64),
            "floor": self.yardstick.floor,
        }
        return trajectory, numbers
