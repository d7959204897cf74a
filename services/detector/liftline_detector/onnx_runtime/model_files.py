"""Networks that find people: OpenMMLab's YOLOX trained on HumanArt, and RTMDet; and how its files are addressed."""

from __future__ import annotations

from liftline.models.catalogue import Address, ModelFile

PIPELINE = "pipeline.json"
"""What MMDeploy writes beside a network: how pictures are prepared."""
OPENMMLAB = "https://download.openmmlab.com/mmpose/v1/projects/"
MIRROR = "https://huggingface.co/datasets/DavidPagnon/rtmlib_models/resolve/main/mmpose/"
_MOST_BYTES = 1 << 30
_MEMBER = "end2end.onnx"
RESEARCH_ONLY = "trained in part on data for research only"
"""A licence of weights doesn't say whether those may be used that were trained on such pictures: the user decides."""


def mmpose_file(
    name: str, stem: str, *, project: str, training_data: str, million_parameters: float | None = None,
    sha256: str | None = None, terms: str = RESEARCH_ONLY,
) -> ModelFile:  # fmt: skip
    """A network that OpenMMLab publishes in a zip; a mirror has it as it is.

    The eight digits in a name are those of its PyTorch weights. A SHA-256 is one that at least two public projects,
    independent of each other, state for the file they use; the first download of others is recorded.
    """
    folder = f"{project}/onnx_sdk/{stem}"
    return ModelFile(
        name=name,
        file_name=f"{stem}.onnx",
        sha256=sha256,
        licence="Apache-2.0",
        origin="MMPose (OpenMMLab)",
        source=Address(
            f"{OPENMMLAB}{folder}.zip",
            max_bytes=_MOST_BYTES,
            member=_MEMBER,
            companions=(PIPELINE,),
            mirrors=(Address(f"{MIRROR}{folder}.onnx", max_bytes=_MOST_BYTES),),
        ),
        terms=terms,
        optional=True,
        training_data=training_data,
        about_bytes=None if million_parameters is None else round(million_parameters * 4e6),
    )


def _yolox(size: str, digits: str, million_parameters: float, sha256: str | None = None) -> ModelFile:
    return mmpose_file(
        f"yolox-{size}", f"yolox_{size}_8xb8-300e_humanart-{digits}", project="rtmposev1", sha256=sha256,
        training_data="HumanArt (research only), COCO", million_parameters=million_parameters,
    )  # fmt: skip


def _rtmdet(size: str, digits: str, million_parameters: float) -> ModelFile:
    return mmpose_file(
        f"rtmdet-{size}", f"rtmdet_{size}_8xb32-100e_coco-obj365-person-{digits}", project="rtmposev1",
        training_data="COCO, Objects365 (its people)", million_parameters=million_parameters, terms="",
    )  # fmt: skip


YOLOX_M = _yolox("m", "c2c7a14a", 25.3, "3dea6513388889f0fff4b77bf7a26013600321b9eb9ceb0e9a400a82572f5f23")
FINDERS: tuple[ModelFile, ...] = (
    _yolox("nano", "40f6f0d0", 0.9),
    _yolox("tiny", "6f3252f9", 5.1),
    _yolox("s", "3ef259a7", 9.0),
    YOLOX_M,
    _yolox("l", "ce1d7a62", 54.2),
    _yolox("x", "a39d44ed", 99.1),
    _rtmdet("nano", "05d8511e", 1.0),
    _rtmdet("m", "235e8209", 24.7),
)


def finder_file(name: str) -> ModelFile:
    """The published file of the person finder of that name."""
    return next(model for model in FINDERS if model.name == name)
