from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.cli import main
from tests.media import make_clip
from tests.tiny_bundle import make_bundle
from tests.trainer.features.test_run import contents
from trainer.features.ray_pool import RayPool
from trainer.features.recipe import Recipe
from trainer.features.store import FeatureStore
from trainer.features.tasks import find_tasks
from trainer.ray_workers import RayError
from trainer.weights.folder import WeightsError

ROOT = Path(__file__).parents[3]
CLUSTER = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle")).path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Very unequal lengths, so that actors finish out of order."""
    folder = tmp_path_factory.mktemp("clips")
    for number in range(8):
        make_clip(folder / f"clip{number}.mp4", seconds=20 if number == 0 else 1.2, size=(48, 32), audio="tone")
    (folder / "clip3.mp4").write_bytes(b"broken")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_actors_leave_the_same_bytes_as_one_process(
    clips: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--video", "small", "--audio", "small", "--bundle", str(bundle), "--threads", "1"]
    assert main(["features", str(clips), "--out", str(tmp_path / "one"), *small]) == 1
    assert main(["features", str(clips), "--out", str(tmp_path / "two"), *small, "--workers", "2"]) == 1
    assert capsys.readouterr().err.count("clip3.mp4: not a video") == 2
    assert len(FeatureStore.open(tmp_path / "two").videos) == 7
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_actor_that_dies_is_replaced_and_loses_nothing(clips: Path, bundle: Path) -> None:
    pool = RayPool(Recipe("small", "small", bundle=bundle), workers=2, threads=1)
    try:
        assert pool.describe().widths == {"appearance": 3, "motion": 2, "audio": 2}
        tasks = find_tasks([clips])
        outcomes = pool.outcomes(tasks)
        found = [next(outcomes)]
        for process in children(os.getpid()):
            if "ray::_Worker" in command_of(process):
                os.kill(process, signal.SIGKILL)
        found += list(outcomes)
        assert [outcome.task for outcome in found] == tasks
        assert [outcome.task.name for outcome in found if outcome.features is None] == ["clip3.mp4"]
    finally:
        pool.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_an_actor_refuses_is_told_as_in_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGOACT_WEIGHTS", str(tmp_path))
    pool = RayPool(Recipe(), workers=1, threads=1)
    try:
        with pytest.raises(WeightsError, match=r"run: egoact weights fetch slowfast8x8_r101$"):
            pool.describe()
    finally:
        pool.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_command_killed_leaves_no_worker_and_goes_on(clips: Path, bundle: Path, tmp_path: Path) -> None:
    small = ["--video", "small", "--audio", "small", "--bundle", str(bundle), "--threads", "1"]
    assert main(["features", str(clips), "--out", str(tmp_path / "one"), *small]) == 1
    store = tmp_path / "two"
    command = [sys.executable, "-m", "edge.cli", "features", str(clips), "--out", str(store), *small, "--workers", "2"]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: len(list(store.glob("index/*.parquet"))) >= 1)
    workers = [process for process in children(child.pid) if "ray::_Worker" in command_of(process)]
    assert len(workers) == 2
    child.kill()
    child.wait()
    wait_for(lambda: not any(Path(f"/proc/{process}").exists() for process in workers))
    assert main(["features", str(clips), "--out", str(store), *small]) == 1
    assert contents(store) == contents(tmp_path / "one")


@pytest.fixture
def cluster() -> Iterator[Callable[[dict[str, str]], str]]:
    """Starts a cluster of this machine in another folder than the command's, with more in its environment."""
    started: list[subprocess.Popen[bytes]] = []
    folder = tempfile.mkdtemp(prefix="ray")  # not tmp_path: the addresses of Unix sockets are short

    def start(environment: dict[str, str]) -> str:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        ray = Path(sys.executable).with_name("ray")
        options = ["--head", "--block", f"--port={port}", "--num-cpus=2", "--include-dashboard=false"]
        process = subprocess.Popen(
            [ray, "start", *options, f"--temp-dir={folder}"],
            cwd="/",
            env=os.environ | CLUSTER | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert any(b"Ray runtime started" in line for line in process.stdout)
        return f"127.0.0.1:{port}"

    yield start
    for process in started:
        below = children(process.pid)
        os.killpg(process.pid, signal.SIGKILL)
        for child in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_cluster_leaves_the_same_bytes(
    cluster: Callable[[dict[str, str]], str], clips: Path, bundle: Path, tmp_path: Path
) -> None:
    """The videos are named by paths relative to the command's folder, which is not that of the workers."""
    small = ["--video", "small", "--audio", "small", "--bundle", str(bundle), "--threads", "1"]
    assert main(["features", str(clips), "--out", str(tmp_path / "one"), *small]) == 1
    address = cluster({"PYTHONPATH": str(ROOT)})
    command = [sys.executable, "-m", "edge.cli", "features", clips.name, "--out", str(tmp_path / "two"), *small]
    done = subprocess.run(
        [*command, "--workers", "2", "--ray-address", address],
        cwd=clips.parent,
        env=os.environ | CLUSTER | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 1
    assert "clip3.mp4: not a video" in done.stderr
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_workers_without_egoact_are_one_line(
    cluster: Callable[[dict[str, str]], str], clips: Path, bundle: Path, tmp_path: Path
) -> None:
    hidden = tmp_path / "hidden" / "trainer"  # in front of an installed one
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'trainer'\")\n")
    address = cluster({"PYTHONPATH": str(hidden.parent)})
    small = ["--video", "small", "--audio", "small", "--bundle", str(bundle), "--out", str(tmp_path / "store")]
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", "features", str(clips), *small, "--ray-address", address],
        cwd=tmp_path,
        env=os.environ | CLUSTER | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "egoact features: a worker did not start (ModuleNotFoundError: No module named 'trainer'); "
        "is egoact installed on all machines?"
    )


def test_a_cluster_that_is_not_there_is_one_line() -> None:
    with pytest.raises(RayError, match=r"no Ray cluster answers at ray://127\.0\.0\.1:9 .*; start one: ray start"):
        RayPool(Recipe(), address="ray://127.0.0.1:9")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def children(root: int) -> list[int]:
    """All processes below `root`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found, todo = [], [root]
    while todo:
        parent = todo.pop()
        below = [process for process, its_parent in parents.items() if its_parent == parent]
        found += below
        todo += below
    return found


def command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
