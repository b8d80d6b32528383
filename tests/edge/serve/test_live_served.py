"""`egoact live --serve` as users call it: what a browser sees and asks goes to the run and back, and nobody is left."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from edge.errors import EgoactError
from edge.live import session
from edge.live.plan import LivePlan
from edge.serve.address import WebAddress
from tests.edge.live.processes import alive, children, wait_until
from tests.edge.live.running import sensor_plans
from tests.tiny_bundle import make_bundle

PATIENCE_S = 60.0


async def drawn_until(socket: aiohttp.ClientWebSocketResponse, word: str) -> None:
    """Read what is drawn until the word is among it."""
    drawn = b""

    async def read() -> None:
        nonlocal drawn
        while word.encode() not in drawn:
            message = await socket.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), (
                f"{message.type}: {drawn[-500:]!r}"
            )
            drawn += message.data if isinstance(message.data, bytes) else b""

    await asyncio.wait_for(read(), PATIENCE_S)


def viewers(of: int) -> set[int]:
    """Processes that show the view to a browser."""
    return {pid for pid, kind in children(of).items() if kind == "other"}


async def test_a_browser_watches_and_steers_the_run(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "tiny")
    control = tmp_path / "control"
    control.mkdir()
    arguments = [
        "--camera",
        "cam",
        "--bundle",
        str(bundle.path),
        "--threads",
        "1",
        "--headless",
        "--serve",
        "127.0.0.1:0",
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.edge.live.command_line", str(control), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        assert process.stderr is not None
        told = (await asyncio.wait_for(process.stderr.readline(), PATIENCE_S)).decode()
        found = re.fullmatch(r"in a browser: (http://127\.0\.0\.1:\d+)/\n", told)
        assert found is not None, told
        async with aiohttp.ClientSession(headers={"Origin": found[1]}) as client:
            async with client.ws_connect(f"{found[1]}/ws?width=110&height=34", max_msg_size=0) as socket:
                await drawn_until(socket, "● running")
                await socket.send_json(["stdin", "v"])
                await drawn_until(socket, "video muted")
                assert len(viewers(process.pid)) == 1
                await socket.send_json(["stdin", "q"])
                wait = asyncio.create_task(socket.receive())
                await asyncio.wait_for(wait, PATIENCE_S)
            await asyncio.to_thread(wait_until, lambda: not viewers(process.pid))
            async with client.ws_connect(f"{found[1]}/ws?width=60&height=18", max_msg_size=0) as socket:
                await drawn_until(socket, "video muted")  # the run went on, as it was left
                watching = viewers(process.pid)
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 143
        await asyncio.to_thread(wait_until, lambda: not any(alive(pid) for pid in watching))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (await process.stderr.read()).decode() == ""
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("egoact-")] == []


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.delitem(sys.modules, "edge.serve.door", raising=False)
    bundle = make_bundle(tmp_path / "tiny")
    (tmp_path / "control").mkdir()
    plan = LivePlan(bundle, sensor_plans(bundle, tmp_path / "control"), threads=1)
    with pytest.raises(EgoactError, match=r"--serve: textual_serve.* is not installed; pip install 'egoact\[serve\]'"):
        session.run_live(plan, "headless", 1.0, WebAddress.parse("127.0.0.1:0"))
