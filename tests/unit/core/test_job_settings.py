"""What a job may be asked for stands once: with its default, its check and its form in messages."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftline.errors import UsageError
from liftline.exports import EXPORTERS
from liftline.exports.options import ExportOptions
from liftline.settings import _job_wire
from liftline.settings.checked import InvalidSettingsError, field_infos, limits
from liftline.settings.job import (
    BvhProfile,
    ExportFormat,
    JobSettings,
    Layout,
    LiftChoices,
    Overlay,
    Smoothing,
    TrcNames,
    of_job,
)
from liftline.v1 import job_service_pb2 as api

INFOS = field_infos(JobSettings)
WIRE = api.JobSettings.DESCRIPTOR.fields_by_name
ON_THE_WIRE = {name: WIRE[_job_wire.wire_name(name, info)] for name, info in INFOS.items()}
CHOICES = {"smooth": Smoothing, "layout": Layout, "overlay": Overlay, "export": ExportFormat}
CHOICES |= {"trc_names": TrcNames, "bvh_profile": BvhProfile}
SETTINGS = st.builds(
    JobSettings,
    detector=st.none() | st.sampled_from(["blazepose", "detectron2"]),
    max_people=st.none() | st.integers(1, 1000),
    smooth=st.sampled_from(get_args(Smoothing)),
    native_rate=st.booleans(),
    focal_px=st.none() | st.floats(1, 1e6),
    person_height_m=st.none() | st.floats(1, 2),
    person_heights_m=st.dictionaries(st.integers(0, 1 << 40), st.floats(1, 2), max_size=50),
    common_floor=st.booleans(),
    lock_feet=st.booleans(),
    layout=st.sampled_from(get_args(Layout)),
    overlay=st.sampled_from(get_args(Overlay)),
    trc_names=st.sampled_from(get_args(TrcNames)),
    bvh_profile=st.sampled_from(get_args(BvhProfile)),
    export=st.lists(st.sampled_from(get_args(ExportFormat)), unique=True).map(tuple),
)


def problems(**choices: Any) -> set[str]:
    with pytest.raises(InvalidSettingsError) as caught:
        JobSettings(**choices)
    return {problem.place for problem in caught.value.problems}


def test_the_message_and_the_value_have_the_same_fields() -> None:
    assert sorted(field.name for field in ON_THE_WIRE.values()) == sorted(WIRE)


@pytest.mark.parametrize("name", INFOS)
def test_what_a_message_does_not_say_is_the_default(name: str) -> None:
    field, default = ON_THE_WIRE[name], INFOS[name].get_default(call_default_factory=True)
    if field.is_repeated:
        assert not default
    elif field.enum_type:
        assert default in get_args(CHOICES[name])
    else:
        assert default is None or field.has_presence or default == field.default_value


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_has_its_number(name: str) -> None:
    enum = ON_THE_WIRE[name].enum_type
    assert enum is not None
    numbered = _job_wire.choices(enum)
    assert sorted(numbered.values()) == sorted(get_args(CHOICES[name]))
    assert sorted(numbered) == sorted(value.number for value in enum.values if value.number)


def test_everything_that_can_be_exported_can_be_asked_for() -> None:
    assert set(get_args(ExportFormat)) == set(EXPORTERS)
    assert of_job(ExportOptions, JobSettings()) == ExportOptions()


def test_every_field_has_a_help_text() -> None:
    assert all(info.description and info.description[0].isupper() for info in INFOS.values())


@given(SETTINGS)
def test_settings_survive_a_message(settings: JobSettings) -> None:
    sent = api.JobSettings.FromString(settings.to_proto().SerializeToString())
    assert JobSettings.from_proto(sent) == settings


def test_a_message_that_says_nothing_asks_for_the_defaults() -> None:
    assert JobSettings.from_proto(api.JobSettings()) == JobSettings()


def test_switched_off_steps_are_said_and_others_are_not() -> None:
    message = JobSettings(lock_feet=False).to_proto()
    assert message.HasField("lock_feet")
    assert not message.lock_feet
    assert not message.HasField("constant_bones")


def test_zero_in_a_message_means_whatever_is_usual() -> None:
    message = api.JobSettings(max_people=0, focal_px=0.0, fov_deg=0.0, person_height_m=0.0, detector="")
    assert JobSettings.from_proto(message) == JobSettings()


@pytest.mark.parametrize(
    "wrong",
    [
        {"smooth": "kalman"}, {"layout": "4d"}, {"max_people": 0}, {"max_people": -1}, {"detector": "Blaze Pose"},
        {"detector": ""}, {"focal_px": 0.5}, {"focal_px": float("nan")}, {"focal_px": float("inf")}, {"fov_deg": 0.0},
        {"focal_px": 1e308}, {"max_people": 10_001},
        {"fov_deg": 180.0}, {"fov_deg": float("nan")}, {"person_height_m": 175.0}, {"person_height_m": float("nan")},
        {"native_rate": "maybe"}, {"lock_knees": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_value_is_refused_by_its_name(wrong: dict[str, Any]) -> None:
    assert problems(**wrong) == set(wrong)


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = problems(fov_deg=200, layout="4d", export=("trc", "trc", "fbx"), person_heights_m={3: 1.7, 4: 17})
    assert told == {"fov_deg", "layout", "export", "export[2]", "person_heights_m[4]"}


def test_two_ways_to_say_how_wide_the_camera_sees_are_refused() -> None:
    with pytest.raises(UsageError, match="focal_px and fov_deg both"):
        JobSettings(focal_px=900, fov_deg=60)


def test_two_heights_of_one_person_are_refused() -> None:
    with pytest.raises(UsageError, match="person 2"):
        JobSettings(person_heights_m=[(2, 1.7), (2, 1.8)])  # type: ignore[arg-type]


def test_heights_of_a_crowd_are_refused() -> None:
    assert problems(person_heights_m=dict.fromkeys(range(51), 1.7)) == {"person_heights_m"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"fov_deg": 200}, "fov_deg: 1 to 170 degrees, not 200"),
        ({"max_people": -3}, "max_people: 1 to 10000, not -3"),
        ({"smooth": "kalman"}, "no 'kalman' in this version; choose 'none', 'one-euro', 'butterworth' or 'savgol'"),
    ],
)
def test_the_words_say_what_is_allowed(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        JobSettings(**wrong)


def test_problems_of_a_message_are_named_as_the_message_names_them() -> None:
    message = api.JobSettings(export_formats=[1, 1])
    message.smoothing = 99  # type: ignore[assignment]
    message.export_formats.append(77)  # type: ignore[arg-type]
    message.person_heights.add(track_id=7, height_m=1.7)
    message.person_heights.add(track_id=5, height_m=17)
    with pytest.raises(InvalidSettingsError, match="no 99 in this version") as caught:
        JobSettings.from_proto(message)
    assert {problem.place for problem in caught.value.problems} == {
        "smoothing", "export_formats", "export_formats[2]", "person_heights[1].height_m",
    }  # fmt: skip


def test_settings_cannot_be_changed_and_copies_are_checked() -> None:
    with pytest.raises(FrozenInstanceError):
        JobSettings().smooth = "none"  # type: ignore[misc]
    assert replace(JobSettings(fov_deg=60), smooth="none") == JobSettings(fov_deg=60, smooth="none")
    with pytest.raises(UsageError):
        replace(JobSettings(fov_deg=60), focal_px=900.0)


def test_limits_are_there_for_whoever_asks() -> None:
    assert limits(INFOS["fov_deg"]) == (1.0, 170.0)
    assert limits(INFOS["max_people"]) == (1, 10_000)
    assert limits(INFOS["detector"]) == (None, None)


def test_a_stage_takes_what_it_shares_with_the_job() -> None:
    @dataclass(frozen=True)
    class Stage:
        smooth: str
        max_people: int | None
        device: str

    assert of_job(Stage, JobSettings(smooth="none", max_people=3), device="cpu") == Stage("none", 3, "cpu")
    assert of_job(LiftChoices, JobSettings(fov_deg=70)) == LiftChoices(fov_deg=70)
