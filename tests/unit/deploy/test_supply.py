"""What comes from others is held fast: locks cover pyproject.toml, images and actions are pinned or said not to be."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.supply.locks import LOCKS, REPOSITORY, TORCH_CPU, Lock, pins
from deploy.supply.references import files, references, rewritten, unpinned
from tests.containers.sbom import differing, locked

PYPROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
PYTHONS = ("3.11.9", "3.12.4")
BY_NAME = {lock.name: lock for lock in LOCKS}
TEXTS = {lock.name: lock.path.read_text() for lock in LOCKS}
SHA, COMMIT = "sha256:" + "5" * 64, "7" * 40


def asked_for(lock: Lock) -> Iterator[Requirement]:
    """What pyproject.toml asks for in a lock's name, extras of our own written out."""
    project = PYPROJECT["project"]
    waiting = [*(project["dependencies"] if lock.extras else [])]
    waiting += [one for extra in lock.extras for one in project["optional-dependencies"][extra]]
    waiting += [one for group in lock.groups for one in PYPROJECT["dependency-groups"][group]]
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name == "liftline":
            waiting += [one for extra in requirement.extras for one in project["optional-dependencies"][extra]]
        else:
            yield requirement


def held(lock: Lock, python: str) -> dict[str, str]:
    """Versions by package that are there when a lock was installed, and PyTorch with it."""
    others = [TEXTS[lock.without]] if lock.without else []
    torch = [] if lock.name == "torch" else [TORCH_CPU.read_text()]
    return locked(TEXTS[lock.name], *others, *torch, python=python)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", BY_NAME)
def test_a_lock_has_all_that_pyproject_asks_for_in_versions_it_allows(name: str, python: str) -> None:
    there = held(BY_NAME[name], python)
    wrong = {
        str(one): there.get(canonicalize_name(one.name))
        for one in asked_for(BY_NAME[name])
        if not one.specifier.contains(there.get(canonicalize_name(one.name), "0.dev0"), prereleases=False)
    }
    assert wrong == {}, "make lock LOCK=--keep"


def test_every_file_of_deploy_locks_is_one_that_make_lock_writes() -> None:
    assert {path.stem for path in TORCH_CPU.parent.glob("*.txt")} == {*BY_NAME, "torch-cpu", "unpinned"}


@pytest.mark.parametrize("path", [*(lock.path for lock in LOCKS), TORCH_CPU], ids=lambda path: path.stem)
def test_every_version_has_hashes(path: Path) -> None:
    found = pins(path.read_text())
    assert found
    assert [pin.name for pin in found if not pin.hashes] == []


def test_locks_agree_on_versions_but_for_what_detectron2_needs_older() -> None:
    versions: dict[str, set[str]] = defaultdict(set)
    for text in TEXTS.values():
        for name, version in locked(text).items():
            versions[name].add(version)
    assert {name for name, found in versions.items() if len(found) > 1} <= {"setuptools"}


def test_only_the_lock_of_the_package_index_s_pytorch_has_cuda() -> None:
    cuda = re.compile(r"(nvidia|cuda)-|triton$")
    holding = {name for name, text in TEXTS.items() if any(cuda.match(pin.name) for pin in pins(text))}
    assert holding == {"torch"}


def test_pytorch_has_locks_of_its_own_for_the_version_of_the_project() -> None:
    assert {name for name, text in TEXTS.items() if any(pin.name == "torch" for pin in pins(text))} == {"torch"}
    (torch,) = {str(one.specifier) for one in asked_for(BY_NAME["lifter"]) if one.name == "torch"}
    assert locked(TEXTS["torch"])["torch"] == torch.removeprefix("==")
    assert f"=={locked(TORCH_CPU.read_text())['torch']}" == f"{torch}+cpu"


def test_what_the_tests_run_with_is_what_is_locked_and_a_bill_of_materials_lists_it(tmp_path: Path) -> None:
    sbom = tmp_path / "sbom.cdx.json"
    tool = Path(sys.executable).with_name("cyclonedx-py")
    subprocess.run([tool, "environment", "--output-file", sbom, sys.executable], check=True, capture_output=True)
    assert differing(sbom.read_text(), locked(TEXTS["dev"], TEXTS["build"])) == {}
    assert differing(sbom.read_text(), {"liftline": "0.0", "not-there": "1"}).keys() == {"liftline", "not-there"}


