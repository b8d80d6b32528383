"""The folder of weights, and the checksum of every file as it was when it was first used."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from pathlib import Path

from edge.errors import EgoactError
from edge.json_text import read_json
from edge.whole_file import write_whole_file
from trainer.weights.catalogue import Weight

RECORD = "checksums.json"
_CHUNK_BYTES = 1 << 20


class WeightsError(EgoactError):
    """A file of weights is missing, changed, or cannot be fetched."""


def weights_folder() -> Path:
    """$EGOACT_WEIGHTS, else ~/.cache/egoact/weights."""
    chosen = os.environ.get("EGOACT_WEIGHTS")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "egoact" / "weights"


def locate(entry: Weight, folder: Path | None = None) -> Path:
    """Path of an entry's file.

    Raises:
        WeightsError: it is not there; the message says how to get it.
    """
    folder = folder or weights_folder()
    path = folder / entry.file
    if path.exists():
        return path
    raise WeightsError(f"{entry.file} is not in {folder}; {how_to_get(entry, folder)}")


def how_to_get(entry: Weight, folder: Path) -> str:
    """What to do to have an entry in `folder`, in a few words."""
    if entry.url is not None:
        return f"run: egoact weights fetch {entry.name}"
    if entry.command is not None:
        return f"run: {entry.command.format(folder=shlex.quote(str(folder / entry.file)))}"
    return f"download it from {entry.page} and put it there"


def verify(path: Path) -> str:
    """The sha256 of an entry in the folder of weights; recorded beside it on first use, compared ever after.

    Raises:
        WeightsError: the file or the record cannot be read, or the checksum differs from the recorded one.
    """
    digest = sha256_of(path)
    recorded = _read_record(path.parent).get(path.name)
    if recorded is None:
        record(path, digest)
    elif recorded != digest:
        raise WeightsError(
            f"{path}: has changed since it was first used (sha256 {digest[:12]}, was {recorded[:12]}); put the old "
            f"file back, or accept this one: egoact weights check --accept {path.name}"
        )
    return digest


def record(path: Path, digest: str) -> None:
    """Write the checksum of a file beside it, in place of an older one.

    Raises:
        WeightsError: the record cannot be read or written.
    """
    checksums = {**_read_record(path.parent), path.name: digest}
    target = path.parent / RECORD
    try:
        write_whole_file(target, json.dumps(checksums, indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise WeightsError(f"{target}: cannot be written ({error.strerror}); make the folder writable") from None


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file; of a folder, that of the names and checksums of the files in it.

    Raises:
        WeightsError: it cannot be read.
    """
    if path.is_dir():
        return _sha256_of_folder(path)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from None
    return digest.hexdigest()


def _sha256_of_folder(folder: Path) -> str:
    # Downloaders keep notes of their own in hidden folders.
    inside = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    names = sorted(name.as_posix() for name in inside if not any(part.startswith(".") for part in name.parts))
    lines = [f"{name} {sha256_of(folder / name)}\n" for name in names]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _read_record(folder: Path) -> dict[str, str]:
    path = folder / RECORD
    try:
        content = read_json(path)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be read ({error}); delete it to record the checksums anew") from None
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise WeightsError(f"{path}: is not a list of checksums; delete it to record them anew")
    return content
