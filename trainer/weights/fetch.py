"""Downloads one file over HTTP with the standard library; a broken download goes on where it stopped."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from edge.json_text import read_json
from trainer.weights.folder import WeightsError, sha256_of

Progress = Callable[[int, "int | None"], None]
"""Called with the bytes that are there and, where the server says it, the bytes of the whole file."""

_CHUNK_BYTES = 1 << 18


def fetch(
    url: str,
    target: Path,
    progress: Progress = lambda done, total: None,
    *,
    sha256: str | None = None,
    attempts: int = 5,
    pause_s: float = 1.0,
    timeout_s: float = 30.0,
) -> None:
    """Download `url` to `target`, which appears only once it is whole.

    What has come lies in `<target>.part`; the next call goes on from there when the server allows it (Range and
    If-Range, RFC 9110 section 14) and the file there is still the same. A connection that breaks is tried again
    `attempts` times in a row without progress.

    Raises:
        WeightsError: the address, the server or the disk refuses, the file stays incomplete, or its checksum is wrong.
    """
    if not url.startswith(("https://", "http://")):
        raise WeightsError(f"{url}: only http and https addresses can be fetched")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as file:
            _lock(file, target)
            _download(url, target, file, progress, attempts, pause_s, timeout_s)
            if sha256 is not None and (found := sha256_of(part)) != sha256:
                file.truncate(0)
                raise WeightsError(
                    f"{target.name}: sha256 is {found[:12]}, its publisher says {sha256[:12]}; try again"
                )
            os.fsync(file.fileno())
            os.replace(part, target)
        _sidecar(part).unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(f"{target}: cannot be written ({error.strerror or error})") from error


def _download(
    url: str, target: Path, file: IO[bytes], progress: Progress, attempts: int, pause_s: float, timeout_s: float
) -> None:
    """Append to `file` until it is whole."""
    failures = 0
    while True:
        before = file.seek(0, os.SEEK_END)
        try:
            if _receive(url, file, progress, timeout_s):
                return
            reason = "the connection broke"
        except urllib.error.HTTPError as error:
            if error.code == 416 and before:  # nothing is left to send: all is there, or more than all
                if error.headers.get("Content-Range", "").endswith(f"/{before}"):
                    return
                file.truncate(0)
                reason = "the file there is another one"
            elif error.code < 500 and error.code not in (408, 429):
                raise WeightsError(f"{url}: the server answers {error.code} {error.reason}") from None
            else:
                reason = f"the server answers {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        here = file.seek(0, os.SEEK_END)
        failures = 1 if here > before else failures + 1
        if failures >= attempts:
            raise WeightsError(
                f"{target.name}: {reason} after {here} bytes ({url}); the same command goes on from there"
            )
        time.sleep(pause_s * failures)


def _receive(url: str, file: IO[bytes], progress: Progress, timeout_s: float) -> bool:
    """One request; True when the file is whole afterwards."""
    part = Path(file.name)
    offset = file.seek(0, os.SEEK_END)
    request = urllib.request.Request(url, headers={"User-Agent": "egoact", "Accept-Encoding": "identity"})
    validator = _read_sidecar(part, url)
    if offset and validator:
        request.add_header("Range", f"bytes={offset}-")
        request.add_header("If-Range", validator)
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        if response.headers.get_content_type() == "text/html":
            raise WeightsError(f"{url}: gives a web page, not the file; open it in a browser and save the file by hand")
        if response.status != 206 or not _continues(response, offset):
            file.truncate(0)
            offset = 0
        length = response.headers.get("Content-Length")
        total = None if length is None else offset + int(length)
        # A weak validator does not promise the same bytes (RFC 9110 section 8.8.1).
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        _sidecar(part).write_text(json.dumps({"url": url, "validator": "" if tag.startswith("W/") else tag}))
        done = offset
        progress(done, total)
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            progress(done, total)
        file.flush()
        return total is None or done >= total


def _continues(response: Any, offset: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {offset}-")


def _read_sidecar(part: Path, url: str) -> str | None:
    """The validator of what lies in `part`; None when it is not known to come from `url`."""
    try:
        content = read_json(_sidecar(part))
        return content["validator"] or None if content["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _sidecar(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _lock(file: IO[bytes], target: Path) -> None:
    busy = WeightsError(f"{target.name}: is being fetched by another command; wait for it")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise busy from None
    part = Path(file.name)
    if not part.exists() or not os.path.samestat(os.fstat(file.fileno()), part.stat()):
        raise busy  # the other command finished between our open and our lock
