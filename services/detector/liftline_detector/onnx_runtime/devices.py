"""Where ONNX Runtime runs a network, as users name it, and what is said where that isn't the GPU.

ONNX Runtime itself goes on with the CPU where a GPU can't be used, and says so where nobody looks. Here, a
device that was asked for by name is an error where it can't be had; "auto" on a machine with a GPU warns.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liftline.errors import ModelError
from liftline.models.devices import AUTO, check_onnx_device_name

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
TENSORRT, COREML = "TensorrtExecutionProvider", "CoreMLExecutionProvider"
INSTALL = "run `pip install 'liftline[onnx]'` for processors, or `pip install 'liftline[onnx-gpu]'` for NVIDIA GPUs"
GPU_INSTALL = (
    "run `pip uninstall -y onnxruntime` and `pip install 'liftline[onnx-gpu]'` (of onnxruntime and onnxruntime-gpu "
    "only one may be installed)"
)
NO_START = "there is no such GPU, or CUDA's or cuDNN's libraries are missing or of another version"
CUDA_INSTALL = "run `pip install 'onnxruntime-gpu[cuda,cudnn]'`"
_FRAMES_ON_GPU, _FRAMES_ON_CPU = 16, 1
_NVIDIA = Path("/proc/driver/nvidia/gpus")

Provider = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Placement:
    """A device's name, and ONNX Runtime's providers for it, the best first. `warning` is for the user, "" if none."""

    device: str
    providers: tuple[Provider, ...]
    warning: str = ""

    @property
    def on_gpu(self) -> bool:
        """Whether large batches pay."""
        return self.device != "cpu"

    @property
    def frames_per_call(self) -> int:
        """So many frames in one call keep it busy."""
        return _FRAMES_ON_GPU if self.on_gpu else _FRAMES_ON_CPU

    @property
    def max_sessions(self) -> int | None:
        """One on a GPU; on a CPU as many as there are processors: a call keeps one of them busy."""
        return 1 if self.on_gpu else None


ON_CPU = Placement("cpu", ((CPU, {}),))


def placement(name: str, *, available: Sequence[str], gpu_is_here: bool | None = None) -> Placement:
    """Where a network runs that was told to run on the device `name`; `available` are ONNX Runtime's providers.

    "auto" is CUDA where ONNX Runtime has it, else the CPU. TensorRT, which builds an engine for minutes first, and
    CoreML are only taken where they are asked for. What of a network a provider can't compute, the next one does.

    Raises ModelError where the installed ONNX Runtime can't run there, UsageError for an unknown name.
    """
    check_onnx_device_name(name)
    kind, _, number = name.partition(":")
    if kind == AUTO:
        if CUDA in available:
            return placement("cuda:0", available=available)
        here = nvidia_is_here() if gpu_is_here is None else gpu_is_here
        unused = "though this machine has an NVIDIA GPU: the installed ONNX Runtime can't use it"
        return on_cpu(unused, GPU_INSTALL) if here else ON_CPU
    if kind == "cpu":
        return ON_CPU
    wanted = {"cuda": CUDA, "tensorrt": TENSORRT, "coreml": COREML}[kind]
    if wanted not in available:
        raise ModelError(f"--device {name}: the installed ONNX Runtime has no {wanted}; {_remedy(kind)}.")
    if kind == "coreml":
        return Placement(name, ((COREML, {}), (CPU, {})))
    device = int(number or 0)
    cuda: Provider = (CUDA, {"device_id": device})
    own: tuple[Provider, ...] = ((TENSORRT, {"device_id": device}),) if kind == "tensorrt" else ()
    return Placement(f"{kind}:{device}", (*own, cuda, (CPU, {})))


def on_cpu(why: str, remedy: str) -> Placement:
    """The CPU, with a warning that no GPU is used."""
    warning = f"The detector runs on the CPU {why}; {remedy}, or choose --device cpu."
    return Placement("cpu", ON_CPU.providers, warning)


def unusable(device: str) -> ModelError:
    """What is said where ONNX Runtime has the provider, but couldn't start it."""
    return ModelError(
        f"--device {device}: ONNX Runtime couldn't start it: {NO_START}; {CUDA_INSTALL}, or use --device cpu."
    )


def nvidia_is_here() -> bool:
    """Whether a driver of NVIDIA's knows a GPU here."""
    return _NVIDIA.is_dir() and any(_NVIDIA.iterdir())


def import_runtime(installed: Collection[str] | None = None) -> Any:
    """The module `onnxruntime`. Raises ModelError where it is missing, can't be imported, or is installed twice."""
    both = {"onnxruntime", "onnxruntime-gpu"}
    if both <= set(_installed(both) if installed is None else installed):
        raise ModelError(
            "onnxruntime and onnxruntime-gpu are both installed, and overwrite each other's files; run `pip uninstall "
            "-y onnxruntime onnxruntime-gpu`, then install one of them."
        )
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(f"ONNX Runtime isn't installed, or can't be imported ({error}); {INSTALL}.") from error
    if hasattr(onnxruntime, "preload_dlls") and CUDA in onnxruntime.get_available_providers():
        onnxruntime.preload_dlls()
    return onnxruntime


def _installed(names: Collection[str]) -> list[str]:
    found = []
    for name in names:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def _remedy(kind: str) -> str:
    if kind == "coreml":
        return "it comes with onnxruntime on macOS; use auto or cpu elsewhere"
    return f"{GPU_INSTALL}, or use --device cpu"
