"""A headless Chromium, driven through its DevTools protocol as far as the tests need it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_S = 60.0


class Page:
    """One page; what its WebSockets received is kept as text."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.drawn = ""
        """Everything that was drawn on the page's terminal, escape sequences included."""
        self.requests: list[str] = []
        """Addresses that the page asked for."""
        self._reading = asyncio.create_task(self._read())

    async def call(self, method: str, **parameters: object) -> Any:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await asyncio.wait_for(self._answers[number], PATIENCE_S)

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, **text)

    async def click(self, x: int, y: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def until(self, what: Callable[[Page], object]) -> None:
        async def wait() -> None:
            while not what(self):
                await asyncio.sleep(0.1)

        try:
            await asyncio.wait_for(wait(), PATIENCE_S)
        except asyncio.TimeoutError as error:
            raise AssertionError(f"not in {PATIENCE_S} s; drawn last: {self.drawn[-2000:]!r}") from error

    async def picture(self) -> bytes:
        """PNG of the page."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    async def _read(self) -> None:
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told.get("result"))
            elif told["method"] == "Network.webSocketFrameReceived":
                frame = told["params"]["response"]
                if frame["opcode"] == 2:
                    self.drawn += base64.b64decode(frame["payloadData"]).decode("utf-8", "replace")
            elif told["method"] == "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])


@asynccontextmanager
async def opened(folder: Path, size: tuple[int, int] = (1300, 820)) -> AsyncIterator[Page]:
    """An empty page with the network watched."""
    assert CHROMIUM is not None
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    process = await asyncio.create_subprocess_exec(
        CHROMIUM,
        *options,
        f"--window-size={size[0]},{size[1]}",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        port = await _port(folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (target,) = [found for found in await answer.json() if found["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                page = Page(socket)
                await page.call("Network.enable")
                await page.call("Page.enable")
                yield page
    finally:
        process.terminate()
        await process.wait()


async def _port(file: Path) -> int:
    for _ in range(round(PATIENCE_S * 10)):
        if file.exists() and (words := file.read_text().split()):
            return int(words[0])
        await asyncio.sleep(0.1)
    raise AssertionError("Chromium does not answer")
