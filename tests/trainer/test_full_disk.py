"""Every folder that trainer writes to, on a disk that is full or read-only: one line that names the path, nothing that
was there is harmed, and after room is made the same command ends as if nothing had happened.

Two kinds of disk: a small tmpfs, which needs root, and a limit on the size of files (RLIMIT_FSIZE), which does not.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import torch

from edge.cli import main
from tests.argo1m_files import Argo1mFiles, write_argo1m
from tests.trainer.tables.toy import write_own, write_world
from trainer.features.ego4d import APPEARANCE, MOTION

SMALL = ("--hidden", "16", "--width", "8", "--threads", "1", "--device", "cpu")


class Disk(Protocol):
    """A folder whose disk can be full."""

    folder: Path

    def full(self, after_bytes: int) -> Any:
        """Inside, no more than about so many bytes can be written."""
        ...


class FileSizeLimit:
    """No file may grow beyond the limit: the system's own refusal, for any user."""

    reason = "file too large"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self, after_bytes: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


class SmallTmpfs:
    """A file system of its own, which shrinks to what is in it and some pages more."""

    reason = "no space left on device"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self, after_bytes: int) -> Iterator[None]:
        used = sum(path.stat().st_size + 4096 for path in self.folder.rglob("*"))
        self._remount(f"size={used + after_bytes}")
        try:
            yield
        finally:
            self._remount("size=64m")

    @contextmanager
    def read_only(self) -> Iterator[None]:
        self._remount("ro")
        try:
            yield
        finally:
            self._remount("rw")

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[SmallTmpfs]:
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs needs root; the limit on the size of files is tested everywhere")
    yield SmallTmpfs(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(params=["file size limit", "tmpfs"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "tmpfs":
        return request.getfixturevalue("tmpfs")
    (tmp_path / "disk").mkdir()
    return FileSizeLimit(tmp_path / "disk")


class Data:
    """What the commands read."""

    def __init__(self, folder: Path) -> None:
        self.argo1m: Argo1mFiles = write_argo1m(folder / "argo1m", clips_per_domain=2)
        self.own, self.own_store = write_own(folder / "own")
        self.world, self.world_store = write_world(folder / "world")
        self.ego4d = folder / "ego4d"
        self.ego4d.mkdir()
        rng = np.random.default_rng(0)
        for number in range(4):
            rows = rng.random((3, APPEARANCE + MOTION), np.float32)
            torch.save(torch.from_numpy(rows), self.ego4d / f"video{number}.pt")
        self.run = folder / "run"
        assert main([str(part) for part in train(self, self.run)]) == 0


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return Data(tmp_path_factory.mktemp("data"))


def features(data: Data, out: Path) -> list[object]:
    return ["features", "--import-ego4d", data.ego4d, "--out", out]


def pack(data: Data, out: Path) -> list[object]:
    return ["data", "pack", data.argo1m.csv_folder, "--features", data.argo1m.pt_folder, "--out", out]


def narrations(data: Data, out: Path) -> list[object]:
    return ["narrations", data.argo1m.csv_folder, "--hashed", "--out", out, "--device", "cpu"]


def train(data: Data, out: Path) -> list[object]:
    return ["train", data.own, "--features", data.own_store, "--out", out, "--epochs", 2, "--save-every", 0, *SMALL]


def tables(data: Data, out: Path) -> list[object]:
    chosen = ["--splits", "Co-Cat,Sp-Bri", "--seeds", 1, "--epochs", 1, "--workers", 1]
    return ["tables", 4, data.world, "--features", data.world_store, "--out", out, *chosen]


def evaluate(data: Data, out: Path) -> list[object]:
    out.mkdir(parents=True, exist_ok=True)
    confusion = ["--confusion", out / "confusion.csv", "--device", "cpu"]
    return ["evaluate", data.run, data.own, "--features", data.own_store, *confusion]


def world(data: Data, out: Path) -> list[object]:
    return ["world", "--out", out, "--domain", "Cooking/Tokyo", "--duration-s", 10, "--workers", 1]


Command = Callable[[Data, Path], list[object]]
COMMANDS: dict[Command, int] = {features: 40_000, pack: 40_000, narrations: 20_000, train: 8_000, tables: 3_000}
"""Command -> bytes that are too few for it."""
GOES_ON: dict[Command, list[object]] = {train: ["--resume"]}


def refusal(capsys: pytest.CaptureFixture[str], command: list[object], out: Path, reason: str) -> None:
    """It ends with 1 and with one line that names a path in `out` and the reason."""
    assert main([str(part) for part in command]) == 1
    lines = capsys.readouterr().err.splitlines()
    [line] = [line for line in lines if line.startswith(f"egoact {command[0]}: ")]
    path = line.removeprefix(f"egoact {command[0]}: ").partition(": cannot be written (")[0]
    assert path == str(out) or path.startswith(f"{out}/"), line
    assert f"cannot be written ({reason})" in line
    assert not list(out.rglob("*.part"))


def contents(folder: Path) -> dict[str, Any]:
    """What must be equal, by file: bytes, but for measured seconds."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or "tensorboard" in name or path.suffix == ".lock":
            continue
        content: Any = path.read_bytes()
        if path.name == "metrics.jsonl":
            content = [{**json.loads(line), "clips_per_s": 0} for line in content.decode().splitlines()]
        found[name] = content
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_a_full_disk(command: Command, data: Data, disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out, whole = disk.folder / "out", disk.folder.parent / "whole"
    assert main([str(part) for part in command(data, whole)]) == 0
    capsys.readouterr()
    with disk.full(COMMANDS[command]):
        refusal(capsys, command(data, out), out, disk.reason)
    goes_on = [*command(data, out), *(GOES_ON.get(command, []) if list(out.rglob("state.pt")) else [])]
    assert main([str(part) for part in goes_on]) == 0
    assert contents(out) == contents(whole)


@pytest.mark.parametrize("after_bytes", [0, 12_000, 24_000, 36_000, 60_000, 100_000])
def test_a_training_whose_disk_fills_at_any_point(
    after_bytes: int, data: Data, tmpfs: SmallTmpfs, capsys: pytest.CaptureFixture[str]
) -> None:
    """Resume state, figures, weights, configuration: whichever no longer fits."""
    out = tmpfs.folder / "out"
    out.mkdir()
    with tmpfs.full(after_bytes):
        refusal(capsys, train(data, out), out, tmpfs.reason)
    resume = ["--resume"] if (out / "state.pt").exists() else []
    assert main([str(part) for part in [*train(data, out), *resume]]) == 0
    assert contents(out) == contents(data.run)


@pytest.mark.parametrize("command", [*COMMANDS, evaluate], ids=lambda command: command.__name__)
def test_a_read_only_disk(command: Command, data: Data, tmpfs: SmallTmpfs, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a finished command left is as it was; the command is given again, and where that would do nothing, to
    a folder of its own."""
    out = tmpfs.folder / "out"
    assert main([str(part) for part in command(data, out)]) == 0
    before = contents(tmpfs.folder)
    capsys.readouterr()
    with tmpfs.read_only():
        if command is evaluate:
            refusal(capsys, evaluate(data, out), out, "read-only file system")
        else:
            refusal(capsys, command(data, tmpfs.folder / "other"), tmpfs.folder / "other", "read-only file system")
    assert contents(tmpfs.folder) == before


def test_a_confusion_that_does_not_fit_leaves_the_old_file(
    data: Data, disk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    out = disk.folder / "out"
    command = evaluate(data, out)
    assert main([str(part) for part in command]) == 0
    before = (out / "confusion.csv").read_bytes()
    filler = disk.folder / "filler"
    filler.write_bytes(b"")
    capsys.readouterr()
    with disk.full(0 if isinstance(disk, SmallTmpfs) else 20):
        if isinstance(disk, SmallTmpfs):
            _fill(filler)
        refusal(capsys, command, out, disk.reason)
    assert (out / "confusion.csv").read_bytes() == before


def _fill(path: Path) -> None:
    with open(path, "ab", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


@pytest.mark.slow
def test_a_world_on_a_full_disk(data: Data, disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out = disk.folder / "out"
    with disk.full(60_000):
        refusal(capsys, world(data, out), out, disk.reason)
    assert not list((out / "videos").iterdir()), "no half video"
    assert main([str(part) for part in world(data, out)]) == 0
    assert len(list((out / "videos").glob("*.mp4"))) == 1


def test_what_a_store_could_not_take_is_given_back(disk: Any, data: Data) -> None:
    """The partly written rows do not keep the disk full."""
    out = disk.folder / "out"
    with disk.full(40_000):
        assert main([str(part) for part in features(data, out)]) == 1
    sizes = {path.name: path.stat().st_size for path in out.glob("*.f32")}
    rows = sizes["motion.f32"] // (4 * MOTION)
    assert rows < 12
    assert sizes["appearance.f32"] <= (rows + 3) * 4 * APPEARANCE
    assert sizes["appearance.f32"] % (3 * 4 * APPEARANCE) == 0
