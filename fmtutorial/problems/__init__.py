"""Simulators with a known answer: inverse problems whose posterior can be computed."""

from fmtutorial import _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "linear_gaussian": ["MixturePosterior", "linear_posterior"],
        "heat_rod": ["heat_matrix", "HeatRod"],
        "projectile": ["GRAVITY", "flight", "landing", "Projectile", "GridPosterior"],
        "lattice": ["collide", "equilibrium", "moments", "stream"],
        "wake": ["Wake", "airfoil"],
        "wake_data": ["wake_snapshots", "wake_solid"],
    },
)
