"""Rings: what was put in comes out at its tick or sample, and what was not is said so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract import AudioBlock, Frame, FramesStored, SensorAway, SoundStored, WindowSpec
from edge.rings import AudioRing, Rings, VideoRing

SPEC = WindowSpec(frame_size_px=4)


def frame(tick: int, *, late_s: float = 0.0) -> Frame:
    return Frame(tick, SPEC.tick_ns(tick) - int(late_s * 1e9), np.full((4, 4, 3), tick % 251, np.uint8))


def test_row_holds_the_frames_of_its_ticks_after_wrapping() -> None:
    ring = VideoRing(SPEC, 50)
    for tick in range(130):
        ring.put(frame(tick))
    window = ring.row(96)
    assert window.frames.shape == (32, 4, 4, 3)
    assert window.frames[:, 0, 0, 0].tolist() == [t % 251 for t in range(96, 128)]
    assert window.coverage == 1.0


def test_ticks_that_were_overwritten_are_not_covered() -> None:
    ring = VideoRing(SPEC, 50)
    for tick in range(130):
        ring.put(frame(tick))
    window = ring.row(64)
    assert window.coverage == pytest.approx(16 / 32)
    assert window.frames[:, 0, 0, 0].tolist() == [80] * 16 + list(range(80, 96))
    assert window.numbers == range(80, 96)
    assert ring.row(40).coverage == 0
    assert not ring.row(40).numbers


def test_short_stream_repeats_its_last_frame_and_says_so() -> None:
    ring = VideoRing(SPEC, 64)
    for tick in range(10):
        ring.put(frame(tick))
    window = ring.row(0)
    assert window.frames[:, 0, 0, 0].tolist() == [*range(10), *[9] * 22]
    assert window.coverage == pytest.approx(10 / 32)


def test_stale_frames_lower_the_coverage() -> None:
    ring = VideoRing(SPEC, 64)
    for tick in range(32):
        ring.put(frame(tick, late_s=0.3 if tick < 8 else 0.0))
    assert ring.row(0).coverage == pytest.approx(24 / 32)


def test_row_is_a_copy() -> None:
    ring = VideoRing(SPEC, 48)
    for tick in range(32):
        ring.put(frame(tick))
    window = ring.row(0)
    for tick in range(32, 80):
        ring.put(frame(tick))
    assert window.frames[0, 0, 0, 0] == 0


@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=20),
    gaps=st.lists(st.integers(-10, 30), min_size=20, max_size=20),
    end=st.integers(-20, 500),
    length=st.integers(1, 100),
)
def test_audio_window_equals_a_plain_array(lengths: list[int], gaps: list[int], end: int, length: int) -> None:
    """Against the obvious version: an unlimited array with a flag a sample."""
    capacity = 150
    ring = AudioRing(capacity)
    plain, heard = np.zeros(4000, np.float32), np.zeros(4000, bool)
    next_sample = 0
    for count, gap in zip(lengths, gaps, strict=False):
        start = max(0, next_sample + gap)
        samples = np.arange(start + 1, start + count + 1, dtype=np.float32)
        ring.put(AudioBlock(start, samples))
        fresh = max(start, next_sample)
        if start + count > fresh:
            plain[fresh : start + count] = np.arange(fresh + 1, start + count + 1)
            heard[fresh : start + count] = True
        next_sample = max(next_sample, start + count)
    window = ring.window(end, length)
    index = np.arange(end - length, end)
    there = (index >= max(0, next_sample - capacity)) & (index < next_sample) & heard[np.clip(index, 0, None)]
    assert window.samples.tolist() == np.where(there, plain[np.clip(index, 0, None)], 0).tolist()
    assert window.coverage == pytest.approx(there.mean())


def test_a_row_is_ready_only_with_its_sound() -> None:
    rings = Rings(SPEC)
    for tick in range(32):
        rings.video.put(frame(tick))
    assert not rings.ready(0)
    rings.audio.put(AudioBlock(0, np.ones(rings.audio_end_sample(0) - 1, np.float32)))
    assert not rings.ready(0)
    rings.audio.put(AudioBlock(rings.audio_end_sample(0) - 1, np.ones(1, np.float32)))
    assert rings.ready(0)
    assert not rings.ready(16)
    rings.video_ended = rings.audio_ended = True
    assert rings.ready(16)


def test_a_waiting_writer_never_overwrites_what_is_needed() -> None:
    rings = Rings(SPEC, seconds=4.0)
    capacity = rings.video.capacity_ticks
    assert not rings.would_overwrite(frame(capacity - 1))
    assert rings.would_overwrite(frame(capacity))
    rings.oldest_needed_tick = 1
    assert not rings.would_overwrite(frame(capacity))
    samples = rings.audio.capacity_samples
    assert not rings.would_overwrite(AudioBlock(samples - 5, np.ones(5, np.float32)))
    assert rings.would_overwrite(AudioBlock(samples - 4, np.ones(5, np.float32)))


def writer_and_reader(capacity: int = 50) -> tuple[VideoRing, VideoRing]:
    """Two rings on one memory, as two processes have them."""
    memory = np.zeros(VideoRing.size_bytes(SPEC, capacity), np.uint8)
    return VideoRing(SPEC, capacity, memory), VideoRing(SPEC, capacity, memory)


def test_a_reader_looks_at_nothing_that_was_not_announced() -> None:
    writer, reader = writer_and_reader()
    for tick in range(40):
        writer.put(frame(tick))
    reader.announced(32, 32)
    window = reader.row(8)
    assert window.coverage == pytest.approx(24 / 32)
    assert window.numbers == range(8, 32)
    assert window.frames[:, 0, 0, 0].tolist() == [*range(8, 32), *[31] * 8]


def test_a_slot_that_is_being_overwritten_holds_no_frame() -> None:
    writer, reader = writer_and_reader()
    for tick in range(50):
        writer.put(frame(tick))
    reader.announced(50, 50)
    assert reader.row(0).coverage == 1.0
    seen: list[range] = []

    class Slow:
        """A picture in the middle of whose storing somebody reads."""

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            seen.append(reader.row(0).numbers)
            return np.zeros((4, 4, 3), np.uint8)

    writer.put(Frame(50, 0, Slow()))  # type: ignore[arg-type]
    assert seen
    assert set(seen) == {range(1, 32)}


def test_sound_that_is_being_overwritten_is_not_heard() -> None:
    memory = np.zeros(AudioRing.size_bytes(100), np.uint8)
    writer, reader = AudioRing(100, memory), AudioRing(100, memory)
    writer.put(AudioBlock(0, np.ones(100, np.float32)))
    reader.announced(100)
    assert reader.window(100, 100).coverage == 1.0
    writer.put(AudioBlock(100, np.full(10, 2, np.float32)))
    window = reader.window(100, 100)
    assert window.coverage == pytest.approx(0.9)
    assert window.samples.tolist() == [0] * 10 + [1] * 90


def test_the_successor_of_a_writer_goes_on_in_its_ring() -> None:
    memory = np.zeros(VideoRing.size_bytes(SPEC, 50), np.uint8)
    first = VideoRing(SPEC, 50, memory)
    for tick in range(5):
        first.put(frame(tick))
    second = VideoRing(SPEC, 50, memory)
    assert (second.next_tick, second.frames) == (5, 5)
    second.put(frame(9))
    second.announced(10, 6)
    assert second.row(0).numbers == range(6)
    assert second.row(0).newest_tick == 9


def test_a_frame_is_given_while_it_is_there() -> None:
    ring = VideoRing(SPEC, 50)
    for tick in range(130):
        if tick != 100:
            ring.put(frame(tick))
    got = ring.frame(97)
    assert got is not None
    assert (got.tick, got.t_ns, int(got.image[0, 0, 0])) == (97, SPEC.tick_ns(97), 97)
    ring.put(frame(147))
    assert int(got.image[0, 0, 0]) == 97, "a copy"
    assert [ring.frame(tick) for tick in (97, 100, 79, 148)] == [None] * 4


def test_heard_blocks_leave_out_what_was_not_heard_or_is_gone() -> None:
    ring = AudioRing(1000)
    ring.put(AudioBlock(0, np.full(900, 0.1, np.float32)))
    ring.put(AudioBlock(900, np.zeros(100, np.float32), heard=False))
    ring.put(AudioBlock(1100, np.full(300, 0.2, np.float32)))
    blocks = ring.heard_blocks(0, 2000)
    assert [(b.start_sample, len(b.samples), round(float(b.samples[0]), 1)) for b in blocks] == [
        (400, 500, 0.1),
        (1100, 300, 0.2),
    ]
    assert ring.heard_blocks(900, 1100) == []


def test_new_rings_hold_eight_seconds_and_nothing_has_ended() -> None:
    rings = Rings(SPEC)
    assert rings.video.capacity_ticks == 8 * SPEC.frame_rate_hz
    assert rings.audio.capacity_samples == 8 * SPEC.audio_rate_hz
    assert not rings.video_ended
    assert not rings.audio_ended
    assert not rings.ready(0)
    assert (rings.sound_delay_samples, rings.oldest_needed_tick) == (0, 0)


@pytest.mark.parametrize("delay_samples", [-160, 0, 160])
def test_the_sound_of_a_clip_ends_as_much_later_as_the_microphone_lags(delay_samples: int) -> None:
    rings = Rings(SPEC)
    rings.sound_delay_samples = delay_samples
    assert rings.audio_end_sample(30) == 62 * SPEC.audio_rate_hz // SPEC.frame_rate_hz + delay_samples


def test_what_was_announced_is_there_and_brings_a_sensor_back() -> None:
    rings = Rings(SPEC)
    rings.store(SensorAway("video"))
    rings.store(SensorAway("audio"))
    assert rings.no_video
    assert rings.no_audio
    rings.store(FramesStored(5, 4))
    rings.store(SoundStored(800))
    assert (rings.video.next_tick, rings.video.frames, rings.audio.next_sample) == (5, 4, 800)
    assert not rings.no_video
    assert not rings.no_audio
