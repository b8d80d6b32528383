"""The wheel alone, in an empty environment, away from the checkout, on every Python that is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.packaging.commands import ROOT

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
LARGEST_MB = 600


def python_of(version: str) -> str | None:
    """A working interpreter of this version: on the path, or where pyenv keeps them."""
    if sys.version.startswith(f"{version}."):
        return sys.executable
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for found in (shutil.which(f"python{version}"), *map(str, kept)):
        if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
            return found
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, kept.split("\0")):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    subprocess.run(command, check=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.mark.slow
def test_what_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {
        "edge",
        "trainer",
        "calibration",
        "export",
    }
    assert "edge/assets/bundle/bundle.json" in names
    assert any(name.startswith("edge/assets/demo/") and name.endswith(".mp4") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", PYTHONS)
def test_it_runs_without_torch(version: str, wheel: Path, tmp_path: Path) -> None:
    python = python_of(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONPATH": ""}
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True)
    programs = tmp_path / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "-q", str(wheel)], env=environment, check=True)
    working = tmp_path / "working"
    working.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [programs / words[0], *words[1:]], cwd=working, env=environment, capture_output=True, text=True, check=False
        )

    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    ours = [path for path in packages.iterdir() if not path.name.startswith(("pip", "setuptools"))]
    size_mb = sum(file.stat().st_size for path in ours for file in (path, *path.rglob("*")) if file.is_file()) / 1e6
    print(f"\nPython {version}: {size_mb:.0f} MB installed")
    assert size_mb < LARGEST_MB
    demo = packages / "edge" / "assets" / "demo"
    replayed = run("egoact", "replay", str(demo), "--annotations", str(demo / "annotations.csv"), "--threads", "1")
    assert replayed.returncode == 0, replayed.stderr
    assert "1800 captured = 1800 used + 0 dropped" in replayed.stdout
    checked = run("egoact", "doctor", "--json")
    assert json.loads(checked.stdout)["groups"], checked.stderr
    assert run("python", "-c", "import torch").returncode == 1
    trained = run("egoact", "train", "--help")
    assert trained.returncode == 2
    assert "pip install 'egoact[train]'" in trained.stderr
    assert list(working.iterdir()) == []
