"""The contract between all packages: the window numbers and the data that flows through the runtime.

Times are integer nanoseconds of *stream time*: 0 is the first video frame of a clip, or the moment a live source was
opened. A source publishes `origin_ns`, the monotonic time of stream time 0, so stream + origin is the monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.playback import Playback
from edge.run_health import Recording, Telemetry
from edge.sensor_status import Modality, SensorStatus

NS_PER_S = 1_000_000_000

MODES = ("all", "video", "audio")
"""The three masked rows of the head, in the order of its batch."""

HEAD_MASK = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 1]], np.float32)
"""[3 modes, 3 modalities]: which of appearance, motion, audio each masked row of the head sees."""


@dataclass(frozen=True)
class WindowSpec:
    """How a stream is cut into rows and clips. Every package takes these numbers from here.

    Sources: Ego4D's SlowFast feature extraction (32 frames at 30 fps, stride 16), CIR (3 rows a clip).
    """

    frame_rate_hz: int = 30
    row_frames: int = 32
    hop_frames: int = 16
    clip_rows: int = 3
    frame_size_px: int = 256
    audio_rate_hz: int = 16_000
    slow_frames: tuple[int, ...] = (0, 4, 8, 13, 17, 22, 26, 31)

    @property
    def hop_s(self) -> float:
        return self.hop_frames / self.frame_rate_hz

    @property
    def clip_frames(self) -> int:
        """Frames that a live clip of consecutive rows spans (64 by default)."""
        return self.row_frames + (self.clip_rows - 1) * self.hop_frames

    @property
    def clip_audio_samples(self) -> int:
        """Samples of the audio window of a live clip (34133 by default), rounded down."""
        return self.clip_frames * self.audio_rate_hz // self.frame_rate_hz

    def tick_ns(self, tick: int) -> int:
        """Stream time in ns of grid tick `tick` (frame k of the 30 fps grid is due at k / 30 s)."""
        return tick * NS_PER_S // self.frame_rate_hz

    def row_starts(self, ticks: int) -> list[int]:
        """First grid tick of every row of a stream of `ticks` frames.

        Ego4D's rule: one row every `hop_frames`; when frames are left over, one more row that ends on the last frame.
        A stream shorter than a row gives one row, starting at 0 (its last frame is repeated).
        """
        if ticks <= 0:
            return []
        if ticks <= self.row_frames:
            return [0]
        starts = list(range(0, ticks - self.row_frames + 1, self.hop_frames))
        if starts[-1] + self.row_frames < ticks:
            starts.append(ticks - self.row_frames)
        return starts

    def clip_row_indices(self, first: int, last: int) -> list[int]:
        """Row indices of the clip that spans rows first..last: rint(linspace(first, last, clip_rows)), as CIR does."""
        return [int(i) for i in np.rint(np.linspace(first, last, self.clip_rows))]

    def live_clip_rows(self, newest: int) -> list[int]:
        """Row indices of the live clip that ends with row `newest`; fewer distinct ones at the start."""
        return self.clip_row_indices(max(0, newest - self.clip_rows + 1), newest)


class Frame(NamedTuple):
    """One frame of the 30 fps grid, already at the size that the models want."""

    tick: int
    """Grid tick that the frame serves."""
    t_ns: int
    """Stream time at which the sensor delivered the frame (presentation time when replaying)."""
    image: NDArray[np.uint8]
    """RGB uint8 [S, S, 3]."""


class AudioBlock(NamedTuple):
    """Consecutive mono samples at the contract's rate."""

    start_sample: int
    """Index of the first sample on the stream's 16 kHz axis (sample n is at n / 16000 s of stream time)."""
    samples: NDArray[np.float32]
    """float32 [n] in [-1, 1]."""
    heard: bool = True
    """False when the samples fill a gap in which nothing was recorded."""


class VideoEnd(NamedTuple):
    """No more frames will come; `ticks` is the length of the stream on the grid."""

    ticks: int


class AudioEnd(NamedTuple):
    """No more samples will come, or there is no sound at all; `reason` says why ('end', 'no audio track', ...)."""

    reason: str


class FramesStored(NamedTuple):
    """A capture process has put frames into the shared ring: every tick below `next_tick` that came is there."""

    next_tick: int
    frames: int
    """Frames stored so far, of all ticks."""


class SoundStored(NamedTuple):
    """A capture process has put sound into the shared ring: every sample below `next_sample` that came is there."""

    next_sample: int


class SensorAway(NamedTuple):
    """Nothing comes from this sensor until it has stored something again: do not wait for it."""

    modality: Modality


Event = Frame | AudioBlock | VideoEnd | AudioEnd | FramesStored | SoundStored | SensorAway


