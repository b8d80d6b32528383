"""The README's `egoact` commands, run as they are written there; for each that cannot be, where its like is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.bundle import SHIPPED
from edge.demo import DEMO
from tests.packaging.commands import ROOT, written_commands

FAST = {
    "egoact devices": (0,),
    "egoact doctor": (0, 1),  # what is wrong with this machine is no fault of the command
    "egoact replay kitchen.mp4": (0,),
    "egoact weights list": (0,),
}
SLOW = (
    "egoact replay clips/ --annotations clips.csv --precision f32,bf16,int8 --report runs/report --export runs/export",
    "egoact features clips/ --out features --video small --audio small",
    "egoact compare f32 int8 --bundle runs/bundle --clips clips/ --layers video",
    "egoact bench",
)
ELSEWHERE = {
    "egoact live --camera /dev/video0": "tests/edge/live/test_real_path.py",
    "egoact live --camera C920 --mic none --serve": "tests/edge/serve/test_live_served.py",
    "egoact calibrate-av --camera C920 --mic default": "tests/capture/test_flash_and_click.py",
    "egoact replay kitchen.mp4 --tui --annotations clips.csv": "tests/edge/tui/test_tmux.py",
    "egoact tune BUNDLE": "tests/edge/tune/test_command.py",
    "egoact world": "tests/trainer/data/test_world_files.py",
    "egoact features runs/world/videos": "tests/trainer/features/test_features_command.py",
    "egoact data check": "tests/trainer/data/argo1m",
    "egoact train": "tests/trainer/test_train_command.py",
    "egoact tables": "tests/trainer/tables/test_command.py",
    "egoact export runs/cat": "tests/export/test_export_command.py",
    "egoact export --starter": "tests/export/test_starter.py",
    "egoact calibrate runs/bundle": "tests/export/test_calibrate.py",
    "egoact build runs/bundle": "tests/edge/engines/test_build_command.py",
    "egoact bench --pipeline": "tests/edge/bench/test_command.py",
    "egoact bench --sweep": "tests/edge/bench/test_command.py",
    "egoact bench --soak 8h": "tests/edge/bench/test_soak.py",
    "egoact narrate": "tests/trainer/narration/test_captions.py",
    "egoact rate narrated.csv --out rated.csv --rater server": "tests/trainer/narration/test_rate_server.py",
    "egoact rate-train": "tests/trainer/narration/test_rate_local.py",
    "egoact rate narrated.csv --out rated.csv --rater embedded": "tests/trainer/narration/test_rate_local.py",
}
"""By their beginnings: they need a device, hours, or files that another command made."""


def shown() -> list[str]:
    commands = [command for command in written_commands() if command.page == "README.md" and command.in_block]
    return [" ".join(command.words) for command in commands if command.text.startswith("egoact ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the README names: a clip, a folder of clips, its annotation, a bundle."""
    place = tmp_path_factory.mktemp("readme")
    (place / "clips").mkdir()
    (clip,) = DEMO.glob("*.mp4")
    shutil.copyfile(clip, place / "kitchen.mp4")
    shutil.copyfile(clip, place / "clips" / clip.name)
    shutil.copyfile(DEMO / "annotations.csv", place / "clips.csv")
    shutil.copytree(SHIPPED, place / "runs" / "bundle")
    return place


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "edge.cli", *command.split()[1:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_command_of_the_readme_is_run_somewhere() -> None:
    known = (*FAST, *SLOW)
    assert [c for c in shown() if c not in known and not any(c.startswith(start) for start in ELSEWHERE)] == []
    assert [command for command in known if command not in shown()] == []
    assert [start for start in ELSEWHERE if not any(c.startswith(start) for c in shown())] == []
    assert [file for file in ELSEWHERE.values() if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("command", FAST)
def test_it_runs_as_it_is_written(command: str, folder: Path) -> None:
    done = run(command, folder)
    assert done.returncode in FAST[command], done.stderr
    assert done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", SLOW)
def test_it_runs_as_it_is_written_at_length(command: str, folder: Path) -> None:
    done = run(command, folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout or done.stderr
