"""The 16 actions of the built-in world: how each one moves and sounds, wherever it is done.

Labels are verbs of ARGO1M. What belongs to an action is its motion family, its rhythm and its sound class; tools,
objects and materials belong to the scenario (`kits.py`). Three sorts of pairs keep every modality necessary:

* the same motion, another sound: wash / rub, turn-on / turn-off, drill / screw;
* nearly the same sound, another motion: mix / scrape, open / close (time reversed);
* the same motion and a similar sound, another tool: cut / peel.
"""

from __future__ import annotations

from dataclasses import dataclass

IDLE_LABEL = "idle"


@dataclass(frozen=True)
class Action:
    """One action: motion family, sound class, ranges from which segments draw their rhythm, elbow below the view."""

    label: str
    motion: str
    sound: str | None
    hand_pose: str
    rate_hz: tuple[float, float]
    amplitude_px: tuple[float, float]
    duration_s: tuple[float, float] = (1.6, 5.0)
    time_reversed: bool = False
    shiver_px: float = 0.0
    elbow_px: tuple[float, float] = (120.0, 300.0)


_LONG_S = (1.6, 5.0)
_SHORT_S = (1.6, 3.2)

ACTIONS: tuple[Action, ...] = (
    Action("cut", "strokes", "chop", "grip", (1.3, 2.6), (10, 22), _LONG_S),
    Action("peel", "strokes", "peeling", "grip", (1.3, 2.6), (10, 22), _LONG_S),
    Action("pour", "tilt", "pouring", "hold", (0.5, 1.0), (4, 9), _LONG_S, elbow_px=(210.0, 230.0)),
    Action("sprinkle", "pinch", "grains", "pinch", (2.6, 4.4), (4, 9), _LONG_S, elbow_px=(330.0, 130.0)),
    Action("mix", "stir", "stirring", "grip", (0.9, 1.9), (14, 26), _LONG_S),
    Action("scrape", "lines", "scraping", "grip", (0.9, 1.9), (20, 38), _LONG_S),
    Action("wash", "circles", "water", "flat", (0.8, 1.7), (16, 32), _LONG_S),
    Action("rub", "circles", None, "flat", (0.8, 1.7), (16, 32), _LONG_S),
    Action("drill", "twist", "motor", "grip", (0.9, 2.0), (4, 10), _LONG_S, shiver_px=0.7),
    Action("screw", "twist", "ratchet", "grip", (0.9, 2.0), (4, 10), _LONG_S),
    Action("shake", "oscillate", "rattle", "hold", (2.2, 3.8), (10, 24), _LONG_S),
    Action("fold", "fold", None, "flat", (0.5, 1.0), (46, 66), _SHORT_S),
    Action("open", "swing", "hinge", "pinch", (0.5, 1.0), (50, 80), _SHORT_S),
    Action("close", "swing", "hinge", "pinch", (0.5, 1.0), (50, 80), _SHORT_S, time_reversed=True),
    Action("turn-on", "press", "switch-on", "point", (0.5, 1.0), (14, 26), _SHORT_S),
    Action("turn-off", "press", "switch-off", "point", (0.5, 1.0), (14, 26), _SHORT_S),
)

LABELS: tuple[str, ...] = tuple(action.label for action in ACTIONS)
SOUNDING_LABELS: tuple[str, ...] = tuple(action.label for action in ACTIONS if action.sound is not None)
BY_LABEL: dict[str, Action] = {action.label: action for action in ACTIONS}
