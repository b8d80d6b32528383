"""The password of a camera's address and the key of a server: in no message, file, report or process that we name."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.bundle import SHIPPED, load_bundle
from edge.cli import main
from edge.errors import EgoactError, UsageError
from edge.live.plan import LivePlan, camera_plan
from edge.sources.camera import open_camera
from edge.sources.network_address import masked, without_secrets

PASSWORD = "s3cret-Pa55"
USER = "wearer-name"
SPEC = load_bundle(SHIPPED).window


def addresses(port: int) -> list[str]:
    place = f"127.0.0.1:{port}"
    return [
        f"rtsp://{USER}:{PASSWORD}@{place}/live",
        f"RTSP://{USER}:{PASSWORD}@{place}/live",
        f"http://{USER}:{PASSWORD}@{place}/video",
        f"http://{place}/video.cgi?user={USER}&pwd={PASSWORD}",
        f"rtsp://{USER}:{PASSWORD}/@x?#@{place}/live",
        f"tcp://{USER}:{PASSWORD}@{place}",
        f"gst:rtspsrc location=rtsp://{USER}:{PASSWORD}@{place}/live ! decodebin",
        f"gst:rtspsrc location=rtsp://{place}/live user-id={USER} user-pw={PASSWORD} ! decodebin",
        f'gst:rtspsrc location="rtsp://{USER}:{PASSWORD}@{place}/live" ! decodebin',
    ]


ALL = addresses(9)


def reveals(text: str) -> bool:
    return PASSWORD in text or USER in text


@pytest.fixture(scope="module")
def refusing_port() -> Iterator[int]:
    """A server that answers with nonsense and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    end, _ = door.accept()
                    with end:
                        end.recv(4096)
                        end.sendall(b"HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1]


@pytest.mark.parametrize("number", [0, 2, 3, 4, 6, 7])
def test_a_camera_that_cannot_be_opened(number: int, refusing_port: int) -> None:
    sensor = open_camera(addresses(refusing_port)[number], SPEC)
    with pytest.raises(EgoactError) as caught:
        sensor.open(0)
    error: BaseException | None = caught.value
    while error is not None:  # what a log of the whole chain would show, too
        if isinstance(error, EgoactError) or not error.__suppress_context__:
            assert not reveals(str(error)), repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert not reveals(str(sensor.facts()))


@pytest.mark.parametrize("address", ALL)
def test_what_a_run_calls_its_camera(address: str) -> None:
    plan = camera_plan(address, SPEC)
    run = LivePlan(load_bundle(SHIPPED), (plan,), 1)
    assert not reveals(plan.asked)
    assert not reveals(run.title)


@pytest.mark.parametrize("address", ALL)
def test_any_text_with_it(address: str) -> None:
    for text in (address, f"cannot open {address}: timed out", f"'{address}'", f"[{address}, {address}]"):
        shown = without_secrets(text)
        assert not reveals(shown), shown
        assert without_secrets(shown) == shown
    if not address.startswith("gst:"):
        assert not reveals(masked(address))


@pytest.mark.parametrize("address", [ALL[0], ALL[3], ALL[7]])
def test_wrong_use_of_the_command_line(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["live", address],
        ["live", "--camera", address, "--mic", "none", address],
        ["live", "--camera", address, "--camera-format", "MJPG 640x480 30 Hz", "--headless"],
        ["live", "--threads", address, "--camera", address],
        ["doctor", address],
        ["devices", address],
        ["calibrate-av", address],
        ["bench", "--json", address, "--nonsense", address],
    ):
        with contextlib.suppress(SystemExit):
            assert main(arguments) != 0
        out, err = capsys.readouterr()
        assert not reveals(out + err), out + err


def test_an_address_as_a_clip(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", ALL[0]]) == 1
    assert not reveals(capsys.readouterr().err)


def test_an_unexpected_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(name: str) -> None:
        raise RuntimeError(f"libfoo: {ALL[0]} failed")

    monkeypatch.setattr("importlib.import_module", broken)
    monkeypatch.delenv("EGOACT_DEBUG", raising=False)
    assert main(["doctor"]) == 1
    assert not reveals(capsys.readouterr().err)


@pytest.mark.slow
def test_a_whole_live_run(refusing_port: int, tmp_path: Path) -> None:
    """Files, output and the command lines of all processes but the one that the user typed."""
    jsonl = tmp_path / "labels.jsonl"
    address = addresses(refusing_port)[0]
    arguments = ["live", "--camera", address, "--mic", "none", "--plain", "--jsonl", str(jsonl), "--duration-s", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "EGOACT_DEBUG": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *arguments, "--threads", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2], env=environment, text=True,
    )  # fmt: skip
    titles: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for entry in Path("/proc").glob("[0-9]*/stat"):
                with contextlib.suppress(OSError, IndexError):
                    if int(entry.read_text().rpartition(")")[2].split()[1]) == process.pid:
                        titles.add((entry.parent / "cmdline").read_text())

    watcher = threading.Thread(target=watch)
    watcher.start()
    out, _ = process.communicate(timeout=120)
    ended.set()
    watcher.join()
    assert process.returncode in (0, 1), out
    assert not reveals(out), out
    assert not [title for title in titles if reveals(title)]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if reveals(path.read_text(errors="replace"))]


def test_the_key_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.narration.rating.backoff import Backoff
    from trainer.narration.rating.prompt import PAPER_PROMPT
    from trainer.narration.rating.server_rater import ServerRater

    monkeypatch.setenv("OPENAI_API_KEY", PASSWORD)
    for server in (f"http://{USER}:{PASSWORD}@h/v1", f"{USER}:{PASSWORD}@h", f"http://h/v1?key={PASSWORD}"):
        with pytest.raises(UsageError) as caught:
            ServerRater(server, "m", PAPER_PROMPT, Backoff())
        assert not reveals(str(caught.value))
    rater = ServerRater("http://127.0.0.1:9/v1", "m", PAPER_PROMPT, Backoff())
    assert not reveals(rater.name)
    assert not reveals(repr(rater))
    assert not reveals(json.dumps(str(rater._told(f"401 wrong key {PASSWORD}"))))
