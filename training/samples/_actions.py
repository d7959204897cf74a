"""What people do in a clip, told from the clip's name."""

from __future__ import annotations

import re

_CMU_02 = {
    4: "jump, balance",
    5: "punch, strike",
    6: "bend, scoop up, lift arm",
    7: "swordplay",
    8: "swordplay",
    9: "swordplay",
    10: "wash self",
}
"""The trials of subject 02 in the words of mocap.cs.cmu.edu; 01 to 03 (walks, a run) aren't in the file."""

_HDM05 = re.compile(r"[a-z]{2}_(?P<kind>[A-Za-z]\w*)_\d+")
_HDM05_VARIANT = re.compile(r"\d+(Reps|Steps|hops)|([LR]|[LR]elbow)[sS]tart|[LR](?=[A-Z\d]|$)")
"""How often, with which side first, on which side: one action all the same."""
_WORD = re.compile(r"[A-Z]?[a-z]+")


def action_of(clip: str) -> str:
    """`bd_kickLFront1Reps_002` -> `kick front`, `002_10` -> `wash self`, `salsa_16` -> `salsa`; else the name itself.

    HDM05's names: Müller et al., "Documentation Mocap Database HDM05" (CG-2007-2, Universität Bonn).
    """
    if match := re.fullmatch(r"002_(\d+)", clip):
        return _CMU_02.get(int(match[1]), clip)
    if match := _HDM05.fullmatch(clip):
        words = _WORD.findall(_HDM05_VARIANT.sub("", match["kind"]))
        return " ".join(words).lower()
    return re.sub(r"_\d+$", "", clip)
