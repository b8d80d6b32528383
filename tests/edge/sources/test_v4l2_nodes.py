from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.errors import DeviceLostError, SourceError
from edge.sources.v4l2_nodes import Holder, busy, find_by_name, find_holders, list_nodes, missing


@pytest.fixture
def nodes(tmp_path: Path) -> list:
    sysfs, dev = tmp_path / "sys", tmp_path / "dev"
    (dev / "v4l" / "by-id").mkdir(parents=True)
    (dev / "v4l" / "by-path").mkdir()
    devices = [("video0", "HD Pro Webcam C920", "0"), ("video1", "HD Pro Webcam C920", "1"), ("video2", "Head", "0")]
    devices += [("video10", "Integrated \x1b[31mWebcam", "0")]
    for node, name, index in devices:
        (sysfs / node).mkdir(parents=True)
        (sysfs / node / "name").write_text(name + "\n")
        (sysfs / node / "index").write_text(index + "\n")
        (dev / node).touch()
    (dev / "v4l" / "by-id" / "usb-046d_C920_77-video-index0").symlink_to("../../video0")
    (dev / "v4l" / "by-path" / "pci-1-video-index0").symlink_to("../../video0")
    (dev / "v4l" / "by-path" / "pci-2-video-index0").symlink_to("../../video2")
    return list_nodes(sysfs, dev)


def test_nodes_come_by_number_with_their_stable_names(nodes: list) -> None:
    assert [node.path.name for node in nodes] == ["video0", "video1", "video2", "video10"]
    assert [node.place for node in nodes] == [0, 1, 0, 0]
    stable = [node.stable_path and node.stable_path.name for node in nodes]
    assert stable == ["usb-046d_C920_77-video-index0", None, "pci-2-video-index0", None]


def test_a_part_of_the_name_or_of_the_id_is_enough(nodes: list) -> None:
    assert find_by_name("c920", nodes).path.name == "video0"  # not its metadata node
    assert find_by_name("HEAD", nodes).path.name == "video2"
    assert find_by_name("046d_C920_77", nodes).path.name == "video0"


def test_none_or_several_are_told_with_what_there_is(nodes: list) -> None:
    with pytest.raises(
        SourceError, match=r"several cameras match: .*video0 'HD Pro.*video10 'Integrated \\x1b"
    ) as several:
        find_by_name("webcam", nodes)
    assert not isinstance(several.value, DeviceLostError)
    with pytest.raises(DeviceLostError, match=r"GoPro: no camera has this in its name; connected: .*egoact devices"):
        find_by_name("GoPro", nodes)
    with pytest.raises(DeviceLostError, match="connected: none"):
        find_by_name("GoPro", [])
    assert "/dev/video7: no such camera" in str(missing("/dev/video7", nodes))


def test_the_holder_of_a_device_is_found(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch()
    assert find_holders(device) == []
    with device.open():
        ((pid, command),) = find_holders(device)
    assert pid == os.getpid()
    assert command


def test_busy_names_the_holder_and_how_to_end_it() -> None:
    message = str(busy("/dev/video0", [Holder(41, "cheese"), Holder(42, "zoom")]))
    assert (
        message
        == "/dev/video0: in use by cheese (process 41), zoom (process 42); close it, or end it with `kill 41 42`"
    )
    assert "sudo fuser -v /dev/video0" in str(busy("/dev/video0", []))
