"""Rotations: against scipy's, at no angle, at half a turn and in between."""

import math

import pytest
import torch
from helpers import normal, seeded
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from fmtutorial.variants import rotation_exp, rotation_log

PI = math.pi
angles = st.sampled_from([0.0, 1e-200, 1e-9, 1e-4, 0.5, 2.0, PI - 1e-4, PI - 1e-9, PI])


def vectors(angle, n=30, seed=0):
    axes = normal(n, 3, seed)
    return angle * axes / axes.norm(dim=1, keepdim=True)


@given(angle=angles, seed=st.integers(0, 10**6))
def test_exp_and_log_are_scipys(angle, seed):
    omega = vectors(angle, seed=seed)
    theirs = Rotation.from_rotvec(omega.numpy())
    matrix = rotation_exp(omega)
    torch.testing.assert_close(matrix, torch.as_tensor(theirs.as_matrix()), rtol=0, atol=1e-14)
    back = rotation_log(matrix)
    torch.testing.assert_close(
        back.norm(dim=1), torch.full((30,), angle, dtype=torch.float64), rtol=1e-9, atol=1e-12
    )
    # at half a turn the axis may point either way; rounding decides
    same = (back - omega).norm(dim=1) < 1e-7
    other_way = (back + omega).norm(dim=1) < 1e-7
    assert (same | (other_way & (angle > PI - 1e-8))).all()


def test_log_of_scipys_random_rotations():
    theirs = Rotation.random(500, rng=1)
    omega = rotation_log(torch.as_tensor(theirs.as_matrix()))
    torch.testing.assert_close(omega, torch.as_tensor(theirs.as_rotvec()))
    torch.testing.assert_close(rotation_exp(omega), torch.as_tensor(theirs.as_matrix()))


def test_more_than_half_a_turn_comes_back_the_other_way():
    omega = vectors(PI + 0.5)
    torch.testing.assert_close(rotation_log(rotation_exp(omega)), vectors(PI + 0.5) - vectors(2 * PI))


def test_a_quarter_turn_by_hand():
    about_z = torch.tensor([[0.0, 0.0, PI / 2]])
    expected = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    torch.testing.assert_close(rotation_exp(about_z), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(rotation_log(expected), about_z)


def test_exp_is_a_rotation_and_turns_of_one_axis_add_up():
    omega = normal(20, 3)
    r = rotation_exp(omega)
    identity = torch.eye(3, dtype=torch.float64).expand(20, 3, 3)
    torch.testing.assert_close(r @ r.transpose(1, 2), identity)
    torch.testing.assert_close(torch.linalg.det(r), torch.ones(20, dtype=torch.float64))
    torch.testing.assert_close(rotation_exp(0.3 * omega) @ rotation_exp(0.7 * omega), r)
    # the matrix exponential of y -> omega x y, whose columns are the images of the axes
    cross = torch.linalg.cross(omega[:, None], identity).transpose(1, 2)
    torch.testing.assert_close(r, torch.linalg.matrix_exp(cross))


@pytest.mark.parametrize("axis", range(3))
def test_half_a_turn_about_each_axis(axis):
    omega = torch.zeros(1, 3, dtype=torch.float64)
    omega[0, axis] = PI
    matrix = rotation_exp(omega).round()
    torch.testing.assert_close(rotation_log(matrix).abs(), omega)


def test_dtype_and_gradients():
    omega = torch.zeros(4, 3).requires_grad_()
    rotation_exp(omega).sum().backward()
    assert omega.grad.isfinite().all()
    assert rotation_log(rotation_exp(torch.rand(4, 3, generator=seeded()))).dtype == torch.float32
