"""Rotations in their forms are the same rotation, and change as little as they can."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.kinematics.turns import (
    EULER_SLACK_DEG,
    Floats,
    about,
    angles_between,
    continuous,
    continuous_euler,
    interpolated,
    matrices,
    of_euler,
    quaternions,
    shortest_turn,
    unit,
)

RNG = np.random.default_rng(0)


def random_turns(count: int) -> Floats:
    return matrices(unit4(RNG.normal(size=(count, 4))))


def unit4(values: Floats) -> Floats:
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def test_matrices_and_quaternions_are_the_same_rotations() -> None:
    turns = np.concatenate([random_turns(200), of_euler(np.radians([[180.0, 0, 0], [0, 180, 0], [0, 0, 180]]))])
    np.testing.assert_allclose(matrices(quaternions(turns)), turns, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turns), 1)


def test_the_shortest_turn_takes_one_direction_to_the_other_and_no_farther() -> None:
    one, other = unit(RNG.normal(size=(100, 3))), unit(RNG.normal(size=(100, 3)))
    turn = shortest_turn(one, other)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", turn, one), other, atol=1e-9)
    angle = angles_between(quaternions(turn), np.array([1.0, 0, 0, 0]))
    np.testing.assert_allclose(angle, np.degrees(np.arccos((one * other).sum(axis=-1))), atol=1e-5)


def test_opposite_directions_are_half_a_turn_apart() -> None:
    for axis in np.eye(3):
        turn = shortest_turn(axis, -axis)
        np.testing.assert_allclose(turn @ axis, -axis, atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)


def test_quaternions_do_not_change_sign_from_frame_to_frame() -> None:
    turns = about(np.tile([0.0, 1, 0], (100, 1)), np.linspace(0, 12, 100))
    steps = (lambda q: (q[1:] * q[:-1]).sum(axis=-1))(continuous(quaternions(turns)))
    assert steps.min() > 0.99


def test_half_way_between_two_rotations_is_half_the_turn() -> None:
    turns = quaternions(about(np.tile([0.0, 0, 1], (2, 1)), np.array([0.0, 1.0])))
    (half,) = interpolated(np.array([0.0, 2.0]), turns, np.array([1.0]))
    np.testing.assert_allclose(matrices(half), about(np.array([0.0, 0, 1]), np.array(0.5)), atol=1e-12)


def test_euler_angles_are_about_z_then_x_then_y() -> None:
    angles = np.radians([20.0, -35.0, 50.0])
    z, x, y = (about(np.eye(3)[axis], np.array(angle)) for axis, angle in zip((2, 0, 1), angles, strict=True))
    np.testing.assert_allclose(of_euler(angles), z @ x @ y, atol=1e-12)
    turns = random_turns(50)[:, None]
    np.testing.assert_allclose(of_euler(np.radians(continuous_euler(turns[:1]))), turns[:1], atol=1e-9)


def test_euler_angles_of_a_steady_turn_count_on_past_180() -> None:
    turns = about(np.tile([0.0, 1, 0], (80, 1)), np.linspace(0, 4 * np.pi, 80))[:, None]
    assert continuous_euler(turns)[-1, 0] == pytest.approx([0, 0, 720])


@pytest.mark.parametrize("off_deg", [0.01, 0.5, 2.0, 5.0])
def test_euler_angles_pass_the_pole_without_a_jump_and_without_losing_the_rotation(off_deg: float) -> None:
    lift = np.radians(np.linspace(0, 180, 90))
    beside = about(np.array([0.0, 0, 1]), np.array(np.radians(off_deg)))
    turns = (beside @ about(np.tile([1.0, 0, 0], (90, 1)), lift) @ beside)[:, None]
    angles = continuous_euler(turns)
    steps = np.abs(np.diff(angles, axis=0)).max(axis=(1, 2))
    own = angles_between(quaternions(turns[1:]), quaternions(turns[:-1]))[:, 0]
    assert (steps - own).max() <= EULER_SLACK_DEG + 1e-6
    lost = angles_between(quaternions(of_euler(np.radians(angles))), quaternions(turns))
    assert lost.max() < 3 * off_deg + 1e-3
