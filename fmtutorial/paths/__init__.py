"""Along which way: the paths from noise to data, and the conventions that describe them."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "affine": ["AffineGaussianPath"],
        "schedules": ["StraightPath", "CosinePath", "VariancePreservingPath", "VarianceExplodingPath"],
        "conventions": [
            "KINDS",
            "velocity_to_score",
            "score_to_velocity",
            "noise_and_data",
            "convert",
            "convert_unchecked",
            "converted_model",
            "move_to_path",
            "velocity_on_path",
        ],
        "libraries": ["Convention", "CONVENTIONS", "from_library", "to_library"],
    },
)
