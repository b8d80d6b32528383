"""A made scene in which something is seen and heard at known times: flashes with clicks, or hands that clap."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, AudioBlock, Frame

RATE_HZ = 16_000


def event_times_s(seconds: float, seed: int) -> NDArray[np.float64]:
    """About one event a second, at any phase of the frames."""
    random = np.random.default_rng(seed)
    return np.arange(1.0, seconds - 0.7) + random.uniform(-0.15, 0.15, len(np.arange(1.0, seconds - 0.7)))


def picture(t_s: float, events_s: NDArray[np.float64], kind: str, random: np.random.Generator) -> NDArray[np.uint8]:
    """What a camera with a short exposure sees at `t_s`: RGB uint8 [64, 64, 3]."""
    image = random.normal(70, 3, (64, 64))
    if kind == "flash" and np.any((t_s >= events_s) & (t_s < events_s + 0.12)):
        image += 90
    if kind == "clap":
        since_s = min((t_s - event for event in events_s), key=abs, default=9.0)
        # Two hands come together in 0.25 s, faster and faster, stay for 0.1 s, and part as smoothly as hands do.
        if since_s < 0:
            apart = min(1.0, -since_s / 0.25) ** 0.7
        else:
            apart = 0.5 - 0.5 * np.cos(np.pi * min(1.0, max(0.0, (since_s - 0.1) / 0.22)))
        reach = round(22 * apart)
        image[20:50, max(0, 24 - reach) : 32 - reach] += 110
        image[20:50, 32 + reach : 40 + reach] += 110
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def sound(events_s: NDArray[np.float64], seconds: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Noise of a quiet room, a loud hum, and a short decaying crack at every event."""
    t_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = 0.002 * random.standard_normal(len(t_s)) + 0.2 * np.sin(2 * np.pi * 50 * t_s)
    for event in events_s:
        first = round(event * RATE_HZ)
        crack = random.standard_normal(800) * np.exp(-np.arange(800) / 120)
        samples[first : first + 800] += 0.4 * crack[: len(samples) - first]
    return samples.astype(np.float32)


def events(
    seconds: float,
    kind: str,
    offset_s: float,
    *,
    seed: int = 0,
    unseen: int = 0,
    extra_sounds: int = 0,
    frame_rate_hz: float = 30.0,
) -> Iterator[Frame | AudioBlock]:
    """Frames whose times come `offset_s` late, and sound; some events are not seen, some sounds are no events."""
    random = np.random.default_rng(seed)
    happened_s = event_times_s(seconds, seed)
    seen_s = np.delete(happened_s, random.choice(len(happened_s), unseen, replace=False))
    heard_s = np.concatenate([happened_s, random.uniform(0.5, seconds - 0.5, extra_sounds)])
    for number in range(int(seconds * frame_rate_hz)):
        t_s = number / frame_rate_hz
        yield Frame(number, round((t_s + offset_s) * NS_PER_S), picture(t_s, seen_s, kind, random))
    samples = sound(heard_s, seconds, random)
    for start in range(0, len(samples), 320):
        yield AudioBlock(start, samples[start : start + 320])


def write_clip(path: Path, seconds: float, kind: str, offset_s: float) -> Path:
    """The same as a file with PCM sound: its pictures come `offset_s` late."""
    random = np.random.default_rng(0)
    happened_s = event_times_s(seconds, 0)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=30)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        for number in range(int(seconds * 30)):
            image = picture(number / 30 - offset_s, happened_s, kind, random)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(video.encode(frame))
        samples = (sound(happened_s, seconds, random) * 32767).astype(np.int16)
        for start in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "s16", "mono")
            block.pts, block.time_base, block.sample_rate = start, Fraction(1, RATE_HZ), RATE_HZ
            container.mux(audio.encode(block))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path
