"""fmtutorial: learn flow matching by doing, with the exact answer beside every learned one.

The folders are the stages of the method, and a folder imports only from those above it:

distributions   what is generated: Gaussian mixtures, finite data sets, toy shapes
paths           along which way noise becomes data: schedules, and other libraries' conventions
exact           the truth to compare with: density, score, velocity, loss floor in closed form
problems        simulators with a known posterior: heat in a rod, a projectile
sampling        from noise to data: solvers, diffusion samplers, Langevin dynamics, guidance
metrics         judging: distances, likelihood, calibration
training        learning the velocity: networks, losses, couplings, the loop, the recipe `fit`
variants        the same idea elsewhere: jumps between tokens
plotting        showing: figures and small images
widgets         trying: interactive figures, one file each
checks          practising: the exercises, which check themselves

Each folder's names are imported from it, as in `from fmtutorial.sampling import midpoint_step`; the names for
your own code are also here. Nothing is loaded before it is first named.
"""

from fmtutorial import _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "distributions",
        "paths",
        "exact",
        "problems",
        "sampling",
        "metrics",
        "training",
        "variants",
        "plotting",
        "widgets",
        "checks",
    ],
    submod_attrs={
        "distributions": ["EmpiricalDistribution", "GaussianMixture", "standard_mixture"],
        "paths": ["CosinePath", "StraightPath", "VarianceExplodingPath", "VariancePreservingPath"],
        "sampling": ["integrate_flow"],
        "training": [
            "ConditionalVelocityNet",
            "FlowMatchingDataset",
            "VelocityNet",
            "cfm_loss",
            "fit",
            "pair_loss",
            "stable_cfm_loss",
            "train",
        ],
        "plotting": ["get_angle_colors"],
    },
)
