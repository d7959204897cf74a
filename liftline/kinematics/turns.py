"""Rotations as matrices, unit quaternions and Euler angles: the little of it that poses need, over many frames at once.

Matrices are (...,3,3), their columns the images of x, y and z; quaternions (...,4) are w, x, y, z. Euler angles are
BVH's usual ones: turned about z, then the new x, then the newest y, so R = Rz Rx Ry.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_TINY = 1e-12
EULER_SLACK_DEG = 25.0
"""By so much more than its rotation turns may a joint's Euler angle change from one frame to the next."""


def unit(vectors: Floats) -> Floats:
    """(...,3) of length 1; zero stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, _TINY), np.float64)


def frame(x: Floats, y: Floats) -> Floats:
    """(...,3) twice -> (...,3,3): its x is `x`, its y as near to `y` as that allows."""
    x = unit(x)
    z = unit(np.cross(x, y))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def shortest_turn(one: Floats, other: Floats) -> Floats:
    """(...,3) directions twice -> (...,3,3) the shortest rotation that takes one to the other.

    Opposite directions have many; which is then a fixed one.
    """
    one, other = np.broadcast_arrays(unit(one), unit(other))
    axis, cosine = np.cross(one, other), (one * other).sum(axis=-1)[..., None, None]
    skew = _skew(axis)
    turned = np.eye(3) + skew + skew @ skew / np.maximum(1 + cosine, _TINY)
    across = unit(np.cross(one, np.eye(3)[np.abs(one).argmin(axis=-1)]))
    half_turn = 2 * across[..., :, None] * across[..., None, :] - np.eye(3)
    return np.where(cosine < -1 + 1e-9, half_turn, turned)


def about(axis: Floats, angle: Floats) -> Floats:
    """(...,3) unit axes, (...,) radians -> (...,3,3)."""
    skew, angle = _skew(axis), angle[..., None, None]
    return np.asarray(np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * (skew @ skew), np.float64)


def _skew(axis: Floats) -> Floats:
    x, y, z = np.moveaxis(axis, -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def inverse(matrices: Floats) -> Floats:
    """(...,3,3) the other way round."""
    return np.swapaxes(matrices, -1, -2)


def quaternions(matrices: Floats) -> Floats:
    """(...,3,3) -> (...,4), w >= 0 (Bar-Itzhack, J. Guidance 23, 2000: the eigenvector of the nearest rotation)."""
    m = matrices
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    squares = np.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], axis=-1)
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 2, 0] + m[..., 0, 2], m[..., 2, 1] + m[..., 1, 2]
    rows = [[squares[..., 0], wx, wy, wz], [wx, squares[..., 1], xy, xz]]
    rows += [[wy, xy, squares[..., 2], yz], [wz, xz, yz, squares[..., 3]]]
    table = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    largest = squares.argmax(axis=-1)[..., None, None]
    chosen = np.take_along_axis(table, largest, axis=-2)[..., 0, :]
    chosen = chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
    return np.asarray(np.where(chosen[..., :1] < 0, -chosen, chosen), np.float64)


def matrices(quaternions_wxyz: Floats) -> Floats:
    """(...,4) unit quaternions -> (...,3,3)."""
    w, axis = quaternions_wxyz[..., :1, None], quaternions_wxyz[..., 1:]
    skew = _skew(axis)
    return np.asarray(np.eye(3) + 2 * w * skew + 2 * skew @ skew, np.float64)


def rotation_vector(quaternion_wxyz: Floats) -> Floats:
    """(4,) unit quaternion -> (3,) its axis, as long as its angle in radians (Rodrigues)."""
    sine = float(np.linalg.norm(quaternion_wxyz[1:]))
    return np.asarray(quaternion_wxyz[1:] / max(sine, _TINY) * 2 * np.arctan2(sine, quaternion_wxyz[0]), np.float64)


def continuous(quaternions_wxyz: Floats) -> Floats:
    """(T,...,4): the same rotations, each with the sign that is nearer to the frame before."""
    dots = (quaternions_wxyz[1:] * quaternions_wxyz[:-1]).sum(axis=-1)
    signs = np.cumprod(np.where(dots < 0, -1.0, 1.0), axis=0)
    out = quaternions_wxyz.copy()
    out[1:] *= signs[..., None]
    return out


def angles_between(one: Floats, other: Floats) -> Floats:
    """(...,4) unit quaternions twice -> (...,) degrees that turn one into the other, 0 to 180."""
    near = np.where((one * other).sum(axis=-1, keepdims=True) < 0, -other, other)
    half = np.arcsin(np.clip(np.linalg.norm(one - near, axis=-1) / 2, 0, 1))
    return np.asarray(np.degrees(4 * half), np.float64)


def interpolated(times_s: Floats, quaternions_wxyz: Floats, at_s: Floats) -> Floats:
    """(T,) rising times, (T,...,4) rotations, (N,) times within -> (N,...,4) along great circles (Shoemake, 1985)."""
    if len(times_s) == 1:
        return np.repeat(quaternions_wxyz, len(at_s), axis=0)
    after = np.clip(np.searchsorted(times_s, at_s, side="right"), 1, len(times_s) - 1)
    share = np.clip((at_s - times_s[after - 1]) / (times_s[after] - times_s[after - 1]), 0, 1)
    start, end = quaternions_wxyz[after - 1], quaternions_wxyz[after]
    share = share.reshape(-1, *[1] * (start.ndim - 1))
    dot = (start * end).sum(axis=-1, keepdims=True)
    end = np.where(dot < 0, -end, end)
    half = np.arccos(np.clip(np.abs(dot), 0, 1))
    sine = np.maximum(np.sin(half), _TINY)
    close = half < 1e-6
    from_start = np.where(close, 1 - share, np.sin((1 - share) * half) / sine)
    to_end = np.where(close, share, np.sin(share * half) / sine)
    mixed = from_start * start + to_end * end
    return continuous(mixed / np.linalg.norm(mixed, axis=-1, keepdims=True))


def of_euler(angles: Floats) -> Floats:
    """(...,3) radians about z, x, y -> (...,3,3)."""
    axes = np.eye(3)[[2, 0, 1]]
    z, x, y = (about(np.broadcast_to(axes[i], angles.shape), angles[..., i]) for i in range(3))
    return np.asarray(z @ x @ y, np.float64)


def continuous_euler(rotations: Floats) -> Floats:
    """(T,J,3,3) -> (T,J,3) degrees about z, x, y that change no faster than the rotation, but for `EULER_SLACK_DEG`.

    Where x is near 90 degrees z and y turn about nearly the same axis, and may have to exchange half a turn at once.
    There they lag behind for some frames, as near to the rotation as the limit lets them be, which is very near: what
    one has too much the other has too little.
    """
    out = np.zeros((*rotations.shape[:2], 3))
    if not len(out):
        return out
    turned = np.radians(angles_between(*(quaternions(part) for part in (rotations[:-1], rotations[1:]))))
    out[0] = _nearest(rotations[0], np.zeros_like(out[0]))
    for t in range(1, len(out)):
        out[t] = _nearest(rotations[t], out[t - 1])
        limit = turned[t - 1] + np.radians(EULER_SLACK_DEG)
        for joint in np.flatnonzero(np.abs(out[t] - out[t - 1]).max(axis=-1) > limit):
            out[t, joint] = _within(rotations[t, joint], out[t - 1, joint], float(limit[joint]))
    return np.degrees(out)


def _nearest(rotations: Floats, previous: Floats) -> Floats:
    """(J,3) exact radians, of the two ways to turn and all whole turns those nearest to `previous`."""
    x = np.arcsin(np.clip(rotations[:, 2, 1], -1, 1))
    z = np.arctan2(-rotations[:, 0, 1], rotations[:, 1, 1])
    y = np.arctan2(-rotations[:, 2, 0], rotations[:, 2, 2])
    ways = np.stack([np.stack([z, x, y], axis=-1), np.stack([z + np.pi, np.pi - x, y + np.pi], axis=-1)])
    ways += 2 * np.pi * np.round((previous - ways) / (2 * np.pi))
    best = np.abs(ways - previous).max(axis=-1).argmin(axis=0)
    return np.asarray(ways[best, np.arange(len(best))], np.float64)


def _within(rotation: Floats, previous: Floats, limit: float) -> Floats:
    """(3,) radians whose rotation is near to `rotation`, none farther than `limit` from `previous` (damped steps)."""
    angles = previous.copy()
    for _ in range(12):
        off = rotation_vector(quaternions(rotation @ inverse(of_euler(angles))))
        z, x = about(np.array([0.0, 0, 1]), angles[0]), about(np.array([1.0, 0, 0]), angles[1])
        axes = np.stack([np.array([0.0, 0, 1]), z[:, 0], (z @ x)[:, 1]], axis=-1)
        step = np.linalg.solve(axes.T @ axes + 1e-3 * np.eye(3), axes.T @ off)
        angles = previous + np.clip(angles + step - previous, -limit, limit)
    return np.asarray(angles, np.float64)
