"""Draw README's picture: python tools/make_images.py."""

from pathlib import Path

import torch

from fmtutorial import StraightPath, exact, integrate_flow, standard_mixture
from fmtutorial.plotting import plot_trajectory_panels, set_theme

OUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "flow.png"


def main() -> None:
    """The exact flow of the standard mixture at six moments."""
    set_theme()
    mixture, path = standard_mixture(), StraightPath()
    x0 = torch.randn(1500, 2, generator=torch.Generator().manual_seed(0))
    trajectory, t = integrate_flow(exact.velocity_field(mixture, path), x0, n_steps=50, method="rk4")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    plot_trajectory_panels(trajectory, t, mixture, path).savefig(OUT, dpi=96)


if __name__ == "__main__":
    main()
