"""The house stays in order: rooms are small, and `make check` refuses what goes against the grain."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("liftline", "services", "cli", "demo", "benchmarks", "training")
GENERATED = ROOT / "liftline" / "v1"
MOST_IN_LIBRARY, MOST_IN_GATEWAY, MOST_ELSEWHERE = 18, 8, 12


def modules() -> Iterator[Path]:
    for source in (*SOURCES, "deploy"):
        for path in sorted((ROOT / source).rglob("*.py")):
            if GENERATED not in path.parents:
                yield path


def limit(folder: Path) -> int:
    limits = {ROOT / "liftline": MOST_IN_LIBRARY, ROOT / "services/gateway/liftline_gateway": MOST_IN_GATEWAY}
    return limits.get(folder, MOST_ELSEWHERE)


def test_no_folder_holds_more_modules_than_a_reader_can_survey() -> None:
    sizes = Counter(path.parent for path in modules())
    crowded = {str(folder.relative_to(ROOT)): size for folder, size in sizes.items() if size > limit(folder)}
    assert len(sizes) > 30
    assert crowded == {}


def test_every_package_says_what_it_is_for() -> None:
    packages = {path.parent for path in modules()}
    silent = [str(one.relative_to(ROOT)) for one in packages if not said_by(one)]
    assert silent == []


def said_by(package: Path) -> bool:
    init = package / "__init__.py"
    if not init.exists():  # namespace folders that hold one package, and scripts
        return package.name in {"images"}
    return init.read_text("utf-8").lstrip().startswith('"""')


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that import-linter reads."""
    folder = tmp_path_factory.mktemp("house")
    for source in SOURCES:
        shutil.copytree(
            ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__", "*.npz", "weights")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    paths = [folder, *(folder / "services" / name for name in ("gateway", "detector", "lifter", "renderer"))]
    paths += [folder / "cli", folder / "demo"]
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"],
        cwd=folder, env={"PYTHONPATH": ":".join(map(str, paths)), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_house_as_it_stands_is_in_order(house: Path) -> None:
    found = lint(house)
    assert found.returncode == 0, found.stdout + found.stderr


LAYERS = "Who may lean on whom: each row on those below it"
FLOORS = "The shared library, floor by floor"
CIRCLES = "No circles: neither between modules nor between packages"
INNER = "Inner modules (`_named`) are their own package's"
PLANTED = {
    "a value that leans on an adapter": (FLOORS, {"liftline/tracks.py": "import liftline.adapters.folder_store"}),
    "the library leaning on a service": (LAYERS, {"liftline/pipeline/state.py": "import liftline_renderer.stage"}),
    "one service leaning on another": (
        LAYERS, {"services/renderer/liftline_renderer/stage.py": "import liftline_lifter.stage"}
    ),
    "a circle between modules": (
        CIRCLES, {"liftline/skeletons.py": "import liftline.camera", "liftline/camera.py": "import liftline.skeletons"}
    ),
    "a circle between packages": (
        CIRCLES,
        {
            "services/renderer/liftline_renderer/drawing/palette.py": "import liftline_renderer.view3d.room",
        },
    ),
    "a stranger at an inner module": (INNER, {"cli/liftline_cli/main.py": "import liftline.video._decoding"}),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTED)
def test_what_goes_against_the_grain_is_refused(what: str, house: Path) -> None:
    contract, planted = PLANTED[what]
    before = {name: (house / name).read_text("utf-8") for name in planted}
    try:
        for name, line in planted.items():
            (house / name).write_text(f"{before[name]}\n{line}\n", "utf-8")
        found = lint(house)
    finally:
        for name, text in before.items():
            (house / name).write_text(text, "utf-8")
    assert found.returncode != 0
    assert f"{contract} BROKEN" in found.stdout
