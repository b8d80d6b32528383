"""Made-up streams for the tests of the views: one wearer who cuts, pours, idles and drills, with known mistakes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.contract import NS_PER_S, Prediction, RunResult, Segment, Snapshot, Telemetry, WindowSpec

LABELS = (
    "cut", "pour", "mix", "wash", "drill", "scrape", "shake", "fold", "open",
    "turn-on", "hammer", "peel", "wipe", "sand", "stir", "knead", "idle",
)  # fmt: skip
BACKGROUND = "idle"
SPEC = WindowSpec()
HOP_NS = SPEC.hop_frames * NS_PER_S // SPEC.frame_rate_hz
SCRIPT = (("idle", 3), ("cut", 6), ("pour", 4), ("idle", 3), ("drill", 7), ("wipe", 4), ("turn-on", 2), ("mix", 6))


def seconds(start_s: float, end_s: float, label: str, confidence: float = 0.8) -> Segment:
    """A closed segment given in seconds."""
    return Segment(round(start_s * NS_PER_S), round(end_s * NS_PER_S), label, confidence)


def truth_segments(duration_s: float = 60.0) -> tuple[Segment, ...]:
    """The script played again and again; idle stretches are not annotated."""
    segments, at_s, turn = [], 0.0, 0
    while at_s < duration_s:
        label, length_s = SCRIPT[turn % len(SCRIPT)]
        if label != BACKGROUND:
            segments.append(seconds(at_s, min(at_s + length_s, duration_s), label, 1.0))
        at_s, turn = at_s + length_s, turn + 1
    return tuple(segments)


def said_segments(duration_s: float = 60.0, seed: int = 7) -> tuple[Segment, ...]:
    """The truth as egoact might say it: late starts, early ends, one label in four wrong."""
    rng = np.random.default_rng(seed)
    said = []
    for segment in truth_segments(duration_s):
        start_ns = segment.start_ns + int(rng.uniform(0, 0.8) * NS_PER_S)
        end_ns = max(start_ns + HOP_NS, segment.end_ns - int(rng.uniform(0, 0.5) * NS_PER_S))
        label = segment.label if rng.random() < 0.75 else str(rng.choice(LABELS[:-1]))
        said.append(Segment(start_ns, end_ns, label, float(rng.uniform(0.5, 0.95))))
    return tuple(said)


def prediction(
    row_index: int,
    label: str,
    *,
    confidence: float = 0.72,
    video_label: str | None = None,
    audio_label: str | None = None,
    audio: bool = True,
    video: bool = True,
    unknown: bool = False,
    age_ms: float = 180.0,
    labels: tuple[str, ...] = LABELS,
) -> Prediction:
    """One hop in which 'all' says `label`; the other modes say their own label, or nothing when they are missing."""
    start_ns = row_index * HOP_NS
    clip_end_ns = start_ns + SPEC.clip_frames * NS_PER_S // SPEC.frame_rate_hz
    rows = [_spread(name, confidence, labels) for name in (label, video_label or label, audio_label or label)]
    if not video:
        rows[1][:] = np.nan
    if not audio:
        rows[2][:] = np.nan
    return Prediction(
        row_index=row_index,
        start_ns=start_ns,
        end_ns=start_ns + HOP_NS,
        clip_end_ns=clip_end_ns,
        probabilities=np.stack(rows),
        label=label,
        confidence=confidence,
        unknown=unknown,
        video_coverage=float(video),
        audio_coverage=float(audio),
        emitted_ns=clip_end_ns + int(age_ms * 1e6),
        stage_ms={"wait": 4.0, "video": 96.0, "fbank": 3.0, "audio": 31.0, "head": 0.6, "decide": 0.1},
    )


def _spread(label: str, confidence: float, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """float32 [K] with `confidence` on one label and the rest falling off over the others."""
    at = labels.index(label)
    weights = (0.6 if confidence > 0.4 else 0.95) ** np.arange(len(labels) - 1)
    probabilities = np.empty(len(labels), np.float32)
    others = [(at + step) % len(labels) for step in range(1, len(labels))]
    probabilities[others] = (1 - confidence) * weights / max(weights.sum(), 1e-9)
    probabilities[at] = confidence
    return probabilities


def predictions(duration_s: float = 60.0, seed: int = 7, *, audio: bool = True) -> tuple[Prediction, ...]:
    """One prediction a hop: 'all' mostly right, video alone a little worse, audio alone often wrong."""
    rng = np.random.default_rng(seed)
    truth, made = truth_segments(duration_s), []
    for row in range(max(1, int(duration_s / SPEC.hop_s) - 3)):
        middle_ns = row * HOP_NS + HOP_NS // 2
        true = next((s.label for s in truth if s.start_ns <= middle_ns < s.end_ns), BACKGROUND)
        said = [true if rng.random() < right else str(rng.choice(LABELS)) for right in (0.85, 0.7, 0.5)]
        made.append(
            prediction(
                row,
                said[0],
                confidence=float(np.clip(rng.normal(0.7, 0.15), 0.3, 0.98)),
                video_label=said[1],
                audio_label=said[2],
                audio=audio,
                unknown=said[0] == BACKGROUND,
                age_ms=float(rng.gamma(8, 25)),
            )
        )
    return tuple(made)


def run_result(duration_s: float = 60.0, *, audio: bool = True, clip: str = "kitchen.mp4") -> RunResult:
    """A whole run at real pace."""
    made = predictions(duration_s, audio=audio)
    frames = int(duration_s * SPEC.frame_rate_hz)
    ages = tuple(float(v) for v in np.percentile([p.label_age_ms for p in made], (50, 95, 99)))
    return RunResult(
        title=f"{clip} (256x256, 30 fps)",
        clip=clip,
        duration_s=duration_s,
        labels=LABELS,
        background_label=BACKGROUND,
        pace="realtime",
        rows=(),
        predictions=made,
        segments=said_segments(duration_s),
        telemetry=replace(
            Telemetry(frames, frames, 0, len(made), 30.0, (ages[0], ages[1], ages[2]), made[0].stage_ms, 214.0),
            segments=len(said_segments(duration_s)),
        ),
        notes=() if audio else ("no audio track: labels come from the picture alone",),
    )


def picture(at_s: float, size_px: int = 128) -> NDArray[np.uint8]:
    """RGB uint8 [S, S, 3]: a worktop, a board and two hands that move with time."""
    y, x = np.mgrid[0:size_px, 0:size_px] / size_px
    image = np.stack([0.55 - 0.2 * y, 0.42 - 0.12 * y, 0.30 - 0.05 * y], axis=-1)
    image[y < 0.3] = (0.30, 0.38, 0.45)
    image[(abs(x - 0.5) < 0.28) & (abs(y - 0.62) < 0.16)] = (0.80, 0.68, 0.45)
    swing = 0.08 * np.sin(6 * at_s)
    for centre in (0.3 + swing, 0.72 - swing):
        hand = ((x - centre) / 0.09) ** 2 + ((y - 0.78) / 0.16) ** 2 < 1
        image[hand] = (0.85, 0.62, 0.50)
    return (255 * image.clip(0, 1)).astype(np.uint8)


def snapshot(at_s: float = 24.0, *, audio: bool = True, annotated: bool = True, duration_s: float = 60.0) -> Snapshot:
    """What the pipeline would show `at_s` seconds into the run."""
    now_ns = round(at_s * NS_PER_S)
    made = [p for p in predictions(duration_s, audio=audio) if p.emitted_ns <= now_ns]
    said = said_segments(duration_s)
    going_on = [s for s in said if s.start_ns <= now_ns - 2 * HOP_NS < s.end_ns]
    frames = int(at_s * SPEC.frame_rate_hz)
    ages = [p.label_age_ms for p in made]
    age = tuple(float(v) for v in np.percentile(ages, (50, 95, 99))) if ages else None
    return Snapshot(
        title="kitchen.mp4",
        stream_ns=now_ns,
        labels=LABELS,
        prediction=made[-1] if made else None,
        open_segment=replace(going_on[0], end_ns=now_ns - 2 * HOP_NS, state="open") if going_on else None,
        closed_segments=tuple(s for s in said if s.end_ns <= now_ns - 2 * HOP_NS),
        truth=truth_segments(duration_s) if annotated else (),
        preview=picture(at_s),
        sound_level_db=-23.0 + 8 * float(np.sin(3 * at_s)) if audio else None,
        telemetry=Telemetry(
            captured_frames=frames,
            used_frames=max(0, frames - 9),
            dropped_frames=0,
            rows=len(made),
            frame_rate_hz=29.97,
            label_age_ms=(age[0], age[1], age[2]) if age else None,
            stage_ms=made[-1].stage_ms if made else None,
            memory_mb=214.0,
            engines=("video openvino f32", "audio openvino f32", "head openvino f32"),
        ),
        events=(
            "bundle demo, 17 labels",
            "clip opened: 1280x720, 30 fps, AAC 48 kHz",
            *(() if audio else ("no audio track: labels come from the picture alone",)),
            f"{len(made)} labels so far",
        ),
    )
