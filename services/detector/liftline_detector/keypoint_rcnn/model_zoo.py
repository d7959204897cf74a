"""Weights of Detectron2's model zoo for COCO keypoints."""

from __future__ import annotations

from liftline.models.catalogue import Address, ModelFile


def _model_zoo(config: str, model_id: int, md5_prefix: str, sha256: str | None = None) -> ModelFile:
    """An entry of Detectron2's MODEL_ZOO.md, which says that file names end in an MD5 prefix, and names the licence."""
    file_name = f"model_final_{md5_prefix}.pkl"
    url = f"https://dl.fbaipublicfiles.com/detectron2/COCO-Keypoints/{config}/{model_id}/{file_name}"
    return ModelFile(
        name=config,
        file_name=file_name,
        sha256=sha256,
        licence="CC BY-SA 3.0",
        origin="Detectron2 model zoo (Meta)",
        source=Address(url, max_bytes=1 << 30, md5_prefix=md5_prefix),
        optional=True,
        training_data="COCO; its backbone: ImageNet (research only)",
        aliases=(f"COCO-Keypoints/{config}", f"{config}.yaml", f"COCO-Keypoints/{config}.yaml"),
    )


KEYPOINT_RCNN_R101 = _model_zoo("keypoint_rcnn_R_101_FPN_3x", 138363331, "997cc7")
MODEL_ZOO: tuple[ModelFile, ...] = (
    KEYPOINT_RCNN_R101,
    _model_zoo("keypoint_rcnn_R_50_FPN_1x", 137261548, "04e291"),
    # The SHA-256 is that of the copy at https://huggingface.co/xboix/detectron2-coco; nobody else published one.
    _model_zoo(
        "keypoint_rcnn_R_50_FPN_3x",
        137849621,
        "a6e10b",
        "48cc65c6f9ff63dabe64bf6082eb257d8515b42b31f0e44ff43cf9470f5107e4",
    ),
    _model_zoo("keypoint_rcnn_X_101_32x8d_FPN_3x", 139686956, "5ad38f"),
)


def weights_of(config: str) -> ModelFile | None:
    """The model zoo's file for a config, named with or without `COCO-Keypoints/` and `.yaml`."""
    return next((model for model in MODEL_ZOO if config in (model.name, *model.aliases)), None)
