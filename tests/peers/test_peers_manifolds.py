"""Chapter 14 beside facebook's flow_matching: the same exp, log, projection, geodesic and target."""

import math

import pytest
import torch
from helpers import normal, seeded

from fmtutorial.variants import Sphere, Torus, integrate_on, wrap

pytestmark = pytest.mark.peers


@pytest.fixture
def their():
    return pytest.importorskip("flow_matching.utils.manifolds")


def pairs(their):
    """(ours, theirs)"""
    return [(Torus(2), their.FlatTorus()), (Sphere(), their.Sphere())]


def points(manifold, seed):
    return manifold.uniform(200, seeded(seed), dtype=torch.float64)


def close(manifold, x, y, tolerance=1e-7):
    """Are they the same points? Their torus has its angles in [0, 2 pi)."""
    gap = wrap(x - y) if isinstance(manifold, Torus) else x - y
    assert gap.abs().max() < tolerance


def test_exp_log_and_projection_are_the_same(their):
    for ours, theirs in pairs(their):
        x, y = points(ours, 1), points(ours, 2)
        v = ours.project(x, normal(200, ours.n_columns))
        torch.testing.assert_close(v, theirs.proju(x, normal(200, ours.n_columns)))
        close(ours, ours.exp(x, v), theirs.expmap(x, v))
        torch.testing.assert_close(ours.log(x, y), theirs.logmap(x, y))
        # and where nothing moves
        close(ours, ours.exp(x, 0 * v), theirs.expmap(x, 0 * v))
        torch.testing.assert_close(ours.log(x, x), theirs.logmap(x, x), rtol=0, atol=1e-7)


def test_the_distance_is_the_same(their):
    x, y = points(Sphere(), 1), points(Sphere(), 2)
    torch.testing.assert_close(Sphere().distance(x, y), their.Sphere().dist(x, y))


def test_geodesics_are_the_same(their):
    for ours, theirs in pairs(their):
        x0, x1 = points(ours, 1), points(ours, 2)
        way = their.geodesic(theirs, x0, x1)(torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64))
        for k, t in enumerate((0.0, 0.3, 1.0)):
            close(ours, ours.geodesic(x0, x1, t), way[:, k])


def test_the_point_and_the_target_are_the_same(their):
    path = pytest.importorskip("flow_matching.path")
    scheduler = pytest.importorskip("flow_matching.path.scheduler")
    t = torch.linspace(0.01, 0.99, 200, dtype=torch.float64)
    for ours, theirs in pairs(their):
        x0, x1 = points(ours, 1), points(ours, 2)
        geodesic_path = path.GeodesicProbPath(scheduler=scheduler.CondOTScheduler(), manifold=theirs)
        sample = geodesic_path.sample(x_0=x0, x_1=x1, t=t)
        x_t = ours.geodesic(x0, x1, t)
        close(ours, x_t, sample.x_t)
        target = ours.log(x_t, x1) / (1 - t[:, None])
        torch.testing.assert_close(target, sample.dx_t, rtol=1e-6, atol=1e-6)


def spin(x, t):
    axis = torch.tensor([0.0, 0.0, 1.0], dtype=x.dtype)
    return (1 + t) * torch.linalg.cross(axis.expand_as(x), x)


def test_many_steps_end_where_their_solver_ends(their):
    """Theirs steps in space and normalises: another method of the same order, the same limit."""
    solver = pytest.importorskip("flow_matching.solver")
    x = points(Sphere(), 1)
    theirs = solver.RiemannianODESolver(their.Sphere(), lambda x, t, **extras: spin(x, t))
    gaps = []
    for n_steps in (50, 100):
        ends = theirs.sample(x, step_size=1 / n_steps, method="midpoint")
        gaps.append(float(Sphere().distance(ends, integrate_on(Sphere(), spin, x, n_steps)[0][-1]).max()))
    assert gaps[0] < 1e-3 and 1.8 < math.log2(gaps[0] / gaps[1]) < 2.2
