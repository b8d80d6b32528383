"""The plan of one video: who wears the camera, which actions follow each other, and what is heard during each of them.

Everything that varies is drawn here or from a segment's own seed, so that pictures, sound and annotation agree.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

import numpy as np

from trainer.data.world.actions import BY_LABEL, LABELS, SOUNDING_LABELS
from trainer.data.world.domains import LOCATION_BY_NAME, SCENARIO_BY_NAME, Rgb, rng_for, slug
from trainer.data.world.kits import KITS
from trainer.data.world.narration import audio_narration

RENDER_VERSION = 5
SHORTEST_VIDEO_S = 5.0
OFFSCREEN_SHARE = 0.25
WEARERS_PER_LOCATION = 6
SLOTS = 3
_SKINS: tuple[Rgb, ...] = (
    (236, 198, 170),
    (222, 176, 142),
    (198, 146, 108),
    (160, 110, 78),
    (116, 78, 56),
    (86, 58, 44),
)


@dataclass(frozen=True)
class Wearer:
    """Person behind the camera. `side` is +1 for right-handed; `tempo` and `size` are factors."""

    number: int
    skin_rgb: Rgb
    sleeve_rgb: Rgb
    sleeve_px: float
    side: int
    tempo: float
    reach: float
    size: float
    loudness_db: float
    microphone_tilt: float


@dataclass(frozen=True)
class Segment:
    """One action. `start_s`..`end_s` is when it happens, `marked_start_s`..`marked_end_s` what the annotator wrote."""

    label: str
    start_s: float
    end_s: float
    marked_start_s: float
    marked_end_s: float
    narration: str
    audio_narration: str
    consistency: float
    sound_onscreen: bool
    own_gain_db: float
    other_sound: str | None
    other_gain_db: float
    slot: int
    slides: bool
    offset_px: tuple[float, float]
    rate_hz: float
    amplitude_px: float
    seed: int


@dataclass(frozen=True)
class Noise:
    """A sound from elsewhere that has nothing to do with the action."""

    sound: str
    start_s: float
    end_s: float
    gain_db: float


@dataclass(frozen=True)
class Plan:
    """Everything that `write.render_video` needs to know about one video."""

    name: str
    scenario: str
    location: str
    wearer: Wearer
    seed: int
    duration_s: float
    segments: tuple[Segment, ...]
    noises: tuple[Noise, ...]

    def digest(self) -> str:
        """Fingerprint of plan and renderer, stored in the file to recognise finished videos."""
        return hashlib.sha256(f"{RENDER_VERSION} {self!r}".encode()).hexdigest()[:20]


def make_wearer(seed: int, location: str, number: int) -> Wearer:
    """Wearer `number` (1..WEARERS_PER_LOCATION) of a location: as in ARGO1M people do not travel."""
    rng = rng_for(seed, "wearer", location, number)
    hue = rng.uniform(40, 215, 3)
    return Wearer(
        number=number,
        skin_rgb=_SKINS[(number + zlib.crc32(location.encode())) % len(_SKINS)],
        sleeve_rgb=(int(hue[0]), int(hue[1]), int(hue[2])),
        sleeve_px=float(rng.choice([62.0, 84.0, 190.0])),
        side=-1 if rng.random() < 0.2 else 1,
        tempo=float(rng.uniform(0.82, 1.22)),
        reach=float(rng.uniform(0.8, 1.2)),
        size=float(rng.uniform(0.92, 1.12)),
        loudness_db=float(rng.uniform(-4, 4)),
        microphone_tilt=float(rng.uniform(-0.35, 0.35)),
    )


def _deck(seed: int, scenario: str, location: str, start: int, count: int) -> list[str]:
    """`count` labels from an endless sequence of shuffled rounds, so that every action appears about equally often."""
    rounds = (start + count) // len(LABELS) + 1
    cards: list[str] = []
    for number in range(rounds):
        cards += [LABELS[i] for i in rng_for(seed, "deck", scenario, location, number).permutation(len(LABELS))]
    return cards[start : start + count]


def _segment(
    rng: np.random.Generator,
    label: str,
    start_s: float,
    end_s: float,
    gap_s: float,
    last_slot: int,
    scenario: str,
    location: str,
    wearer: Wearer,
) -> Segment:
    action, kit, ambience = BY_LABEL[label], KITS[scenario, label], LOCATION_BY_NAME[location].ambience
    sound_onscreen = bool(rng.random() >= OFFSCREEN_SHARE)
    other_sound: str | None = None
    if not sound_onscreen:
        others = [BY_LABEL[x].sound for x in SOUNDING_LABELS if BY_LABEL[x].sound != action.sound]
        noise = SCENARIO_BY_NAME[scenario].noise
        other_sound = noise if rng.random() < 0.25 else str(others[int(rng.integers(len(others)))])
    slides = bool(rng.random() < 0.4) and last_slot >= 0
    step = int(rng.integers(1, SLOTS))
    # An annotator marks borders up to a quarter second off, but never past half of the idle gap beside it.
    slack = min(0.25, 0.45 * gap_s)
    marked = np.clip(rng.normal(0, 0.12, 2), -slack, slack)
    own_gain_db = 0.0 if sound_onscreen else float(rng.choice([-90.0, -24.0]))
    return Segment(
        label=label,
        start_s=round(start_s, 3),
        end_s=round(end_s, 3),
        marked_start_s=round(max(0.0, start_s + float(marked[0])), 3),
        marked_end_s=round(end_s + float(marked[1]), 3),
        narration=f"#C C {kit.words}",
        audio_narration=audio_narration(rng, other_sound if not sound_onscreen else action.sound, ambience),
        consistency=round(float(rng.uniform(0.7, 1.0) if sound_onscreen else rng.uniform(0.0, 0.35)), 2),
        sound_onscreen=sound_onscreen,
        own_gain_db=own_gain_db + float(rng.uniform(-6, 3)) + wearer.loudness_db,
        other_sound=other_sound,
        other_gain_db=float(rng.uniform(-8, 0)),
        slot=last_slot if slides else (max(last_slot, 0) + step) % SLOTS,
        slides=slides,
        offset_px=(round(float(rng.normal(0, 12)), 1), round(float(rng.normal(0, 6)), 1)),
        rate_hz=float(rng.uniform(*action.rate_hz)) * wearer.tempo,
        amplitude_px=float(rng.uniform(*action.amplitude_px)) * wearer.reach,
        seed=int(rng.integers(2**31)),
    )


def make_plan(seed: int, scenario: str, location: str, index: int, duration_s: float = 60.0) -> Plan:
    """Plan video number `index` of a domain; depends on the arguments alone.

    Raises:
        ValueError: `duration_s` is shorter than SHORTEST_VIDEO_S.
    """
    if duration_s < SHORTEST_VIDEO_S:
        raise ValueError(f"duration_s is {duration_s:g}, a video needs at least {SHORTEST_VIDEO_S:g} s")
    rng = rng_for(seed, "plan", scenario, location, index)
    number = 1 + int(
        rng_for(seed, "cast", scenario, location).permutation(WEARERS_PER_LOCATION)[index % WEARERS_PER_LOCATION]
    )
    wearer = make_wearer(seed, location, number)
    # 5.3 s is the mean length of an action with the idle stretch before it: it keeps the rounds of the deck in step.
    cards = _deck(seed, scenario, location, index * round(duration_s / 5.3), int(duration_s / 2.6) + 1)
    segments: list[Segment] = []
    clock_s, last_slot = 0.0, -1
    for label in cards:
        low_s, high_s = BY_LABEL[label].duration_s
        gap_s = float(rng.uniform(1.0, 3.0))
        length_s = low_s + (high_s - low_s) * float(rng.beta(1.3, 1.7))
        if not segments:
            # Even the shortest video shows one action.
            gap_s = min(gap_s, duration_s - low_s - 1.0)
            length_s = min(length_s, duration_s - gap_s - 1.0)
        if clock_s + gap_s + length_s + 1.0 > duration_s:
            break
        start_s = clock_s + gap_s
        segments.append(_segment(rng, label, start_s, start_s + length_s, gap_s, last_slot, scenario, location, wearer))
        clock_s, last_slot = start_s + length_s, segments[-1].slot
    noises: list[Noise] = []
    for _ in range(int(rng.poisson(duration_s / 20.0))):
        start_s = float(rng.uniform(0, duration_s - 2.5))
        length_s = min(float(rng.uniform(1.0, 4.0)), duration_s - start_s)
        noises.append(
            Noise(
                SCENARIO_BY_NAME[scenario].noise,
                round(start_s, 3),
                round(start_s + length_s, 3),
                float(rng.uniform(-20, -9)),
            )
        )
    name = f"{slug(scenario)}_{slug(location)}_w{number}_{index}"
    return Plan(name, scenario, location, wearer, seed, float(duration_s), tuple(segments), tuple(noises))