@dataclass(frozen=True)
class FeatureRow:
    """Frozen-backbone features of one row of 32 frames, computed once."""

    index: int
    start_tick: int
    appearance: NDArray[np.float32]
    """float32 [A], slow pathway (2048 for the full-size model)."""
    motion: NDArray[np.float32]
    """float32 [M], fast pathway (256 for the full-size model)."""
    coverage: float
    """Share of the row's ticks whose frame is fresh (0..1)."""


@dataclass(frozen=True)
class ClipFeatures:
    """What the head sees at one moment: three rows in time order and the audio of the same extent."""

    row: FeatureRow
    """The newest row."""
    newest_ns: int
    """The newest sensor time that the label uses: of its last sample or of its last frame."""
    appearance: NDArray[np.float32]
    """float32 [3 * A]"""
    motion: NDArray[np.float32]
    """float32 [3 * M]"""
    audio: NDArray[np.float32]
    """float32 [D], zeros when there was no sound"""
    video_coverage: float
    audio_coverage: float


@dataclass(frozen=True)
class Prediction:
    """Calibrated probabilities of one hop, for the three masked rows of the head."""

    row_index: int
    start_ns: int
    """Start of the hop-long interval that this prediction speaks for (around the clip's centre)."""
    end_ns: int
    clip_end_ns: int
    """Newest sensor time used."""
    probabilities: NDArray[np.float32]
    """float32 [3, K], rows as MODES; rows of a missing modality are NaN, and 'all' falls back to what is there."""
    label: str
    """Means nothing when the prediction is `blind`."""
    confidence: float
    unknown: bool
    """True when the label is below an unknown threshold (`edge.unknown`) or is the background label."""
    video_coverage: float
    audio_coverage: float
    emitted_ns: int
    """Stream time at which the label was emitted (monotonic now minus the source's origin)."""
    stage_ms: dict[str, float]
    """Duration of each stage in ms: wait, window, video, fbank, audio, head, decide. They add up to the label age."""

    @property
    def label_age_ms(self) -> float:
        """Newest sensor time that the label used -> label emitted."""
        return (self.emitted_ns - self.clip_end_ns) / 1e6

    @property
    def blind(self) -> bool:
        """There was nothing to see or hear, so there is no label."""
        return bool(np.isnan(self.probabilities[0]).any())


@dataclass(frozen=True)
class Segment:
    """A stretch of one label: what egoact finally says."""

    start_ns: int
    end_ns: int
    label: str
    confidence: float
    """Mean calibrated probability of the label over the segment."""
    state: Literal["open", "closed"] = "closed"


@dataclass(frozen=True)
class Snapshot:
    """Everything that a view needs at one moment; immutable, made by the pipeline, read by TUI and plain output."""

    title: str
    stream_ns: int
    labels: tuple[str, ...]
    prediction: Prediction | None
    open_segment: Segment | None
    closed_segments: tuple[Segment, ...]
    """Newest last; at most the last 60, `telemetry.segments` has their number."""
    truth: tuple[Segment, ...]
    """Annotated segments when an annotation was given, else empty."""
    preview: NDArray[np.uint8] | None
    """Newest frame, RGB uint8 [S, S, 3]."""
    sound_level_db: float | None
    """RMS of the last 0.1 s in dB full scale; None without sound."""
    telemetry: Telemetry
    events: tuple[str, ...]
    """Plain-word log lines, newest last; at most the last 60."""
    finished: bool = False
    background_label: str | None = None
    """The label that means that nothing goes on; None when the bundle has none."""
    sensors: tuple[SensorStatus, ...] = ()
    """Camera and microphone of a live run; empty when replaying."""
    masked: frozenset[Modality] = frozenset()
    """Modalities that the user has taken away from the model."""
    threshold: float | None = None
    """Probability from which a segment opens; None when there is nothing to be set."""
    sound_bands_db: tuple[float, ...] = ()
    """Spectrum of the last 0.1 s (`edge.spectrum`), low to high; empty without sound."""
    recording: Recording | None = None
    """None when nothing is recorded."""
    problem: str | None = None
    """The error that ended the run."""
    playback: Playback | None = None
    """Of a recorded clip in which the user went to another place, or changed the speed; None: as it comes."""


@dataclass(frozen=True)
class RunResult:
    """All that one replayed or recorded stream produced."""

    title: str
    clip: str
    """File name as annotations name it."""
    duration_s: float
    labels: tuple[str, ...]
    background_label: str | None
    pace: Literal["realtime", "fast", "live"]
    rows: tuple[FeatureRow, ...]
    """All, or the last ones of a live run, as predictions and segments; `telemetry` has their numbers."""
    predictions: tuple[Prediction, ...]
    segments: tuple[Segment, ...]
    telemetry: Telemetry
    notes: tuple[str, ...]
    """What the user should know: no audio track, broken tail, frames dropped ..."""
