"""fmtutorial: learn flow matching by doing, with the exact answer beside every learned one."""

from fmtutorial import (
    calibration,
    checkpoints,
    distributions,
    exact,
    inverse_problems,
    langevin,
    metrics,
    models,
    objective,
    paths,
    plotting,
    projectile,
    score_matching,
    solvers,
    toy_data,
    training,
    widgets,
    widgets_design,
)
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.models import ConditionalVelocityNet, VelocityNet
from fmtutorial.paths import StraightPath
from fmtutorial.plotting import get_angle_colors
from fmtutorial.solvers import integrate_flow
from fmtutorial.training import FlowMatchingDataset, cfm_loss, fit, train

__version__ = "0.1.0"

__all__ = [
    "ConditionalVelocityNet",
    "EmpiricalDistribution",
    "FlowMatchingDataset",
    "GaussianMixture",
    "StraightPath",
    "VelocityNet",
    "calibration",
    "cfm_loss",
    "checkpoints",
    "distributions",
    "exact",
    "fit",
    "get_angle_colors",
    "integrate_flow",
    "inverse_problems",
    "langevin",
    "metrics",
    "models",
    "objective",
    "paths",
    "plotting",
    "projectile",
    "score_matching",
    "solvers",
    "standard_mixture",
    "toy_data",
    "train",
    "training",
    "widgets",
    "widgets_design",
]
