"""The sound track of a video, and the list of what is heard in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import BY_LABEL
from trainer.data.world.ambience import NOISES, ambient_sound
from trainer.data.world.domains import LOCATION_BY_NAME, rng_for
from trainer.data.world.script import Plan
from trainer.data.world.sound import VOICES, action_sound
from trainer.data.world.waveform import RATE_HZ, add_at, room_and_microphone

SoundRole = Literal["own", "other", "noise", "ambience"]
FAINT_DB = -40.0


@dataclass(frozen=True)
class SoundEvent:
    """A sound class in time. `segment` is the index of the action during which it sounds, or None."""

    sound: str
    start_s: float
    end_s: float
    gain_db: float
    role: SoundRole
    segment: int | None = None


def sound_events(plan: Plan) -> tuple[SoundEvent, ...]:
    """Everything audible in `plan` by start time: actions, what drowns them off screen, scenario noises, ambience."""
    location = LOCATION_BY_NAME[plan.location]
    level_db = location.ambience_dbfs + float(rng_for(plan.seed, "level", plan.name).uniform(-4, 4))
    events = [SoundEvent(location.ambience, 0.0, plan.duration_s, level_db, "ambience")]
    for index, s in enumerate(plan.segments):
        own = BY_LABEL[s.label].sound
        if own is not None and s.own_gain_db > FAINT_DB:
            events.append(SoundEvent(own, s.start_s, s.end_s, s.own_gain_db, "own", index))
        if s.other_sound is not None:
            events.append(SoundEvent(s.other_sound, s.start_s, s.end_s, s.other_gain_db, "other", index))
    events += [SoundEvent(n.sound, n.start_s, n.end_s, n.gain_db, "noise") for n in plan.noises]
    return tuple(sorted(events, key=lambda e: (e.start_s, e.end_s, e.sound)))


def render_sound(plan: Plan) -> NDArray[np.float32]:
    """Mono sound track, float32 [duration_s * 48000] in -1..1."""
    samples = round(plan.duration_s * RATE_HZ)
    location = LOCATION_BY_NAME[plan.location]
    dry, around = np.zeros(samples), np.zeros(samples)
    for number, event in enumerate(sound_events(plan)):
        rng = rng_for(plan.seed, "sound", plan.name, number)
        if event.role == "ambience":
            around += ambient_sound(event.sound, rng, samples, event.gain_db)
            continue
        if event.segment is not None and event.sound in VOICES:
            wave = action_sound(event.sound, plan.segments[event.segment], own=event.role == "own")
        else:
            wave = NOISES[event.sound](rng, round((event.end_s - event.start_s) * RATE_HZ))
        add_at(dry, event.start_s, wave, 10 ** (event.gain_db / 20))
    track = room_and_microphone(
        rng_for(plan.seed, "room echo", plan.location),
        dry,
        around,
        reverb_s=location.reverb_s,
        reverb_db=location.reverb_db,
        tilt=plan.wearer.microphone_tilt,
    )
    # A microphone's limiter: linear for ordinary levels, never clipped.
    return np.asarray(0.9 * np.tanh(track / 0.9), np.float32)
