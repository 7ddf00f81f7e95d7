"""The truth to compare with: density, score, velocity and loss floors in closed form."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
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
