"""Contact sheet of the world: a row a domain, a column an action. `python -m trainer.data.world.sheet --out FILE`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.data.world.actions import BY_LABEL, LABELS
from trainer.data.world.domains import DOMAINS, LOCATION_BY_NAME, SCENARIO_BY_NAME, Domain
from trainer.data.world.kits import KITS
from trainer.data.world.scene import Scene
from trainer.data.world.script import Plan, Segment, make_plan
from trainer.data.world.track import FPS

_MARGIN_PX, _HEAD_PX = 118, 20
# A diagonal through scenarios and locations, so that a short sheet shows every one of them.
SHOWN: tuple[Domain, ...] = tuple(
    (scenario, tuple(LOCATION_BY_NAME)[(k + 3) % len(LOCATION_BY_NAME)]) for k, scenario in enumerate(SCENARIO_BY_NAME)
)


def sheet_plan(seed: int, scenario: str, location: str, labels: Sequence[str] = LABELS) -> Plan:
    """A plan in which every one of `labels` happens once, 3 s each with 2 s between."""
    plan = make_plan(seed, scenario, location, 0, 60.0)
    model = plan.segments[0]
    segments: list[Segment] = []
    for k, label in enumerate(labels):
        start_s = 2.0 + 5.0 * k
        segments.append(
            replace(
                model,
                label=label,
                start_s=start_s,
                end_s=start_s + 3.0,
                slot=k % 3,
                slides=False,
                narration=f"#C C {KITS[scenario, label].words}",
                amplitude_px=_middle_amplitude(label),
                seed=model.seed + k,
                offset_px=(0.0, 0.0),
            )
        )
    return replace(
        plan, name=f"{plan.name}_sheet", duration_s=5.0 * len(labels) + 2.0, segments=tuple(segments), noises=()
    )


def _middle_amplitude(label: str) -> float:
    low, high = BY_LABEL[label].amplitude_px
    return 0.5 * (low + high)


def draw_sheet(
    domains: Sequence[Domain] = SHOWN, *, seed: int = 1, tile_px: tuple[int, int] = (160, 120)
) -> NDArray[np.uint8]:
    """Contact sheet, RGB uint8: a tile of `tile_px` (width, height) a domain and action, captions above and left."""
    wide, high = tile_px
    sheet = np.full((_HEAD_PX + high * len(domains), _MARGIN_PX + wide * len(LABELS), 3), 250, np.uint8)
    for column, label in enumerate(LABELS):
        _write(sheet, label, (_MARGIN_PX + column * wide + 6, 14))
    for row, (scenario, location) in enumerate(domains):
        top = _HEAD_PX + row * high
        _write(sheet, scenario, (6, top + high // 2 - 4))
        _write(sheet, location, (6, top + high // 2 + 14))
        scene = Scene(sheet_plan(seed, scenario, location))
        for column, segment in enumerate(scene.plan.segments):
            frame = scene.frame(round((segment.start_s + 0.5 * (segment.end_s - segment.start_s)) * FPS))
            left = _MARGIN_PX + column * wide
            sheet[top : top + high, left : left + wide] = cv2.resize(frame, tile_px, interpolation=cv2.INTER_AREA)
    return sheet


def _write(picture: NDArray[np.uint8], text: str, at_px: tuple[int, int]) -> None:
    cv2.putText(picture, text, at_px, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (40, 40, 40), 1, cv2.LINE_AA)


def main() -> None:
    """Parse the command line and write the picture."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.data.world.sheet",
        description="Draw a contact sheet of the built-in world: a row a domain, a column an action.",
        epilog="example: python -m trainer.data.world.sheet --out sheet.png",
    )
    parser.add_argument("--out", type=Path, required=True, help="picture to write (.png or .jpg)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the world (default 1)")
    parser.add_argument("--all", action="store_true", help=f"all {len(DOMAINS)} domains instead of {len(SHOWN)}")
    args = parser.parse_args()
    picture = draw_sheet(DOMAINS if args.all else SHOWN, seed=args.seed)
    if not cv2.imwrite(str(args.out), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        parser.exit(1, f"cannot write {args.out}: check the folder and the file ending\n")
    print(f"wrote {args.out}: {picture.shape[1]} x {picture.shape[0]} px")


if __name__ == "__main__":
    main()
