"""Cameras by sysfs, /dev and /proc as machines show them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edge.cli import main
from edge.devices import ask as asking
from edge.devices.cameras import list_cameras
from edge.devices.holders import HolderScan
from edge.devices.text import camera_lines, microphone_lines
from edge.errors import SourceError
from edge.sources.portaudio import MicrophoneInfo
from edge.sources.v4l2_nodes import Holder
from tests.edge.devices.answers import ask_refused, ask_webcam
from tests.edge.fake_machine import csi_camera, process, usb_camera, write_tree

BY_ID = "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_9A2B-video-index0"


def test_a_webcam_is_named_by_its_serial_number(tmp_path: Path) -> None:
    camera, metadata = list_cameras(usb_camera(tmp_path), ask_webcam)
    assert (camera.node, camera.name, camera.bus) == ("/dev/video0", "HD Pro Webcam C920", "usb 1-2")
    assert camera.best_name == BY_ID
    assert [f.fourcc for f in camera.formats] == ["YUYV", "MJPG"]
    assert (camera.kind, metadata.kind) == ("capture", "metadata")


def test_the_stable_name_stays_when_the_number_changes(tmp_path: Path) -> None:
    names = {list_cameras(usb_camera(tmp_path / str(n), numbers=n))[0].best_name for n in ((0, 1), (6, 7))}
    assert names == {BY_ID}


def test_numbers_count_as_numbers(tmp_path: Path) -> None:
    usb_camera(tmp_path, numbers=(10, 11))
    assert [camera.node for camera in list_cameras(csi_camera(tmp_path, 2))] == [
        "/dev/video2",
        "/dev/video10",
        "/dev/video11",
    ]


def test_a_csi_camera_has_its_node_for_a_name(tmp_path: Path) -> None:
    (camera,) = list_cameras(csi_camera(tmp_path, 2), ask_webcam)
    assert camera.best_name == "/dev/video2"
    assert camera.bus == "platform tegra-capture-vi"


def test_what_may_not_be_opened_says_the_command(tmp_path: Path) -> None:
    camera = list_cameras(usb_camera(tmp_path), ask_refused)[0]
    assert camera.kind == "unknown"
    assert "sudo usermod -aG video" in (camera.problem or "")


def test_who_holds_a_camera(tmp_path: Path) -> None:
    usb_camera(tmp_path)
    process(tmp_path, 4211, "zoom", ("/dev/null", "/dev/video0", "/dev/video0", "socket:[77]"))
    process(tmp_path, 310, "pipewire", ("/dev/video1", "/dev/video0"))
    camera, metadata = list_cameras(tmp_path, ask_webcam)
    assert camera.holders == (Holder(310, "pipewire"), Holder(4211, "zoom"))
    assert metadata.holders == (Holder(310, "pipewire"),)


def test_processes_of_others_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process(tmp_path, 1, "systemd", ())
    process(tmp_path, 4211, "zoom", ("/dev/video0",))
    real = os.scandir

    def scandir(path: str) -> object:
        if "/proc/1/" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    scan = HolderScan(tmp_path)
    assert scan.hidden_processes == 1
    assert scan.of("/dev/video0") == (Holder(4211, "zoom"),)


def test_this_process_holds_what_it_opens() -> None:
    with open("/dev/null", "rb"):
        assert os.getpid() in {holder.pid for holder in HolderScan().of("/dev/null")}


@pytest.mark.parametrize(
    ("node", "word"), [("/dev/null", "no V4L2 device"), ("/dev/video_none", "plug the camera in again")]
)
def test_asking_what_is_no_camera_is_a_typed_error(node: str, word: str) -> None:
    with pytest.raises(SourceError, match=word):
        asking.ask(node)


def test_text_fits_80_columns_and_names_all(tmp_path: Path) -> None:
    usb_camera(tmp_path)
    csi_camera(tmp_path, 2)
    process(tmp_path, 4211, "zoom", ("/dev/video0",))
    assert camera_lines(list_cameras(tmp_path, ask_webcam), 3) == [
        "cameras",
        "  /dev/video0  HD Pro Webcam C920 (usb 1-2)",
        f"    {BY_ID}",
        "    YUYV  864x480 800x600 640x480 320x240 at 30 15 Hz; 1920x1080 at 5 Hz",
        "    MJPG  1920x1080 1600x896 1280x720 960x720 864x480 800x600 640x480 320x240",
        "          at 30 24 15 7.5 Hz",
        "    held by zoom (process 4211)",
        "  /dev/video1  HD Pro Webcam C920 (usb 1-2): metadata of the camera, no pictures",
        "  /dev/video2  vi-output, imx219 9-0010 (platform tegra-capture-vi)",
        "    RG10",
        "    raw sensor data, not read as it is; give the pipeline that makes pictures of it:",
        '      --camera "gst:nvarguscamerasrc ! nvvidconv ! video/x-raw,format=BGRx"',
        "  3 processes are hidden from this user and may hold a camera; to see them:",
        "    sudo $(command -v egoact) devices",
    ]


def test_a_foreign_name_cannot_write_on_the_terminal(tmp_path: Path) -> None:
    write_tree(tmp_path, {"dev/video0": "", "sys/class/video4linux/video0/name": "cam\x1b[2J\n"})
    lines = camera_lines(list_cameras(tmp_path, ask_refused), 0)
    assert "\x1b" not in "".join(lines)


def test_microphones_in_words() -> None:
    found = (
        MicrophoneInfo("USB Audio: - (hw:1,0)", 3, 2, 48_000, "ALSA", False),
        MicrophoneInfo("default", 7, 1, 44_100, "ALSA", True),
    )
    assert microphone_lines(found, None) == [
        "microphones",
        "  3   USB Audio: - (hw:1,0)",
        "      48000 Hz, 2 channels, ALSA",
        "  7   default",
        "      44100 Hz, 1 channel, ALSA, default",
    ]
    assert "libportaudio2" in microphone_lines((), "no PortAudio: sudo apt-get install libportaudio2")[1]


def test_the_command_lists_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("cameras\n")
    assert "\nmicrophones\n" in out
    assert main(["devices", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert set(data) == {"cameras", "hidden_processes", "microphones", "microphone_problem"}
