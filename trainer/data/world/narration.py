"""Audio narrations: what a listener who sees nothing would write about each sound class."""

from __future__ import annotations

import numpy as np

_SENTENCES: dict[str, tuple[str, ...]] = {
    "chop": (
        "A knife chops on a wooden board",
        "Something is chopped in a steady rhythm",
        "Short dull knocks follow one another",
    ),
    "peeling": (
        "A blade peels off a thin layer",
        "Something is peeled with short scrapes",
        "A blade rasps in short strokes",
    ),
    "pouring": ("A liquid is poured into a container", "Water gurgles into a vessel", "Liquid runs and bubbles"),
    "grains": ("Fine grains fall softly", "Something is sprinkled, hardly audible", "A faint trickle of grains"),
    "stirring": (
        "Something is stirred round and round",
        "A spoon scrapes around in a bowl",
        "A soft grinding goes in circles",
    ),
    "scraping": (
        "Something is scraped to and fro",
        "A blade scrapes on a hard surface",
        "A rough scraping comes and goes",
    ),
    "water": ("Water runs and splashes", "A tap is running while something is washed", "Running water hisses"),
    "motor": ("A drill motor whirs", "An electric motor runs up and strains", "A power tool drills"),
    "ratchet": ("A ratchet clicks", "Quick clicks come in short bursts", "A screw is turned with clicking sounds"),
    "rattle": ("Something rattles in a container", "A can is shaken and rattles", "Loose pieces rattle to and fro"),
    "hinge": ("A hinge creaks and a lid clicks", "A lid creaks", "Something creaks and snaps"),
    "switch-on": (
        "A switch clicks and a hum rises",
        "A machine starts to hum after a click",
        "A click, then a motor runs up",
    ),
    "switch-off": (
        "A hum stops with a click",
        "A machine falls silent after a click",
        "A motor runs down after a click",
    ),
    "bouncing ball": ("A ball bounces on the floor", "A ball is dribbled nearby"),
    "radio": ("Music plays on a radio", "A radio plays a tune"),
    "toy piano": ("Someone plays a toy piano", "Small bells play a few notes"),
    "sizzling": ("Fat sizzles in a pan", "Something fries nearby"),
    "barking": ("A dog barks", "A dog barks outside"),
    "hammering": ("A hammer strikes metal", "Someone hammers nearby"),
    "vacuum cleaner": ("A vacuum cleaner roars", "A vacuum cleaner runs in the next room"),
    "sawing": ("A saw goes to and fro", "Someone saws wood nearby"),
}
_QUIET: dict[str, tuple[str, ...]] = {
    "fan": ("It is quiet", "Only a fan is heard", "Nothing but a soft whir"),
    "birds": ("It is quiet", "Only birds are heard", "Birds chirp, nothing else"),
    "traffic": ("It is quiet", "Only distant traffic is heard", "Cars pass outside"),
    "voices": ("It is quiet", "Only voices in the background", "People talk further away"),
    "hum": ("It is quiet", "Only an electric hum is heard", "A low hum, nothing else"),
    "wind": ("It is quiet", "Only wind is heard", "Wind blows, nothing else"),
}

SOUND_CLASSES: tuple[str, ...] = tuple(_SENTENCES)
AMBIENCE_CLASSES: tuple[str, ...] = tuple(_QUIET)


def audio_narration(rng: np.random.Generator, sound: str | None, ambience: str) -> str:
    """One sentence about `sound`, or about the quiet place when nothing else sounds."""
    sentences = _SENTENCES[sound] if sound is not None else _QUIET[ambience]
    return sentences[int(rng.integers(len(sentences)))]
