"""Interactive figure: what the number of solver steps does."""

import ipywidgets
import torch
from matplotlib.collections import LineCollection
from torch import Tensor

from fmtutorial import exact, plotting
from fmtutorial._types import Velocity
from fmtutorial.distributions import GaussianMixture, standard_mixture
from fmtutorial.paths import AffineGaussianPath, StraightPath
from fmtutorial.sampling import CountEvaluations, integrate_flow, starting_noise
from fmtutorial.widgets.explorer import (
    Explorer,
    Yardstick,
    choice,
    control,
    density_image,
    panels,
    rms_gap,
    show_density,
)

N_TRAJECTORIES = 60  # trajectories drawn


def step_count_explorer(
    model: Velocity | None = None,
    mixture: GaussianMixture | None = None,
    path: AffineGaussianPath | None = None,
    n_samples: int = 500,
) -> "StepCountExplorer":
    """Controls for the number of steps, t, the solver and the velocity (exact, or `model` if it is given).

    `numbers`: nfe, error (sliced W2 of the end points to the truth), floor (the same for exact samples) and
    gap (rms distance of the end points from those of the exact flow).
    """
    return StepCountExplorer(model, mixture or standard_mixture(), path or StraightPath(), n_samples)


class StepCountExplorer(Explorer):
    """Two panels for one number of steps: whole trajectories, and all points at time t over the exact p_t.

    `velocities` holds what can be chosen, by name. Artists: `trajectory_lines`, `trajectory_points`,
    `density` and `points`.
    """

    def __init__(
        self, model: Velocity | None, mixture: GaussianMixture, path: AffineGaussianPath, n_samples: int
    ):
        self.mixture = mixture
        self.path = path
        self.yardstick = Yardstick(mixture, n_samples)
        self.velocities = {"exact": exact.velocity_field(mixture, path)}
        if model:
            self.velocities["trained"] = model
        self.x0 = x0 = starting_noise(path, self.yardstick.x0)
        well_solved, _ = integrate_flow(self.velocities["exact"], x0, n_steps=50, method="rk4")
        self.ideal_end = well_solved[-1]
        # the artists that move, over the truth's contours
        figure, axes = panels(["trajectories", "samples at time $t$ over the exact $p_t$"])
        plotting.plot_density(mixture.log_prob, axes[0], fill=False)
        plotting.square(axes[0])
        plotting.angle_key(axes[0])
        colors = plotting.get_angle_colors(x0)
        few = colors[:N_TRAJECTORIES]
        lines = LineCollection([], colors=few, lw=0.9, alpha=0.9)
        self.trajectory_lines = axes[0].add_collection(lines)
        self.trajectory_points = axes[0].scatter(*x0[:N_TRAJECTORIES].T, c=few, s=12, zorder=3)
        self.density = density_image(axes[1])
        self.points = axes[1].scatter(*x0.T, c=colors, s=7, linewidths=0, zorder=3)
        moving = [self.trajectory_lines, self.trajectory_points, self.density, self.points]
        # the controls
        controls = {
            "n_steps": control(ipywidgets.IntSlider, "steps", value=8, min=1, max=64),
            "t": control(ipywidgets.FloatSlider, "time t", value=1.0, min=0.0, max=1.0, step=0.02),
            "method": choice("solver", ["euler", "midpoint", "rk4"]),
            "velocity": choice("velocity", list(self.velocities)),
        }
        super().__init__(figure, moving, controls)

    def update(self) -> None:
        """Redraw both panels for the values of the steps, t, the solver and the velocity."""
        t = torch.tensor(self.t.value)
        trajectory, self.numbers = self.run_for(self.velocity.value, self.method.value, self.n_steps.value)
        x_t = interpolate(trajectory, self.t.value)
        self.trajectory_lines.set_segments(trajectory[:, :N_TRAJECTORIES].transpose(0, 1).numpy())
        self.trajectory_points.set_offsets(x_t[:N_TRAJECTORIES].numpy())
        self.points.set_offsets(x_t.numpy())
        show_density(self.density, self.mixture, self.path, t)

    def describe(self) -> str:
        """The settings and the numbers in words."""
        numbers = self.numbers
        return (
            f"{self.method.value}, {self.n_steps.value} steps, {self.velocity.value} velocity, "
            f"t = {self.t.value:.2f}: {numbers['nfe']} function evaluations. "
            f"Sliced W2 from the end points to the truth {numbers['error']:.3f} "
            f"(exact samples {numbers['floor']:.3f}); "
            f"rms distance to the exact flow's end points {numbers['gap']:.4f}."
        )

    def run(self, velocity: str, method: str, n_steps: int) -> tuple[Tensor, dict[str, float]]:
        """The trajectory and the numbers: they do not depend on t."""
        counted = CountEvaluations(self.velocities[velocity])
        trajectory, _ = integrate_flow(counted, self.x0, n_steps=n_steps, method=method)
        numbers = {
            "nfe": counted.nfe,
            "error": self.yardstick.error(trajectory[-1]),
            "floor": self.yardstick.floor,
            "gap": rms_gap(trajectory[-1], self.ideal_end),
        }
        return trajectory, numbers


def interpolate(trajectory: Tensor, t: float) -> Tensor:
    """The points at time t on straight segments between the equally spaced states of a trajectory."""
    position = t * (len(trajectory) - 1)
    i = min(int(position), len(trajectory) - 2)
    return torch.lerp(trajectory[i], trajectory[i + 1], position - i)
