"""fmtutorial: learn flow matching by doing, with the exact answer beside every learned one."""

from fmtutorial import (
    checkpoints,
    conventions,
    distributions,
    exact,
    langevin,
    metrics,
    models,
    objective,
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
from fmtutorial.models import ConditionalVelocityNet, VelocityNet
from fmtutorial.paths import CosinePath, StraightPath, VarianceExplodingPath, VariancePreservingPath
from fmtutorial.plotting import get_angle_colors
from fmtutorial.solvers import integrate_flow
from fmtutorial.training import FlowMatchingDataset, cfm_loss, fit, train

__version__ = "0.1.0"

__all__ = [
    "ConditionalVelocityNet",
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
    "fit",
    "get_angle_colors",
    "integrate_flow",
    "langevin",
    "metrics",
    "models",
    "objective",
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
