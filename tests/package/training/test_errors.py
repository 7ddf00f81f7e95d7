"""Wrong arguments of training and its parts: the error names it, what came and what is allowed."""

import pytest
import torch
from helpers import (
    BY_LABEL,
    BY_NUMBERS,
    FLOAT_POINTS,
    IDENTITY,
    LABELS,
    MIXTURE,
    NETWORK,
    NOT_NUMBERS,
    PATH,
    POINTS,
    Case,
    check_error,
    normal,
)

from fmtutorial import (
    ConditionalVelocityNet,
    FlowMatchingDataset,
    VelocityNet,
    cfm_loss,
    fit,
    train,
)
from fmtutorial.exact import dsm_floor
from fmtutorial.training import (
    dsm_loss,
    gaussian_ot,
    minibatch_ot,
    ot_permutation,
    reflow_pairs,
    sinkhorn_plan,
)


def call_train(**options):
    """Train the shared network on the shared points, with some options changed."""
    x1 = options.pop("x1", FLOAT_POINTS)
    path = options.pop("path", PATH)
    return train(NETWORK, x1, path, progress=False, **options)


CASES = [
    Case(
        "VelocityNet hidden_dim=0", lambda: VelocityNet(hidden_dim=0), ValueError, "hidden_dim at least 1 0"
    ),
    Case("VelocityNet time_dim=1.5", lambda: VelocityNet(time_dim=1.5), TypeError, "time_dim integer float"),
    Case(
        "VelocityNet x of shape (5, 3)",
        lambda: NETWORK(normal(5, 3).float(), 0.5),
        ValueError,
        "x (n, 2) (5, 3)",
    ),
    Case(
        "VelocityNet t of shape (3,)",
        lambda: NETWORK(FLOAT_POINTS, torch.zeros(3)),
        ValueError,
        "t scalar (5,) (3,)",
    ),
    Case(
        "cfm_loss model of one column",
        lambda: cfm_loss(lambda x, t: x[:, :1], POINTS, PATH),
        ValueError,
        "model (5, 2) (5, 1)",
    ),
    Case(
        "dsm_loss model of no columns",
        lambda: dsm_loss(lambda x: x.sum(1), POINTS, 0.5),
        ValueError,
        "model (5, 2) (5,)",
    ),
    Case("dsm_floor sigma=0.0", lambda: dsm_floor(MIXTURE, 0.0), ValueError, "sigma (0.0, inf] 0.0"),
    Case(
        "FlowMatchingDataset n_samples=0",
        lambda: FlowMatchingDataset(MIXTURE, n_samples=0),
        ValueError,
        "n_samples at least 1 0",
    ),
    Case(
        "FlowMatchingDataset sigma_min=1.0",
        lambda: FlowMatchingDataset(MIXTURE, sigma_min=1.0),
        ValueError,
        "sigma_min [0.0, 1.0) 1.0",
    ),
    Case(
        "train neither n_steps nor n_epochs",
        lambda: call_train(),
        ValueError,
        "n_steps n_epochs exactly one None",
    ),
    Case(
        "train n_steps and n_epochs",
        lambda: call_train(n_steps=1, n_epochs=1),
        ValueError,
        "n_steps n_epochs exactly one",
    ),
    Case("train n_steps=0", lambda: call_train(n_steps=0), ValueError, "n_steps at least 1 0"),
    Case("train n_steps=1.5", lambda: call_train(n_steps=1.5), TypeError, "n_steps integer float"),
    Case(
        "train n_epochs of a distribution",
        lambda: call_train(x1=MIXTURE, n_epochs=1),
        ValueError,
        "n_epochs n_steps tensor",
    ),
    Case("train x1=NaN", lambda: call_train(x1=NOT_NUMBERS, n_steps=1), ValueError, "x1 finite"),
    Case("train x1=0 points", lambda: call_train(x1=POINTS[:0], n_steps=1), ValueError, "x1 at least one"),
    Case("train x1=[1.0], n_steps=1", lambda: call_train(x1=[1.0], n_steps=1), TypeError, "x1 .sample list"),
    Case(
        "train path='straight', n_steps=1",
        lambda: call_train(path="straight", n_steps=1),
        TypeError,
        "path StraightPath str",
    ),
    Case(
        "train n_steps=1, batch_size=0",
        lambda: call_train(n_steps=1, batch_size=0),
        ValueError,
        "batch_size at least 1 0",
    ),
    Case("train n_steps=1, lr=0.0", lambda: call_train(n_steps=1, lr=0.0), ValueError, "lr (0.0, inf] 0.0"),
    Case(
        "train n_steps=1, schedule='linear'",
        lambda: call_train(n_steps=1, schedule="linear"),
        ValueError,
        "schedule 'constant' 'cosine' 'linear'",
    ),
    Case(
        "train n_steps=1, ema=1.0", lambda: call_train(n_steps=1, ema=1.0), ValueError, "ema [0.0, 1.0) 1.0"
    ),
    Case(
        "train n_steps=1, callback_every=0",
        lambda: call_train(n_steps=1, callback_every=0),
        ValueError,
        "callback_every at least 1 0",
    ),
    Case(
        "train x1=5 points, 3 labels",
        lambda: call_train(x1=(FLOAT_POINTS, LABELS[:3]), n_steps=1),
        ValueError,
        "x1 equal length [5, 3]",
    ),
    Case(
        "train labels=list",
        lambda: call_train(x1=(FLOAT_POINTS, [1]), n_steps=1),
        TypeError,
        "x1 tuple of tensors",
    ),
    Case("fit data=[1.0]", lambda: fit([1.0]), TypeError, "data .sample list"),
    Case(
        "fit condition for a distribution",
        lambda: fit(MIXTURE, condition=LABELS),
        TypeError,
        "condition tensor GaussianMixture",
    ),
    Case(
        "fit condition=3 labels",
        lambda: fit(FLOAT_POINTS, condition=LABELS[:3]),
        ValueError,
        "data equal length [5, 3]",
    ),
    Case(
        "fit condition of shape (5,) of floats",
        lambda: fit(FLOAT_POINTS, condition=POINTS[:, 0]),
        ValueError,
        "condition (N,) (N, c) (5,)",
    ),
    Case(
        "fit condition=label -1",
        lambda: fit(FLOAT_POINTS, condition=LABELS - 1, model=BY_LABEL),
        ValueError,
        "y classes from 0 to 2 -1 to 1",
    ),
    Case(
        "fit condition_dropout=1.0",
        lambda: fit(FLOAT_POINTS, condition_dropout=1.0),
        ValueError,
        "condition_dropout [0.0, 1.0) 1.0",
    ),
    Case(
        "fit standardize='whiten'",
        lambda: fit((FLOAT_POINTS, FLOAT_POINTS), standardize="whiten"),
        ValueError,
        "standardize True False residuals whiten",
    ),
    Case(
        "fit standardize='residuals' without conditions",
        lambda: fit(FLOAT_POINTS, standardize="residuals"),
        ValueError,
        "standardize residuals conditions numbers",
    ),
    Case(
        "fit standardize='residuals' with labels",
        lambda: fit(FLOAT_POINTS, condition=LABELS, standardize="residuals"),
        ValueError,
        "standardize residuals conditions numbers",
    ),
    Case(
        "fit standardize='residuals' and condition_dropout=0.1",
        lambda: fit((FLOAT_POINTS, FLOAT_POINTS), standardize="residuals", condition_dropout=0.1),
        ValueError,
        "condition_dropout 0 residuals 0.1",
    ),
    Case("fit n_steps=0", lambda: fit(FLOAT_POINTS, n_steps=0), ValueError, "n_steps at least 1 0"),
    Case(
        "ConditionalVelocityNet neither n_classes nor condition_dim",
        lambda: ConditionalVelocityNet(2),
        ValueError,
        "exactly one n_classes condition_dim None",
    ),
    Case(
        "ConditionalVelocityNet n_classes=0",
        lambda: ConditionalVelocityNet(2, n_classes=0),
        ValueError,
        "n_classes at least 1 0",
    ),
    Case(
        "ConditionalVelocityNet n_classes=2, n_blocks=1.5",
        lambda: ConditionalVelocityNet(2, n_classes=2, n_blocks=1.5),
        TypeError,
        "n_blocks integer float",
    ),
    Case(
        "ConditionalVelocityNet y=3 labels",
        lambda: BY_LABEL(FLOAT_POINTS, 0.5, LABELS[:3]),
        ValueError,
        "y (5,) (3,)",
    ),
    Case(
        "ConditionalVelocityNet y of floats",
        lambda: BY_LABEL(FLOAT_POINTS, 0.5, FLOAT_POINTS),
        TypeError,
        "y integer float32",
    ),
    Case(
        "ConditionalVelocityNet y=list",
        lambda: BY_LABEL(FLOAT_POINTS, 0.5, [0] * 5),
        TypeError,
        "y torch.Tensor (5,) list",
    ),
    Case(
        "ConditionalVelocityNet y missing",
        lambda: BY_NUMBERS(FLOAT_POINTS, 0.5),
        ValueError,
        "y missing unconditional=False",
    ),
    Case(
        "ConditionalVelocityNet y of integers",
        lambda: BY_NUMBERS(FLOAT_POINTS, 0.5, LABELS),
        TypeError,
        "y floating-point int64",
    ),
    Case(
        "ConditionalVelocityNet y of shape (5, 1)",
        lambda: BY_NUMBERS(FLOAT_POINTS, 0.5, POINTS[:, :1].float()),
        ValueError,
        "y (5, 2) (5, 1)",
    ),
    Case(
        "ot_permutation x1=3 points",
        lambda: ot_permutation(POINTS, POINTS[:3]),
        ValueError,
        "x0 x1 same shape (5, 2) (3, 2)",
    ),
    Case(
        "ot_permutation x0=array",
        lambda: ot_permutation(POINTS.numpy(), POINTS),
        TypeError,
        "x0 Tensor ndarray",
    ),
    Case("minibatch_ot x1=NaN", lambda: minibatch_ot(POINTS, NOT_NUMBERS), ValueError, "x1 finite"),
    Case(
        "sinkhorn_plan epsilon=0.0",
        lambda: sinkhorn_plan(POINTS, POINTS, 0.0),
        ValueError,
        "epsilon (0.0, inf] 0.0",
    ),
    Case(
        "sinkhorn_plan max_iterations=0",
        lambda: sinkhorn_plan(POINTS, POINTS, 1.0, max_iterations=0),
        ValueError,
        "max_iterations at least 1 0",
    ),
    Case(
        "sinkhorn_plan tolerance=-1",
        lambda: sinkhorn_plan(POINTS, POINTS, 1.0, tolerance=-1),
        ValueError,
        "tolerance (0.0, inf] -1",
    ),
    Case(
        "sinkhorn_plan epsilon too small to converge",
        lambda: sinkhorn_plan(POINTS, 9 * POINTS, 1e-4, max_iterations=2),
        RuntimeError,
        "epsilon 0.0001 larger",
    ),
    Case(
        "gaussian_ot cov1=[[1.0]]",
        lambda: gaussian_ot(POINTS[0], IDENTITY, POINTS[0], [[1.0]]),
        ValueError,
        "mean1 cov1 (d, d) (2,) (1, 1)",
    ),
    Case(
        "gaussian_ot cov0 indefinite",
        lambda: gaussian_ot(POINTS[0], [[1.0, 2.0], [2.0, 1.0]], POINTS[0], IDENTITY),
        ValueError,
        "cov0 positive definite",
    ),
    Case(
        "gaussian_ot mean1=NaN",
        lambda: gaussian_ot(POINTS[0], IDENTITY, NOT_NUMBERS[0], IDENTITY),
        ValueError,
        "mean1 finite",
    ),
    Case(
        "gaussian_ot means of two dimensions",
        lambda: gaussian_ot(POINTS[0], IDENTITY, [0.0], [[1.0]]),
        ValueError,
        "mean0 mean1 same shape (2,) (1,)",
    ),
    Case("reflow_pairs n=0", lambda: reflow_pairs(NETWORK, 0, 2), ValueError, "n at least 1 0"),
    Case("reflow_pairs dim=2.0", lambda: reflow_pairs(NETWORK, 5, 2.0), TypeError, "dim integer float"),
    Case(
        "reflow_pairs batch_size=0",
        lambda: reflow_pairs(NETWORK, 5, 2, batch_size=0),
        ValueError,
        "batch_size at least 1 0",
    ),
    Case(
        "reflow_pairs n_steps=0",
        lambda: reflow_pairs(NETWORK, 5, 2, n_steps=0),
        ValueError,
        "n_steps at least 1 0",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_wrong_argument_is_named(case):
    check_error(case)
