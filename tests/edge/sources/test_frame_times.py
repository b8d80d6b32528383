from __future__ import annotations

from edge.sources.frame_times import FrameTimes

MS = 1_000_000
STEP = 40 * MS


def mended(presentation: list[int | None], decoding: list[int | None] | None = None) -> tuple[list[int], int]:
    times = FrameTimes(STEP)
    decoding = decoding or [None] * len(presentation)
    return [times.push(*pair) for pair in zip(presentation, decoding, strict=True)], times.mended


def test_good_times_are_kept_and_start_at_zero() -> None:
    assert mended([500, 500 + STEP, 500 + 3 * STEP]) == ([0, STEP, 3 * STEP], 0)


def test_missing_times_follow_the_average_rate() -> None:
    assert mended([0, None, None, 3 * STEP, None]) == ([0, STEP, 2 * STEP, 3 * STEP, 4 * STEP], 3)


def test_no_times_at_all() -> None:
    assert mended([None] * 3) == ([0, STEP, 2 * STEP], 3)


def test_repeated_time_is_counted_and_keeps_its_place() -> None:
    times, count = mended([0, STEP, STEP, 2 * STEP])
    assert times == [0, STEP, STEP, 2 * STEP]
    assert count == 1


def test_times_that_start_anew_go_on() -> None:
    first, second = [n * STEP for n in range(50)], [n * STEP for n in range(10)]
    times, _ = mended(first + second)
    assert times == [n * STEP for n in range(60)]


def test_leap_of_hours_is_closed() -> None:
    hours = 5 * 3600 * 1000 * MS
    times, _ = mended([0, STEP, hours, hours + STEP])
    assert times == [0, STEP, 2 * STEP, 3 * STEP]


def test_pause_of_seconds_is_kept() -> None:
    pause = 20_000 * MS
    assert mended([0, pause, pause + STEP]) == ([0, pause, pause + STEP], 0)


def test_decoding_times_are_used_when_presentation_times_run_backwards() -> None:
    presentation: list[int | None] = [0, 2 * STEP, 3 * STEP, STEP, 5 * STEP, 6 * STEP, 4 * STEP, 8 * STEP]
    decoding: list[int | None] = [n * STEP for n in range(8)]
    times, _ = mended(presentation, decoding)
    assert times[3:] == [3 * STEP, 4 * STEP, 5 * STEP, 6 * STEP, 7 * STEP]


def test_after_a_leap_the_spacing_of_the_new_times_counts() -> None:
    first, second = [n * STEP for n in range(50)], [n * 3 * STEP for n in range(10)]
    times, _ = mended(first + second)
    assert times[50:] == [50 * STEP + n * 3 * STEP for n in range(10)]
