"""Media files that lie: made here, a few hundred bytes to a few hundred kilobytes each."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.hostile.broken import broken
from tests.media import even_times_s, make_clip

_FTYP = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)


def lying(folder: Path) -> Iterator[Path]:
    """One file a lie."""
    for name, size, pixels in (
        ("one_pixel", (1, 1), "gray"),
        ("three_pixels", (3, 1), "bgra"),
        ("giant", (8_300, 8_300), "gray"),
        ("ribbon", (16_000, 2), "yuv420p"),
    ):
        yield _ffv1(folder / f"{name}.mkv", size, pixels)
    yield _jpeg_of_another_size(folder / "lying_jpeg.mkv")
    for rate_hz in (0, 1, 7, 10**6, 2**31 - 1, 2**32 - 1):
        yield _wav(folder / f"{rate_hz}_hz.wav", rate_hz)
    for channels in (0, 64, 255, 32_000):
        yield _wav(folder / f"{channels}_channels.wav", 16_000, channels)
    yield _wav(folder / "endless.wav", 16_000, claimed=2**32 - 1)
    yield _sound_only(folder / "no_picture.mkv")
    yield _leaping(folder / "leaping_times.mkv")
    for name, content in (
        ("matroska_head.mkv", b"\x1a\x45\xdf\xa3" + b"\xff" * 60),
        ("boxes.mp4", b"".join(struct.pack(">I4s", 8, b"moov") for _ in range(50_000))),
        ("box_of_terabytes.mp4", _FTYP + struct.pack(">I4sQ", 1, b"moov", 1 << 60)),
        ("nested_boxes.mp4", b"".join(struct.pack(">I4s", 1 << 20, b"moov") for _ in range(5_000))),
        ("playlist.mkv", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        ("concat.mkv", b"ffconcat version 1.0\nfile '/etc/passwd'\n"),
        ("description.mkv", b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n"),
        ("text.mp4", b"hello\n" * 100),
    ):  # fmt: skip
        (folder / name).write_bytes(content)
        yield folder / name


def damaged(folder: Path, seed: int, count: int) -> Iterator[Path]:
    """`count` damaged copies of each kind of good clip."""
    for kind, codec in (("mp4", "libx264"), ("mkv", "libx264"), ("avi", "mjpeg")):
        whole = folder / f"whole.{kind}"
        make_clip(whole, times_s=even_times_s(Fraction(30), 1.0), size=(64, 48), codec=codec)
        content = whole.read_bytes()
        rng = random.Random(seed)
        for number, (_, changed) in enumerate(broken(content, seed, count)):
            if rng.random() < 0.3:  # the headers, where sizes and rates stand, more often
                at = rng.randrange(min(len(content), 1200))
                changed = content[:at] + rng.randbytes(4) + content[at + 4 :]
            yield _written(folder / f"{seed}_{number}.{kind}", changed[: 1 << 20])


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _ffv1(path: Path, size: tuple[int, int], pixels: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        for _ in range(2):
            frame = av.VideoFrame(*size, pixels)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _jpeg_of_another_size(path: Path) -> Path:
    make_clip(path, times_s=even_times_s(Fraction(30), 0.3), size=(64, 64), codec="mjpeg")
    content, at = bytearray(path.read_bytes()), 0
    while (at := content.find(b"\xff\xc0", at + 1)) > 0:
        content[at + 5 : at + 9] = struct.pack(">HH", 16_000, 16_000)
    return _written(path, bytes(content))


def _wav(path: Path, rate_hz: int, channels: int = 1, claimed: int | None = None) -> Path:
    data = np.arange(4000, dtype="<i2").tobytes()
    block = 2 * channels & 0xFFFF
    form = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block, 16)
    size = len(data) if claimed is None else claimed
    return _written(
        path,
        b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", size) + data,
    )  # fmt: skip


def _sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1600), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 16_000, 0
        container.mux(stream.encode(frame))
    return path


def _leaping(path: Path) -> Path:
    """Two hundred frames, each a month after the one before."""
    make_clip(path, times_s=[Fraction(n * 2_500_000) for n in range(200)], size=(64, 48), codec="libx264")
    return path
