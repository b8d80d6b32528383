"""Write a report into a folder: report.html, report.md with its timelines, report.json."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.annotations.label_map import Mapped
from edge.bundle import Bundle
from edge.errors import EgoactError
from edge.report.data import report_data
from edge.report.markdown import report_markdown
from edge.report.page_html import report_html
from edge.report.pages import pages
from edge.text import printable
from edge.verify.played import Played
from edge.whole_file import write_whole_file


def write_report(
    directory: Path | str, played: Mapping[str, Sequence[Played]], bundle: Bundle, mapped: Mapped | None = None
) -> Path:
    """Write the report into `directory` (made when it is missing) and return the path of report.html.

    Args:
        played: precision -> its runs; all precisions played the same clips, unless one failed.
        mapped: the annotation that scored them.

    Raises:
        EgoactError: the directory cannot be made or a file in it cannot be written.
    """
    folder, content = Path(directory), pages(played, bundle, mapped)
    names = [(name, run.result.clip) for name, runs in played.items() for run in runs]
    pictures = [
        f"timeline-{index:02d}-{_slug(clip)}{f'-{_slug(name)}' if len(played) > 1 else ''}.svg"
        for index, (name, clip) in enumerate(names, start=1)
    ]
    files = {picture: clip.timeline for picture, clip in zip(pictures, content.clips, strict=True)}
    files["report.json"] = json.dumps(report_data(played, bundle, mapped), indent=1, allow_nan=False) + "\n"
    files["report.md"] = report_markdown(content, pictures)
    files["report.html"] = report_html(content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            write_whole_file(folder / name, text)
    except OSError as error:
        where = printable(str(error.filename or folder))
        raise EgoactError(f"{where}: the report cannot be written: {error.strerror}; name another directory") from error
    return folder / "report.html"


def _slug(name: str) -> str:
    """A file name's stem as a safe part of another file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name.rpartition(".")[0] or name)[:60].strip("-") or "clip"
