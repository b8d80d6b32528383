from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.trainer.weights.servers import Behaviour, serving
from trainer.weights.fetch import fetch
from trainer.weights.folder import WeightsError

CONTENT = bytes(i * i // 7 % 251 for i in range(200_000))


def test_a_file_arrives_whole_and_under_its_name_only_when_whole(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None, bool]] = []
    target = tmp_path / "new" / "net.pyth"
    with serving(Behaviour(CONTENT, pause_s=0.001)) as url:
        fetch(url, target, lambda done, total: seen.append((done, total, target.exists())))
    assert target.read_bytes() == CONTENT
    assert seen[0][0] == 0
    assert seen[-1] == (len(CONTENT), len(CONTENT), False)
    assert os.listdir(target.parent) == ["net.pyth"]


def test_cut_off_in_the_middle_it_goes_on_by_range(tmp_path: Path) -> None:
    server = Behaviour(CONTENT, cut_after=[50_000, 30_000])
    with serving(server) as url:
        fetch(url, tmp_path / "net.pyth", pause_s=0.01)
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT
    assert server.requested == [None, "bytes=50000-", "bytes=80000-"]


@pytest.mark.parametrize("length", [True, False])
def test_a_server_that_knows_no_ranges_sends_it_again(tmp_path: Path, length: bool) -> None:
    server = Behaviour(CONTENT, ranges=False, length=True, cut_after=[50_000])
    with serving(server) as url:
        fetch(url, tmp_path / "net.pyth", pause_s=0.01)
        server.length = length
        fetch(url, tmp_path / "again.pyth", pause_s=0.01)
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT
    assert (tmp_path / "again.pyth").read_bytes() == CONTENT


def test_given_up_it_keeps_what_came_and_the_next_call_goes_on(tmp_path: Path) -> None:
    server = Behaviour(CONTENT, cut_after=[60_000, 0, 0])
    with serving(server) as url:
        with pytest.raises(WeightsError, match=r"net\.pyth: .* after 60000 bytes"):
            fetch(url, tmp_path / "net.pyth", attempts=3, pause_s=0.01)
        assert not (tmp_path / "net.pyth").exists()
        fetch(url, tmp_path / "net.pyth", pause_s=0.01)
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT
    assert server.requested[-1] == "bytes=60000-"


def test_a_file_that_changed_meanwhile_is_not_mixed_with_the_old_part(tmp_path: Path) -> None:
    server = Behaviour(CONTENT, cut_after=[60_000, 0, 0])
    with serving(server) as url:
        with pytest.raises(WeightsError):
            fetch(url, tmp_path / "net.pyth", attempts=3, pause_s=0.01)
        server.content, server.etag = CONTENT[::-1], '"two"'
        fetch(url, tmp_path / "net.pyth", pause_s=0.01)
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT[::-1]


def test_killed_in_the_middle_the_next_run_goes_on(tmp_path: Path) -> None:
    server = Behaviour(CONTENT, pause_s=0.02)
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[3])!r}); from pathlib import Path;"
        "from trainer.weights import fetch as module; module._CHUNK_BYTES = 8192;"
        f"module.fetch(sys.argv[1], Path({str(tmp_path / 'net.pyth')!r}))"
    )
    part = tmp_path / "net.pyth.part"
    with serving(server) as url:
        child = subprocess.Popen([sys.executable, "-c", program, url])
        deadline = time.monotonic() + 60
        while not (part.exists() and part.stat().st_size > 20_000):
            assert time.monotonic() < deadline
            assert child.poll() is None
            time.sleep(0.01)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        there = part.stat().st_size
        server.pause_s = 0.0
        fetch(url, tmp_path / "net.pyth")
    assert server.requested == [None, f"bytes={there}-"]
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT


def test_a_part_that_is_already_whole_is_not_sent_again(tmp_path: Path) -> None:
    server = Behaviour(CONTENT, cut_after=[60_000, 0, 0])
    with serving(server) as url:
        with pytest.raises(WeightsError):
            fetch(url, tmp_path / "net.pyth", attempts=3, pause_s=0.01)
        (tmp_path / "net.pyth.part").write_bytes(CONTENT)
        fetch(url, tmp_path / "net.pyth")
    assert server.requested[-1] == f"bytes={len(CONTENT)}-"
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT


def test_not_found_is_said_at_once(tmp_path: Path) -> None:
    server = Behaviour(CONTENT, status=404)
    with serving(server) as url, pytest.raises(WeightsError, match=r"net\.pyth: the server answers 404"):
        fetch(url, tmp_path / "net.pyth", pause_s=60)
    assert len(server.requested) == 1
    assert not (tmp_path / "net.pyth").exists()


def test_a_server_in_trouble_is_asked_again(tmp_path: Path) -> None:
    server = Behaviour(CONTENT, status=503)

    def recover() -> None:
        while len(server.requested) < 2:
            time.sleep(0.005)
        server.status = 200

    with serving(server) as url:
        thread = threading.Thread(target=recover)
        thread.start()
        fetch(url, tmp_path / "net.pyth", pause_s=0.05)
        thread.join()
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT


def test_a_web_page_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with (
        serving(Behaviour(b"<html>log in</html>", content_type="text/html; charset=utf-8")) as url,
        pytest.raises(WeightsError, match="gives a web page"),
    ):
        fetch(url, tmp_path / "net.pyth")


def test_nobody_answers(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT)) as url:
        pass
    with pytest.raises(WeightsError, match="refused"):
        fetch(url, tmp_path / "net.pyth", attempts=2, pause_s=0.01)


def test_a_server_that_stalls_is_given_up(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT, pause_s=0.7)) as url, pytest.raises(WeightsError, match="timed out"):
        fetch(url, tmp_path / "net.pyth", attempts=1, timeout_s=0.2)


def test_the_published_checksum_is_compared(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT)) as url:
        with pytest.raises(WeightsError, match=r"its publisher says 000000000000"):
            fetch(url, tmp_path / "net.pyth", sha256="0" * 64)
        assert not (tmp_path / "net.pyth").exists()
        fetch(url, tmp_path / "net.pyth", sha256=hashlib.sha256(CONTENT).hexdigest())
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT


def test_two_at_once_do_not_write_into_each_other(tmp_path: Path) -> None:
    with serving(Behaviour(CONTENT, pause_s=0.01)) as url:
        started = threading.Event()
        first = threading.Thread(target=fetch, args=(url, tmp_path / "net.pyth", lambda *_: started.set()))
        first.start()
        assert started.wait(30)
        with pytest.raises(WeightsError, match="being fetched by another command"):
            fetch(url, tmp_path / "net.pyth")
        first.join()
    assert (tmp_path / "net.pyth").read_bytes() == CONTENT


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "net.pyth"])
def test_only_http_addresses(tmp_path: Path, url: str) -> None:
    with pytest.raises(WeightsError, match="only http"):
        fetch(url, tmp_path / "net.pyth")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        fetch("http://127.0.0.1:9/x", tmp_path / "file" / "net.pyth")
