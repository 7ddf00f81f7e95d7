"""Rotations of space, SO(3): exp and log between rotation vectors and rotation matrices.

A rotation vector omega (3,) has the axis as its direction and the angle, in radians, as its length.
"""

import math

import torch
from torch import Tensor

from fmtutorial import _validate


def rotation_exp(omega: Tensor) -> Tensor:
    """The matrices (n, 3, 3) of rotation vectors omega (n, 3), by Rodrigues' formula, with a = |omega|.

    R = I + sin(a)/a K + (1 - cos(a))/a^2 K^2, where K y = omega x y.
    """
    omega = _validate.points(omega, "omega", 3)
    angle = omega.norm(dim=1)[:, None, None]
    k = _cross_matrix(omega)
    identity = torch.eye(3, dtype=omega.dtype, device=omega.device)
    half_sinc = torch.sinc(angle / (2 * math.pi))  # sin(a/2) / (a/2), and 1 at a = 0
    return identity + torch.sinc(angle / math.pi) * k + 0.5 * half_sinc.square() * k @ k


def rotation_log(rotation: Tensor) -> Tensor:
    """The rotation vectors (n, 3), of length at most pi, of rotation matrices (n, 3, 3).

    By way of the unit quaternion (cos(a/2), sin(a/2) axis), which is well determined at every angle a. At
    half a turn both directions of the axis are right, and it is one of them.
    """
    rotation = _checked_rotation(rotation)
    q = _quaternion(rotation)
    sine = q[:, 1:].norm(dim=1, keepdim=True)  # sin(a/2)
    angle = 2 * torch.atan2(sine, q[:, :1])
    factor = torch.where(sine > 0, angle / sine, 2 * torch.ones_like(sine))
    return factor * q[:, 1:]


def _cross_matrix(omega: Tensor) -> Tensor:
    """The matrices K with K y = omega x y, (n, 3, 3)."""
    x, y, z = omega.unbind(1)
    zero = torch.zeros_like(x)
    rows = [zero, -z, y, z, zero, -x, -y, x, zero]
    return torch.stack(rows, dim=1).reshape(-1, 3, 3)


def _quaternion(rotation: Tensor) -> Tensor:
    """Unit quaternions (n, 4), first component at least 0.

    4 q q^T is linear in R: its longest row is 4 q times the largest component (Shepperd 1978).
    """
    r = rotation.flatten(1).unbind(1)  # r[3 i + j] is R_ij
    rows = [
        [1 + r[0] + r[4] + r[8], r[7] - r[5], r[2] - r[6], r[3] - r[1]],
        [r[7] - r[5], 1 + r[0] - r[4] - r[8], r[1] + r[3], r[2] + r[6]],
        [r[2] - r[6], r[1] + r[3], 1 - r[0] + r[4] - r[8], r[5] + r[7]],
        [r[3] - r[1], r[2] + r[6], r[5] + r[7], 1 - r[0] - r[4] + r[8]],
    ]
    outer = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)  # 4 q q^T, (n, 4, 4)
    longest = outer.diagonal(dim1=1, dim2=2).argmax(1)
    q = outer[torch.arange(len(outer), device=outer.device), longest]
    q = q / q.norm(dim=1, keepdim=True)
    return torch.where(q[:, :1] < 0, -q, q)


def _checked_rotation(rotation: Tensor) -> Tensor:
    """Return `rotation` if it holds rotation matrices, to 1e-3: R R^T = I with the determinant 1."""
    if not isinstance(rotation, Tensor) or not rotation.is_floating_point():
        kind = f"{rotation.dtype}" if isinstance(rotation, Tensor) else type(rotation).__name__
        raise TypeError(f"rotation must be a floating-point torch.Tensor of shape (n, 3, 3), got {kind}")
    if rotation.ndim != 3 or rotation.shape[1:] != (3, 3):
        raise ValueError(f"rotation must have the shape (n, 3, 3), got {tuple(rotation.shape)}")
    _validate.finite(rotation, "rotation")
    identity = torch.eye(3, dtype=rotation.dtype, device=rotation.device)
    gap = (rotation @ rotation.transpose(1, 2) - identity).abs().amax((1, 2))
    is_rotation = (gap < 1e-3) & (torch.linalg.det(rotation) > 0)
    if not bool(is_rotation.all()):
        row = int((~is_rotation).nonzero()[0])
        raise ValueError(
            f"rotation must hold matrices with R R^T = I and the determinant 1, got rotation[{row}] = "
            f"{rotation[row].tolist()}"
        )
    return rotation
