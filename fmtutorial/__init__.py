"""fmtutorial: learn flow matching by doing, with the exact answer beside every learned one."""

from fmtutorial import (
    calibration,
    checkpoints,
    couplings,
    distributions,
    exact,
    guidance,
    images,
    inverse_problems,
    langevin,
    likelihood,
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
    widgets_likelihood,
    widgets_couplings,
    widgets_guidance,
    widgets_design,
)
from fmtutorial.distributions import EmpiricalDistribution, GaussianMixture, standard_mixture
from fmtutorial.models import ConditionalVelocityNet, VelocityNet
from fmtutorial.paths import StraightPath
from fmtutorial.plotting import get_angle_colors
from fmtutorial.solvers import integrate_flow
from fmtutorial.training import FlowMatchingDataset, cfm_loss, fit, pair_loss, stable_cfm_loss, train

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
    "couplings",
    "distributions",
    "exact",
    "fit",
    "get_angle_colors",
    "guidance",
    "images",
    "integrate_flow",
    "inverse_problems",
    "langevin",
    "likelihood",
    "metrics",
    "models",
    "objective",
    "pair_loss",
    "paths",
    "plotting",
    "projectile",
    "score_matching",
    "solvers",
    "stable_cfm_loss",
    "standard_mixture",
    "toy_data",
    "train",
    "training",
    "widgets",
    "widgets_likelihood",
    "widgets_couplings",
    "widgets_guidance",
    "widgets_design",
]
