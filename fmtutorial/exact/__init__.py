"""The truth to compare with: density, score, velocity and loss floors in closed form."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "marginal": [
            "marginal_log_prob",
            "marginal_score",
            "marginal_velocity",
            "velocity_field",
            "score_field",
        ],
        "floors": ["loss_floor", "dsm_floor"],
    },
)