def test_make_installs_for_ci_by_locks_alone() -> None:
    """What a user installs by `make setup`, and figures by `make bench`, may be newer: ranges of pyproject.toml."""
    makefile = (REPOSITORY / "Makefile").read_text()
    rules = re.findall(r"^([$\w][^\n:=]*):(?!=).*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    ranges = {target for target, recipe in rules if re.search(r"\$\(PIP\) install (?!.*--no-deps)", recipe)}
    assert ranges == {"$(VENV)/.torch", "$(VENV)/.cli", "$(VENV)/.bench", "setup-detectron2"}
    assert "LOCKED := $(PIP) install --quiet --no-deps --require-hashes --no-build-isolation\n" in makefile
    assert "LOCKED" in dict(rules)["$(VENV)/.dev"]


def test_images_and_actions_are_pinned_or_on_the_list_of_what_is_not() -> None:
    named = [reference for path in files() for reference in references(path.read_text())]
    assert {one.what for one in named if one.is_action} >= {"actions/checkout@v4"}
    assert sorted({one.what for one in named if one.pin is None}) == unpinned()
    pinned_to: dict[str, set[str | None]] = defaultdict(set)
    for one in named:
        pinned_to[one.what].add(one.pin)
    assert {what for what, found in pinned_to.items() if len(found) > 1} == set()


def images(value: Any) -> Iterator[str]:
    """All images that a YAML document names."""
    if isinstance(value, dict):
        yield from (one for key, one in value.items() if key == "image" and isinstance(one, str))
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from images(inner)


def test_no_image_of_others_is_named_in_a_form_that_is_not_looked_for() -> None:
    named = set()
    for path in [REPOSITORY / "compose.yaml", *(REPOSITORY / "deploy/k8s").rglob("*.yaml")]:
        named |= {one for document in yaml.safe_load_all(path.read_text()) for one in images(document)}
    for path in [*(REPOSITORY / "services").glob("*/Dockerfile"), *(REPOSITORY / "deploy").rglob("*Dockerfile")]:
        named |= set(re.findall(r"^ARG \w+_IMAGE=(\S+)", path.read_text(), flags=re.MULTILINE))
    looked_for = {one.written() for path in files() for one in references(path.read_text()) if not one.is_action}
    assert {one for one in named if not one.startswith("localhost/")} == looked_for


def test_workflows_use_no_action_in_a_form_that_is_not_looked_for() -> None:
    for path in (REPOSITORY / ".github/workflows").glob("*.yml"):
        used = re.findall(r"uses: (\S+@\S+(?: # \S+)?)", path.read_text())
        assert used == [one.written() for one in references(path.read_text()) if one.is_action]


BARE = "ARG BUILD_IMAGE=docker.io/library/python:3.11-slim\n  image: localhost/ours:1\n  - uses: actions/checkout@v4\n"
PINNED = (
    f"ARG BUILD_IMAGE=docker.io/library/python:3.11-slim@{SHA}\n  image: localhost/ours:1\n"
    f"  - uses: actions/checkout@{COMMIT} # v4\n"
)


def test_pins_are_written_behind_names_and_again_over_older_ones() -> None:
    pins_now = {"docker.io/library/python:3.11-slim": SHA, "actions/checkout@v4": COMMIT}
    assert rewritten(BARE, pins_now) == PINNED
    older = PINNED.replace("5" * 64, "0" * 64).replace("7" * 40, "1" * 40)
    assert rewritten(older, pins_now) == PINNED


def test_what_cannot_be_looked_up_keeps_the_pin_it_has() -> None:
    assert rewritten(PINNED, {}) == PINNED
    assert rewritten(BARE, {}) == BARE


FETCHING = """
import importlib, importlib.metadata, pkgutil, sys
import liftline.models.fetching, liftline_cli.main
for found in pkgutil.walk_packages(liftline.models.fetching.__path__, "liftline.models.fetching."):
    importlib.import_module(found.name)
packages = importlib.metadata.packages_distributions()
print(*{name for module in list(sys.modules) for name in packages.get(module.partition(".")[0], [])})
"""


def test_the_image_of_weights_is_made_with_all_that_fetching_them_imports() -> None:
    done = subprocess.run([sys.executable, "-c", FETCHING], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    imported = {canonicalize_name(name) for name in done.stdout.split()} - {"liftline"}
    # rich looks for attrs, urllib3 for another package below `backports`; setuptools has a hook in every start.
    optional = {"attrs", "backports-strenum", "setuptools"}
    assert "stamina" in imported
    assert imported - optional <= locked(TEXTS["models"]).keys()
