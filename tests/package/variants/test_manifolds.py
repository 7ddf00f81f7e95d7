"""Torus and sphere: exp and log are inverse, geodesics are shortest, transport turns vectors as it should."""

import math

import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st

from fmtutorial.variants import Sphere, Torus, tangent_frame, wrap

PI = math.pi
MANIFOLDS = [Torus(1), Torus(2), Torus(5), Sphere()]
each_manifold = pytest.mark.parametrize("manifold", MANIFOLDS, ids=str)
lengths = st.sampled_from([0.0, 1e-200, 1e-12, 1e-6, 0.1, 1.0, 3.0, PI - 1e-6])
NORTH = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64)
EAST = torch.tensor([[0.0, 1.0, 0.0]], dtype=torch.float64)


def points(manifold, n=20, seed=0):
    return manifold.uniform(n, seeded(seed), dtype=torch.float64)


def tangents(manifold, x, length=1.0, seed=9):
    """Random tangent vectors of one length (of a torus: no coordinate is longer)."""
    v = manifold.project(x, normal(len(x), manifold.n_columns, seed))
    return length * v / v.norm(dim=1, keepdim=True)


@given(turns=st.integers(-3, 3), angle=st.floats(-PI, PI))
def test_wrap_takes_whole_turns_off(turns, angle):
    wrapped = wrap(torch.tensor(angle + 2 * PI * turns, dtype=torch.float64))
    assert abs(float(wrapped)) <= PI + 1e-12
    assert abs(math.remainder(float(wrapped) - angle, 2 * PI)) < 1e-12


def test_wrap_at_the_seam():
    angles = torch.tensor([PI, -PI, 3 * PI, 3.0, -3.0, 4.0], dtype=torch.float64)
    expected = torch.tensor([PI, PI, PI, 3.0, -3.0, 4.0 - 2 * PI], dtype=torch.float64)
    torch.testing.assert_close(wrap(angles), expected)


@each_manifold
@given(length=lengths, seed=st.integers(0, 10**6))
def test_log_undoes_exp(manifold, length, seed):
    x = points(manifold, seed=seed)
    v = tangents(manifold, x, length, seed + 1)
    y = manifold.exp(x, v)
    manifold.check_points(y, "y")
    # near the cut locus log turns small errors of y into errors of the direction
    tolerance = 1e-12 if length < 3.1 else 1e-8
    torch.testing.assert_close(manifold.log(x, y), v, rtol=1e-9, atol=tolerance)
    torch.testing.assert_close(
        manifold.distance(x, y), torch.full((20,), length, dtype=torch.float64), rtol=1e-9, atol=1e-12
    )


@each_manifold
@given(seed=st.integers(0, 10**6))
def test_exp_undoes_log(manifold, seed):
    x, y = points(manifold, seed=seed), points(manifold, seed=seed + 1)
    v = manifold.log(x, y)
    assert manifold.distance(manifold.exp(x, v), y).max() < 1e-9
    torch.testing.assert_close(v.norm(dim=1), manifold.distance(x, y))
    torch.testing.assert_close(v, manifold.project(x, v))


@each_manifold
def test_at_no_distance_and_at_the_cut_locus_all_is_finite(manifold):
    x = points(manifold)
    assert torch.equal(manifold.log(x, x), torch.zeros_like(x))  # exactly, whatever the rounding of x . x
    torch.testing.assert_close(manifold.exp(x, torch.zeros_like(x)), x)
    torch.testing.assert_close(manifold.distance(x, x), torch.zeros(20, dtype=torch.float64))
    if isinstance(manifold, Torus):
        opposite = wrap(x + PI)
        farthest = PI * math.sqrt(manifold.dim)
    else:
        opposite = -x
        farthest = PI
    v = manifold.log(x, opposite)
    torch.testing.assert_close(v.norm(dim=1), torch.full((20,), farthest, dtype=torch.float64))
    assert manifold.distance(manifold.exp(x, v), opposite).max() < 1e-12
    assert manifold.transport(x, opposite, tangents(manifold, x)).isfinite().all()


