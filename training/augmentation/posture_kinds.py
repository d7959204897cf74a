"""Kinds of postures: standing, squatting, sitting, lying, on the hands, ...; each draws joint angles in degrees.

Flexion forward, abduction and rotation outward are positive; a pitched pelvis leans forward; an arm is raised by `el`,
from hanging, in the plane `az` (0: sideways, 90: forward); `twist` turns its elbow inward. A foot is `flat` (1) on
the ground or bent (0) by `dorsi` against the shin.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.augmentation.posed_body import SIDES

Random = np.random.Generator
Angles = dict[str, float]
Draw = Callable[[Random], Angles]


def _flat(flex: float, abd: float, rot: float, knee: float) -> Angles:
    """A leg that stands on its sole."""
    return {"flex": flex, "abd": abd, "rot": rot, "knee": abs(knee), "flat": 1.0}


def _leg(flex: float, abd: float, rot: float, knee: float, dorsi: float) -> Angles:
    return {"flex": flex, "abd": abd, "rot": rot, "knee": abs(knee), "dorsi": dorsi}


def _arm(el: float, az: float, elbow: float, twist: float) -> Angles:
    return {"el": el, "az": az, "elbow": abs(elbow), "twist": twist}


def _trunk(pitch: float, flex: float = 0.0, roll: float = 0.0) -> Angles:
    return {"pitch": pitch, "trunk_flex": flex, "roll": roll}


def both(limb: Draw, rng: Random, *, alike: float) -> Angles:
    """Both sides the same, but for `alike` degrees of standard deviation."""
    one = limb(rng)
    other = {name: value + (0 if name == "flat" else rng.normal(0, alike)) for name, value in one.items()}
    return sides(one, other, rng)


def sides(one: Angles, other: Angles, rng: Random) -> Angles:
    """One limb of each side, which on which is random."""
    names = [side for side, _ in SIDES]
    order = rng.permutation(2)
    limbs = ((names[order[0]], one), (names[order[1]], other))
    return {f"{side}_{name}": value for side, limb in limbs for name, value in limb.items()}


def _either(limb: Draw, rng: Random, *, alike: float) -> Angles:
    return both(limb, rng, alike=alike) if rng.random() < 0.5 else sides(limb(rng), limb(rng), rng)


# Hanging, up, sideways, forward, on the hips, folded, anyhow; and how often.
_ARMS: tuple[tuple[float, Draw], ...] = (
    (0.25, lambda r: _arm(abs(r.normal(6, 5)), r.uniform(-60, 90), r.normal(6, 9), r.normal(20, 25))),
    (0.14, lambda r: _arm(r.normal(168, 9), r.normal(30, 35), r.normal(3, 9), r.normal(0, 25))),
    (0.08, lambda r: _arm(r.normal(90, 12), r.normal(5, 12), r.normal(2, 8), r.normal(0, 40))),
    (0.15, lambda r: _arm(r.normal(88, 14), r.normal(88, 12), r.normal(2, 8), r.normal(0, 35))),
    (0.06, lambda r: _arm(r.normal(45, 8), r.normal(-15, 12), r.normal(95, 12), r.normal(60, 15))),
    (0.10, lambda r: _arm(r.normal(38, 10), r.normal(65, 20), r.normal(100, 15), r.normal(55, 20))),
    (0.22, lambda r: _arm(r.uniform(0, 175), r.uniform(-45, 130), r.uniform(0, 145), r.uniform(-70, 80))),
)


def arms(rng: Random) -> Angles:
    """Both arms, mostly alike."""
    one, other = (_ARMS[int(rng.choice(len(_ARMS), p=[share for share, _ in _ARMS]))][1] for _ in range(2))
    return both(one, rng, alike=6) if rng.random() < 0.65 else sides(one(rng), other(rng), rng)


def _straight(r: Random) -> Angles:
    return _flat(r.normal(2, 4), r.normal(4, 5), r.normal(8, 9), r.normal(2, 4))


def standing(r: Random) -> Angles:
    """Upright on straight legs."""
    return _trunk(r.normal(2, 4)) | both(_straight, r, alike=3)


def _squat(r: Random) -> Angles:
    depth = r.uniform(0.3, 1)
    leg = _flat(depth * r.uniform(75, 125), r.uniform(2, 28), r.uniform(0, 25), depth * r.uniform(90, 140))
    return _trunk(depth * r.uniform(5, 45), r.normal(5, 12)) | both(lambda _: leg, r, alike=5)


def _lunge(r: Random) -> Angles:
    front = _flat(r.uniform(45, 105), r.normal(4, 6), r.normal(0, 5), r.uniform(50, 115))
    back = _leg(r.uniform(-30, 10), r.normal(4, 6), r.normal(5, 12), r.uniform(5, 105), r.uniform(-10, 30))
    return _trunk(r.uniform(-5, 25)) | sides(front, back, r)


def _one_leg(r: Random) -> Angles:
    lifted = _leg(r.uniform(-30, 115), r.uniform(-5, 55), r.normal(10, 20), r.uniform(0, 135), r.uniform(-40, 15))
    return _trunk(r.normal(3, 12), roll=r.normal(0, 6)) | sides(_straight(r), lifted, r)


def _chair(r: Random) -> Angles:
    def leg(r: Random) -> Angles:
        return _flat(r.uniform(65, 105), r.uniform(-8, 25), r.normal(5, 12), r.uniform(40, 115))

    return _trunk(r.uniform(-25, 15), r.normal(12, 14)) | _either(leg, r, alike=4)


def _floor_seat(r: Random) -> Angles:
    def leg(r: Random) -> Angles:
        if r.random() < 0.4:
            return _leg(
                r.uniform(65, 100), r.uniform(35, 60), r.uniform(20, 55), r.uniform(100, 140), r.uniform(-40, 0)
            )
        knee = r.uniform(0, 25) if r.random() < 0.5 else r.uniform(60, 125)
        return _leg(r.uniform(60, 115), r.uniform(0, 30), r.normal(5, 15), knee, r.uniform(-35, 5))

    return _trunk(r.uniform(-30, 10), r.normal(15, 12)) | both(leg, r, alike=8)


def _kneeling(r: Random) -> Angles:
    def down(r: Random) -> Angles:
        return _leg(r.uniform(-8, 60), r.uniform(-3, 20), r.normal(0, 8), r.uniform(80, 148), r.uniform(-50, 10))

    if r.random() < 0.5:
        front = _flat(r.uniform(70, 105), r.uniform(-3, 20), r.normal(0, 8), r.uniform(70, 115))
        other = down(r) | {"flex": r.uniform(-10, 15), "knee": r.uniform(80, 110)}
        return _trunk(r.normal(3, 8)) | sides(front, other, r)
    return _trunk(r.uniform(-5, 30)) | both(down, r, alike=4)


def _bent_over(r: Random) -> Angles:
    far = r.uniform(30, 110)
    leg = _flat(far + r.normal(0, 5), r.uniform(0, 20), r.normal(5, 8), r.normal(8, 14))
    return _trunk(far, r.uniform(-5, 45)) | both(lambda _: leg, r, alike=4)


def _lying(r: Random) -> Angles:
    def leg(r: Random) -> Angles:
        bent = r.random() if r.random() < 0.5 else 0.0
        knee = bent * r.uniform(30, 130) + abs(r.normal(0, 5))
        return _leg(bent * r.uniform(20, 110), r.uniform(-5, 30), r.normal(10, 20), knee, r.uniform(-45, 0))

    curled = r.uniform(0, 45) if r.random() < 0.5 else 0.0
    face_up, face_down = _trunk(r.normal(-90, 10), curled), _trunk(r.normal(90, 10), curled)
    on_side = _trunk(0, curled, roll=r.choice([-90, 90]) + r.normal(0, 12))
    turned = (face_up, face_down, on_side)[int(r.choice(3, p=(0.4, 0.3, 0.3)))]
    return turned | _either(leg, r, alike=5)


def _on_hands_and_feet(r: Random) -> Angles:
    def leg(r: Random) -> Angles:
        if r.random() < 0.5:
            return _leg(r.uniform(70, 105), r.uniform(0, 15), 0, r.uniform(75, 105), r.uniform(-40, 25))
        return _leg(r.normal(5, 12), r.uniform(0, 15), 0, r.normal(2, 4), r.uniform(-40, 25))

    def arm(r: Random) -> Angles:
        elbow = r.normal(3, 6) if r.random() < 0.5 else r.uniform(20, 100)
        return _arm(r.normal(85, 15), r.normal(85, 15), elbow, r.normal(0, 25))

    return _trunk(r.normal(80, 14)) | both(leg, r, alike=5) | both(arm, r, alike=5)


def _upside_down(r: Random) -> Angles:
    def leg(r: Random) -> Angles:
        knee = r.normal(2, 4) if r.random() < 0.5 else r.uniform(10, 110)
        return _leg(r.normal(0, 22), r.uniform(-3, 40), r.normal(5, 15), knee, r.uniform(-45, 0))

    def arm(r: Random) -> Angles:
        elbow = r.normal(3, 6) if r.random() < 0.5 else r.uniform(30, 110)
        return _arm(r.normal(165, 12), r.normal(60, 30), elbow, r.normal(0, 25))

    over = _trunk(r.normal(180, 14)) if r.random() < 0.7 else _trunk(r.normal(0, 14), roll=r.normal(180, 14))
    return over | _either(leg, r, alike=5) | both(arm, r, alike=5)


def _anyhow(r: Random) -> Angles:
    def leg(r: Random) -> Angles:
        return _leg(r.uniform(-25, 115), r.uniform(-10, 50), r.uniform(-25, 40), r.uniform(0, 140), r.uniform(-45, 25))

    lean = {"trunk_side": r.normal(0, 12), "trunk_turn": r.normal(0, 18)}
    return _trunk(r.normal(0, 25), r.normal(5, 20), roll=r.normal(0, 15)) | lean | sides(leg(r), leg(r), r)


KINDS: tuple[tuple[float, Draw], ...] = (
    (0.20, standing), (0.11, _squat), (0.08, _lunge), (0.09, _one_leg), (0.10, _chair), (0.05, _floor_seat),
    (0.06, _kneeling), (0.06, _bent_over), (0.07, _lying), (0.04, _on_hands_and_feet), (0.05, _upside_down),
    (0.09, _anyhow),
)  # fmt: skip
"""All kinds, and how often each is drawn."""

FROM_STANDING = frozenset({_squat, _lunge, _one_leg, _chair, _kneeling, _bent_over, _anyhow})
"""Those that people go to from standing, and back."""
