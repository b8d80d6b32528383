"""Small test clips, written with PyAV. Every picture shows its own number, so a test can read which frame it got.

A picture's centre square has 4 x 4 cells: the corner cells are red, green, blue and white (clockwise from the top
left), the other twelve are the bits of the frame number (bright = 1, the highest bit first).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from numpy.typing import NDArray

_CORNERS = {(0, 0): (255, 0, 0), (0, 3): (0, 255, 0), (3, 3): (0, 0, 255), (3, 0): (255, 255, 255)}
_BIT_CELLS = [(row, column) for row in range(4) for column in range(4) if (row, column) not in _CORNERS]
_TIME_BASE = Fraction(1, 90_000)
_DARK, _BRIGHT = 30, 225
TONE_AMPLITUDE = 0.5


def numbered_picture(number: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture of frame `number`: uint8 [height, width, 3] for size (width, height)."""
    width, height = size
    side = min(width, height)
    picture = np.full((height, width, 3), 90, np.uint8)
    square = picture[(height - side) // 2 :, (width - side) // 2 :]
    for (row, column), colour in _CORNERS.items():
        square[_span(row, side), _span(column, side)] = colour
    for place, (row, column) in enumerate(_BIT_CELLS):
        bit = number >> (len(_BIT_CELLS) - 1 - place) & 1
        square[_span(row, side), _span(column, side)] = _BRIGHT if bit else _DARK
    return picture


def _span(cell: int, side: int) -> slice:
    return slice(cell * side // 4, (cell + 1) * side // 4)


def read_number(square: NDArray[np.uint8]) -> int:
    """The frame number that a square picture (uint8 [S, S, 3]) shows; fails when the picture is not upright."""
    side = len(square)
    for cell, colour in _CORNERS.items():
        seen = _cell_colour(square, *cell, side)
        assert np.abs(seen - colour).max() < 90, f"corner {cell} shows {seen}, not {colour}"
    number = 0
    for row, column in _BIT_CELLS:
        number = number << 1 | int(_cell_colour(square, row, column, side).mean() > (_DARK + _BRIGHT) / 2)
    return number


def _cell_colour(square: NDArray[np.uint8], row: int, column: int, side: int) -> NDArray[np.float64]:
    quarter = side // 4
    middle = slice(row * quarter + quarter // 3, row * quarter + 2 * quarter // 3 + 1)
    across = slice(column * quarter + quarter // 3, column * quarter + 2 * quarter // 3 + 1)
    return square[middle, across].reshape(-1, 3).mean(axis=0)


def vfr_times_s(seconds: float) -> list[Fraction]:
    """Uneven frame times: bursts at 60 fps, stretches at 12 fps and one pause of 0.6 s."""
    times, t, paused = [], Fraction(0), False
    while t < Fraction(seconds).limit_denominator(1000):
        times.append(t)
        step = (Fraction(1, 60), Fraction(1, 60), Fraction(1, 30), Fraction(1, 12))[len(times) // 4 % 4]
        if not paused and t > Fraction(seconds).limit_denominator(1000) / 2:
            step, paused = Fraction(3, 5), True
        t += step
    return times


def even_times_s(fps: Fraction | float, seconds: float) -> list[Fraction]:
    """Presentation times of a constant frame rate."""
    rate = Fraction(fps).limit_denominator(1001)
    return [Fraction(n) / rate for n in range(round(seconds * rate))]


def tone(seconds: float, rate: int, channels: int = 1, frequency_hz: float = 440.0) -> NDArray[np.float32]:
    """float32 [n, channels]; every channel holds the same sine."""
    t = np.arange(round(seconds * rate)) / rate
    wave = (TONE_AMPLITUDE * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)
    return np.repeat(wave[:, None], channels, axis=1)


def make_clip(
    path: Path,
    *,
    fps: Fraction | float = 30,
    size: tuple[int, int] = (64, 48),
    seconds: float = 1.0,
    audio: Literal["tone", "silence"] | NDArray[np.float32] | None = None,
    rate: int = 48_000,
    channels: int = 1,
    frequency_hz: float = 440.0,
    audio_codec: str = "aac",
    audio_offset_s: float = 0.0,
    rotation: Literal[0, 90, 180, 270] = 0,
    vfr: bool = False,
    times_s: Sequence[Fraction] | None = None,
    codec: str = "libx264",
    second_video: tuple[int, int] | None = None,
    second_audio_hz: float | None = None,
    audio_hole_s: tuple[float, float] | None = None,
    cover: tuple[int, int] | None = None,
    start_s: float = 0.0,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip; the suffix of `path` picks the container.

    size: (width, height) as a viewer sees it. rotation: degrees clockwise by which a player turns the stored picture
    (MP4 only). audio: an array is taken as it is, float32 [n, channels]. audio_offset_s: the sound starts this much
    after the pictures (before them when negative). second_video: size of a further video stream, numbered from 1000.
    second_audio_hz: frequency of a further audio stream. audio_hole_s: (time, length) of a hole in the sound's time
    stamps. cover: size of a cover picture (MP4 only). start_s: time of the first frame on the file's axis.
    """
    times = list(times_s) if times_s is not None else vfr_times_s(seconds) if vfr else even_times_s(fps, seconds)
    start = Fraction(start_s).limit_denominator(90_000)
    video_start = start + max(Fraction(0), -Fraction(audio_offset_s).limit_denominator(90_000))
    packets: list[Any] = []
    with av.open(str(path), "w", options=container_options or {}) as container:
        # All streams exist before the first packet is made: the header fixes their time bases.
        video_streams = [_add_video(container, codec, fps, size, rotation)]
        if second_video is not None:
            video_streams.append(_add_video(container, codec, fps, second_video, 0))
            video_streams[1].disposition = av.stream.Disposition.default.value  # else the first is the better one
        cover_stream = None if cover is None else _add_cover(container, cover)
        sounds = [] if audio is None else [_sound(audio, seconds, rate, channels, frequency_hz)]
        if second_audio_hz is not None:
            sounds.append(_sound("tone", seconds, rate, channels, second_audio_hz))
        audio_streams = [_add_audio(container, audio_codec, rate, channels) for _ in sounds]
        for index, stream in enumerate(video_streams):
            packets += _encode_video(
                stream, times, video_start, second_video if index else size, rotation, 1000 * index
            )
        if cover_stream is not None:
            packets += _encode_video(cover_stream, [Fraction(0)], video_start, cover, 0, 2000)
        audio_start = video_start + Fraction(audio_offset_s).limit_denominator(90_000)
        for stream, sound in zip(audio_streams, sounds, strict=True):
            packets += _encode_audio(stream, sound, audio_start, audio_hole_s)
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            container.mux(packet)
    if rotation:
        _write_display_matrix(path, rotation)
    return path


def _add_video(container: Any, codec: str, fps: Fraction | float, size: tuple[int, int], rotation: int) -> Any:
    stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001))
    stream.width, stream.height = size if rotation % 180 == 0 else size[::-1]
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    # AVI counts frames: its header's rate is the time base of the encoder.
    counts_frames = container.format.name == "avi"
    stream.codec_context.time_base = 1 / Fraction(fps).limit_denominator(1001) if counts_frames else _TIME_BASE
    if codec == "libx264":
        stream.options = {"crf": "12", "preset": "ultrafast", "g": "12", "bf": "2"}
    return stream


def _add_cover(container: Any, size: tuple[int, int]) -> Any:
    stream = _add_video(container, "mjpeg", 30, size, 0)
    stream.disposition = av.stream.Disposition.attached_pic.value
    return stream


def _encode_video(
    stream: Any, times: Sequence[Fraction], start: Fraction, size: Any, rotation: int, first: int
) -> list:
    packets = []
    for number, t in enumerate(times):
        picture = np.rot90(numbered_picture(first + number, size), rotation // 90)  # stored turned back, so left
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.time_base = stream.codec_context.time_base
        frame.pts = round((start + t) / frame.time_base)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _sound(audio: Any, seconds: float, rate: int, channels: int, frequency_hz: float) -> NDArray[np.float32]:
    if isinstance(audio, np.ndarray):
        return audio
    return tone(seconds, rate, channels, frequency_hz) * np.float32(audio == "tone")


def _add_audio(container: Any, codec: str, rate: int, channels: int) -> Any:
    stream = container.add_stream(codec, rate=rate)
    stream.layout = "mono" if channels == 1 else "stereo"
    if codec == "aac":
        stream.bit_rate = 128_000
    return stream


def _encode_audio(stream: Any, sound: NDArray[np.float32], start: Fraction, hole_s: tuple[float, float] | None) -> list:
    packets = []
    rate, block = stream.rate, stream.codec_context.frame_size or 1024
    wants_float = "flt" in stream.format.name
    if not wants_float:
        sound = np.rint(np.clip(sound, -1, 32767 / 32768) * 32768).astype(np.int16)
    for first in range(0, len(sound), block):
        part = np.ascontiguousarray(sound[first : first + block])
        if stream.format.is_planar:
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(part.T), format=stream.format.name, layout=stream.layout.name
            )
        else:
            frame = av.AudioFrame.from_ndarray(
                part.reshape(1, -1), format=stream.format.name, layout=stream.layout.name
            )
        frame.sample_rate = rate
        frame.time_base = Fraction(1, rate)
        late = hole_s is not None and first >= round(hole_s[0] * rate)
        frame.pts = round(start * rate) + first + (round(hole_s[1] * rate) if hole_s and late else 0)
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _write_display_matrix(path: Path, rotation: int) -> None:
    """Set the matrix of the first track header of an MP4 (ISO/IEC 14496-12, 8.3.2), a clockwise turn."""
    a, b, c, d = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[rotation]
    data = bytearray(path.read_bytes())
    box = data.index(b"tkhd")
    matrix = box + 4 + (52 if data[box + 4] == 1 else 40)
    one = 1 << 16
    struct.pack_into(">9i", data, matrix, a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    path.write_bytes(data)


def truncated(path: Path) -> Path:
    """A copy of an MP4 cut before its index (moov), as a crash of the recorder leaves it."""
    data = path.read_bytes()
    assert data.index(b"moov") > len(data) // 2, "this file has its index at the front"
    return _sibling(path, "truncated", data[: len(data) // 2])


def broken_tail(path: Path, keep: float = 0.6) -> Path:
    """A copy without its last part; the file needs its index at the front (or none, as MKV and TS)."""
    data = path.read_bytes()
    return _sibling(path, "broken_tail", data[: int(len(data) * keep)])


def damaged_middle(path: Path, at: float = 0.5, length: int = 400) -> Path:
    """A copy with `length` bytes in its middle overwritten by noise."""
    data = bytearray(path.read_bytes())
    start = int(len(data) * at)
    data[start : start + length] = np.random.default_rng(0).bytes(length)
    return _sibling(path, "damaged", bytes(data))


def unknown_codec(path: Path, codec_id: bytes) -> Path:
    """A copy of an MKV whose first stream with this codec (b"A_AAC", b"V_MPEG4") has one that nobody knows."""
    data = path.read_bytes()
    assert codec_id in data
    return _sibling(path, "unknown", data.replace(codec_id, codec_id[:-2] + b"ZZ", 1))


def joined(path: Path, first: Path, second: Path) -> Path:
    """Two MPEG-TS files one after the other, as a recorder joins them: times start anew in the middle."""
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def _sibling(path: Path, word: str, data: bytes) -> Path:
    copy = path.with_name(f"{path.stem}_{word}{path.suffix}")
    copy.write_bytes(data)
    return copy
