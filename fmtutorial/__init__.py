"""fmtutorial: learn flow matching by doing, with the exact answer beside every learned one."""

from fmtutorial import (
    checkpoints,
    conventions,
    distributions,
    exact,
    langevin,
    metrics,
    models,
    paths,
    plotting,
    sampling,
    score_matching,
    solvers,
    toy_data,
    training,
    widgets,
    widgets_diffusion,
)
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.models import VelocityNet
from fmtutorial.paths import CosinePath, StraightPath, VarianceExplodingPath, VariancePreservingPath
from fmtutorial.plotting import get_angle_colors
from fmtutorial.solvers import integrate_flow
from fmtutorial.training import FlowMatchingDataset, cfm_loss, train

__version__ = "0.1.0"

__all__ = [
    "CosinePath",
    "EmpiricalDistribution",
    "FlowMatchingDataset",
    "GaussianMixture",
    "StraightPath",
    "VarianceExplodingPath",
    "VariancePreservingPath",
    "VelocityNet",
    "cfm_loss",
    "checkpoints",
    "conventions",
    "distributions",
    "exact",
    "get_angle_colors",
    "integrate_flow",
    "langevin",
    "metrics",
    "models",
    "paths",
    "plotting",
    "sampling",
    "score_matching",
    "solvers",
    "standard_mixture",
    "toy_data",
    "train",
    "training",
    "widgets",
    "widgets_diffusion",
]
