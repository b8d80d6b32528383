"""The sound of a recorded clip, and the parts of it that belong to rows and to clips of rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge.contract import AudioBlock, WindowSpec
from edge.rings import AudioRing, AudioWindow
from edge.sources.audio_track import AudioTrack
from edge.sources.video_track import VideoTrack


class Sound:
    """A whole track on the stream's axis; sample 0 is at stream time 0, the first video frame.

    Args:
        blocks: float32 [n] each, mono at 16 kHz, in time order, as a source gives them.
    """

    def __init__(self, blocks: Sequence[AudioBlock]) -> None:
        length = blocks[-1].start_sample + len(blocks[-1].samples) if blocks else 0
        self._ring = AudioRing(max(1, length))
        for block in blocks:
            self._ring.put(block)

    def window(self, end_sample: int, length_samples: int) -> AudioWindow:
        """`length_samples` samples that end before `end_sample`; zeros, not covered, where the track has none."""
        return self._ring.window(end_sample, length_samples)

    def live_window(self, start_tick: int, spec: WindowSpec) -> AudioWindow:
        """The sound of the live clip whose newest row starts at `start_tick` (34133 samples that end with the row)."""
        end_sample = (start_tick + spec.row_frames) * spec.audio_rate_hz // spec.frame_rate_hz
        return self.window(end_sample, spec.clip_audio_samples)

    def clip_window(self, first_row: int, last_row: int, row_starts: Sequence[int], spec: WindowSpec) -> AudioWindow:
        """The sound of the clip that spans rows first..last, see `clip_extent`."""
        start, end = clip_extent(first_row, last_row, row_starts, spec)
        return self.window(end, end - start)


def clip_extent(first_row: int, last_row: int, row_starts: Sequence[int], spec: WindowSpec) -> tuple[int, int]:
    """Samples [start, end) that the rows first..last of a video span: [16 s / 30, (16 e + 32) / 30] seconds.

    Row i covers the frames from 16 i on; only the last row of a video starts earlier, since it ends with the video.

    Args:
        first_row, last_row: row indices, as ARGO1M's action_start_feature_idx and action_end_feature_idx.
        row_starts: first grid tick of every row of the video.

    Raises:
        ValueError: the rows are not in order or not in the video.
    """
    if not 0 <= first_row <= last_row < len(row_starts):
        raise ValueError(f"rows {first_row}..{last_row} of a video of {len(row_starts)} rows")
    start_tick, end_tick = row_starts[first_row], row_starts[last_row] + spec.row_frames
    return (
        start_tick * spec.audio_rate_hz // spec.frame_rate_hz,
        end_tick * spec.audio_rate_hz // spec.frame_rate_hz,
    )


def read_sound(path: Path, spec: WindowSpec) -> Sound:
    """The whole sound of a clip as the runtime places and resamples it; empty without a track that decodes.

    Takes 230 MB an hour.

    Raises:
        SourceError: the clip cannot be opened, or has no video (which defines stream time 0).
    """
    video = VideoTrack(path, spec)
    video.close()
    track = AudioTrack(path, spec, video.start_ns)
    try:
        blocks = [event for _, event in track.events() if isinstance(event, AudioBlock)]
    finally:
        track.close()
    return Sound(blocks)
