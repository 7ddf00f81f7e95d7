"""Showing: the course's figures, and small grey images as one large picture."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "colors": [
            "NOISE",
            "DATA",
            "LEARNED",
            "EXACT",
            "ANGLES",
            "get_angle_colors",
            "angle_key",
        ],
        "figures": [
            "LIMITS",
            "set_theme",
            "show",
            "grid",
            "plot_density",
            "square",
            "plot_samples",
            "plot_vector_field",
            "plot_trajectories",
            "plot_trajectory_panels",
            "plot_loss",
            "plot_error_vs_nfe",
            "plot_conditional_and_marginal",
        ],
        "images": ["INK", "mosaic", "plot_images"],
    },
)
