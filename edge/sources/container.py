"""Media files through PyAV: opening with one-line errors, and decoding that survives damaged packets."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

from edge.contract import NS_PER_S
from edge.errors import SourceError

_MAX_READ_FAILURES = 8
"""Some demuxers repeat one error for ever: give up after so many in a row."""

_MAX_DECODE_FAILURES = 1000
"""Give up on a stream after so many bad packets in a row, or a long file would be read to its end for nothing."""

_TOLERANT: dict[str, Any] = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
"""Titles that are not UTF-8 must not stop a clip; PyAV 19 replaces bad letters by itself and lost the option."""

MOST_PIXELS = 8192 * 8192
"""Of a picture: 8K and the stereo pictures of 360 degree cameras fit; a header may claim more than any memory holds."""

_MOST_ASPECT = 32
"""Long side to short side: a picture of one row, scaled to the models' height, would be as wide as a street is long."""

_AUDIO_RATES_HZ = range(1_000, 1_000_001)
"""A rate of 1 Hz makes 16000 samples of each."""

_NOT_VIDEO_FORMATS = {"tty"}
"""libav renders plain text files as pictures of a terminal."""


@dataclass
class Damage:
    """What was wrong in one stream of a file."""

    packets: int = 0
    """Packets that could not be read or decoded, and were skipped."""


def open_container(path: Path) -> InputContainer:
    """Open a media file. Raises SourceError when it is missing, unreadable, or no media file."""
    if not path.exists():
        raise SourceError(f"{path}: no such file; check the path")
    if path.is_dir():
        raise SourceError(f"{path}: is a folder; name a clip inside it")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty; copy or record it again")
    av.logging.set_level(None)  # libav must not write on the terminal
    try:
        # "file:" so that a colon in a name is not read as a protocol; the whitelist keeps playlists off the network.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, **_TOLERANT)
    except (av.FFmpegError, OSError) as error:
        raise SourceError(_open_failure(path, error)) from error
    if container.format.name in _NOT_VIDEO_FORMATS:
        container.close()
        raise SourceError(f"{path}: is a text file, not a video; give a clip such as MP4, MKV or MOV")
    return container


def _open_failure(path: Path, error: Exception) -> str:
    if isinstance(error, PermissionError):
        return f"{path}: may not be read; change its permissions"
    with path.open("rb") as file:
        is_mp4 = file.read(12)[4:8] == b"ftyp"
    if is_mp4:
        return f"{path}: the MP4 is incomplete (its index is missing); record or copy it again, or repair it"
    return f"{path}: not a video that can be read; give a clip such as MP4, MKV or MOV"


def decode(container: InputContainer, stream: Any, damage: Damage) -> Iterator[Any]:
    """All frames of a stream in presentation order; damaged packets are counted and skipped, never raised."""
    read_failures = decode_failures = 0
    if stream.type == "video" and not stream.codec_context.is_open:
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}  # refused before libavcodec allocates it
    while read_failures < _MAX_READ_FAILURES:
        try:
            for packet in container.demux(stream):
                read_failures = 0
                try:
                    frames = _checked(packet.decode())
                    decode_failures = 0
                except (av.FFmpegError, ValueError):
                    damage.packets += 1
                    decode_failures += 1
                    if decode_failures == _MAX_DECODE_FAILURES:
                        return
                    continue
                yield from frames
            return
        except (av.FFmpegError, OSError):
            read_failures += 1
            damage.packets += 1
    with contextlib.suppress(av.FFmpegError):
        yield from filter(plausible, stream.codec_context.decode(None))  # frames that decoder threads still hold


def plausible(frame: Any) -> bool:
    """Whether a decoded frame of video or sound is of a size or rate that a camera or microphone may have."""
    if isinstance(frame, av.AudioFrame):
        return frame.sample_rate in _AUDIO_RATES_HZ
    short, long = sorted((frame.width, frame.height))
    return bool(0 < long <= _MOST_ASPECT * short and short * long <= MOST_PIXELS)


def _checked(frames: list[Any]) -> list[Any]:
    """The same frames. Raises ValueError when one is not plausible."""
    if not all(map(plausible, frames)):
        raise ValueError("a picture's size or a sound's rate is absurd")
    return frames


def rewind(container: InputContainer) -> None:
    """Back to the beginning, as far as the file allows."""
    with contextlib.suppress(av.FFmpegError):
        container.seek(0)


def pts_ns(pts: int, time_base: Fraction) -> int:
    """A time stamp in ns on the file's own time axis, rounded down."""
    return pts * NS_PER_S * time_base.numerator // time_base.denominator


def damage_note(damage: Damage, kind: str) -> list[str]:
    """What to tell the user about damage in a stream of this kind ('video', 'audio'); empty when there is none."""
    if not damage.packets:
        return []
    packets = "packet was" if damage.packets == 1 else "packets were"
    return [f"{damage.packets} damaged {kind} {packets} skipped"]