@each_manifold
def test_a_geodesic_has_constant_speed_and_the_right_ends(manifold):
    x0, x1 = points(manifold, seed=1), points(manifold, seed=2)
    distance = manifold.distance(x0, x1)
    for t in (0.0, 0.3, 0.7, 1.0):
        x_t = manifold.geodesic(x0, x1, t)
        torch.testing.assert_close(manifold.distance(x0, x_t), t * distance, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(manifold.distance(x_t, x1), (1 - t) * distance, rtol=1e-9, atol=1e-9)
    column = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
    alone = [manifold.geodesic(x0[i : i + 1], x1[i : i + 1], float(column[i])) for i in range(20)]
    torch.testing.assert_close(manifold.geodesic(x0, x1, column), torch.cat(alone))


@each_manifold
def test_no_way_is_shorter_than_the_distance(manifold):
    x, y, z = (points(manifold, 200, seed) for seed in (1, 2, 3))
    assert (manifold.distance(x, y) <= manifold.distance(x, z) + manifold.distance(z, y) + 1e-12).all()
    torch.testing.assert_close(manifold.distance(x, y), manifold.distance(y, x))


def test_half_a_turn_on_the_torus_is_the_positive_way():
    x, y = torch.tensor([[0.5]]), torch.tensor([[0.5 - PI]])
    torch.testing.assert_close(Torus(1).log(x, y), torch.tensor([[PI]]))


def test_a_quarter_of_the_sphere_by_hand():
    torch.testing.assert_close(Sphere().exp(NORTH, PI / 2 * EAST), EAST)
    torch.testing.assert_close(Sphere().log(NORTH, EAST), PI / 2 * EAST)
    halfway = Sphere().geodesic(NORTH, EAST, 0.5)
    torch.testing.assert_close(halfway, (NORTH + EAST) / math.sqrt(2))
    # v along the way turns with it, v across stays
    torch.testing.assert_close(Sphere().transport(NORTH, EAST, EAST), -NORTH)
    across = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(Sphere().transport(NORTH, EAST, across), across)


@each_manifold
def test_transport_keeps_lengths_and_angles_and_comes_back(manifold):
    x, y = points(manifold, seed=4), points(manifold, seed=5)
    v, w = tangents(manifold, x, seed=6), tangents(manifold, x, seed=7)
    there_v, there_w = manifold.transport(x, y, v), manifold.transport(x, y, w)
    torch.testing.assert_close(manifold.project(y, there_v), there_v)
    torch.testing.assert_close((there_v * there_w).sum(1), (v * w).sum(1))
    torch.testing.assert_close(manifold.transport(y, x, there_v), v)
    # the direction of a geodesic is carried along it
    torch.testing.assert_close(manifold.transport(x, y, manifold.log(x, y)), -manifold.log(y, x))


def test_transport_solves_its_equation():
    """dv/ds = -(v . x') x along a curve: v turns only as much as the sphere makes it."""
    x, y = points(Sphere(), 5, 1), points(Sphere(), 5, 2)
    v = tangents(Sphere(), x)
    expected, n_steps = v, 4000
    for k in range(n_steps):
        a = Sphere().geodesic(x, y, k / n_steps)
        b = Sphere().geodesic(x, y, (k + 1) / n_steps)
        expected = Sphere().project(b, expected - (expected * (b - a)).sum(1, keepdim=True) * (a + b) / 2)
    torch.testing.assert_close(Sphere().transport(x, y, v), expected, rtol=1e-3, atol=1e-3)


def test_projection_leaves_the_tangent_part():
    x, v = points(Sphere()), normal(20, 3)
    tangent = Sphere().project(x, v)
    assert (tangent * x).sum(1).abs().max() < 1e-14
    torch.testing.assert_close(torch.linalg.cross(v - tangent, x), torch.zeros_like(x))


@each_manifold
def test_uniform_points_have_the_moments_of_the_uniform_law(manifold):
    n = 100_000
    x = manifold.uniform(n, seeded(3))
    manifold.check_points(x, "x")
    if isinstance(manifold, Torus):
        waves = torch.cat([x.cos(), x.sin(), (2 * x).cos(), (2 * x).sin(), (x / 2).sin()], dim=1)
        assert x.abs().max() <= PI + 1e-6
        assert (x.std(0) - PI / math.sqrt(3)).abs().max() < 0.02
    else:
        # means of x, of x_i x_j, and each coordinate uniform in (-1, 1) (Archimedes)
        waves = torch.cat([x, x * x.roll(1, 1), x.square() - 1 / 3, x.pow(4) - 1 / 5], dim=1)
    assert (waves.mean(0).abs() < 4.5 * waves.std(0) / math.sqrt(n)).all()


def test_many_steps_do_not_leave_the_sphere():
    x = Sphere().uniform(5, seeded(1))  # in single precision
    for k in range(1000):
        x = Sphere().exp(x, 0.3 * tangents(Sphere(), x.double(), seed=k).float())
    assert (x.norm(dim=1) - 1).abs().max() < 3e-7


def test_volumes():
    assert Torus(1).volume == 2 * PI and Torus(3).volume == (2 * PI) ** 3
    assert Sphere().volume == 4 * PI
    assert (Torus(3).n_columns, Sphere().n_columns, Sphere().dim) == (3, 3, 2)


def test_a_tangent_frame_is_orthonormal_everywhere():
    x = torch.cat([points(Sphere(), 100), NORTH, -NORTH, EAST])
    e1, e2 = tangent_frame(x)
    frames = torch.stack([x, e1, e2], dim=1)
    identity = torch.eye(3, dtype=torch.float64).expand(103, 3, 3)
    torch.testing.assert_close(frames @ frames.transpose(1, 2), identity)
    torch.testing.assert_close(torch.linalg.det(frames), torch.ones(103, dtype=torch.float64))


@each_manifold
def test_gradients_go_through_even_where_nothing_moves(manifold):
    x = points(manifold).requires_grad_()
    v = torch.zeros_like(x).requires_grad_()
    manifold.exp(x, v).sum().backward()
    assert x.grad.isfinite().all() and v.grad.isfinite().all()
