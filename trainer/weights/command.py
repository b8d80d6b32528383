"""The checkpoints that others publish: what they are, whether they are here and unchanged, and getting them.

They lie in ~/.cache/egoact/weights, or in the folder that $EGOACT_WEIGHTS names. Nothing is downloaded unless `fetch`
is called. The checksum of a file is recorded beside it when it is first used; a file that changes later is refused.

example:
  egoact weights list
  egoact weights fetch slowfast8x8_r101
  egoact weights check
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.errors import EgoactError, UsageError
from edge.text import printable
from trainer.weights.catalogue import CATALOGUE, Weight, weight
from trainer.weights.fetch import Progress, fetch
from trainer.weights.folder import WeightsError, how_to_get, locate, record, sha256_of, verify, weights_folder
from trainer.weights.kinds import kind_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the files lie (default: see above)")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list | check | fetch")
    listing = actions.add_parser("list", help="all that egoact knows, and what is here")
    listing.add_argument("--json", action="store_true", help="print JSON")
    checking = actions.add_parser("check", help="say what the files here are, and whether they are still the same")
    checking.add_argument("names", nargs="*", metavar="NAME", help="these must be here (default: all that are here)")
    checking.add_argument("--accept", nargs="+", default=[], metavar="FILE", help="record these changed files anew")
    fetching = actions.add_parser("fetch", help="download from the publisher")
    fetching.add_argument("names", nargs="+", metavar="NAME", help="see 'egoact weights list'")
    fetching.add_argument("--url", help="another address of the file (with one name)")


def run(args: argparse.Namespace) -> int:
    """Run the command; returns its exit code. What a user can mend is raised as an EgoactError."""
    folder = args.folder or weights_folder()
    if args.action == "list":
        return _list(folder, args.json)
    if args.action == "check":
        return _check(folder, [weight(name) for name in args.names], args.accept)
    return _fetch(folder, [weight(name) for name in args.names], args.url)


def _list(folder: Path, as_json: bool) -> int:
    if as_json:
        entries = [{**vars(entry), "present": (folder / entry.file).exists()} for entry in CATALOGUE]
        print(json.dumps({"folder": str(folder), "weights": entries}))
        return 0
    print(f"folder: {printable(str(folder))}")
    for entry in CATALOGUE:
        here = "here" if (folder / entry.file).exists() else "missing"
        print(f"\n{entry.name}  ({here})\n  {entry.what}")
        print(
            f"  file     {entry.file}\n  format   {entry.format}\n  licence  {entry.licence}\n  from     {entry.page}"
        )
        print(f"  get it   {how_to_get(entry, folder)}")
    return 0


def _check(folder: Path, named: Sequence[Weight], accept: Sequence[str]) -> int:
    for file in accept:
        path = folder / Path(file).name
        record(path, sha256_of(path))
    entries = named or [entry for entry in CATALOGUE if (folder / entry.file).exists()]
    if not entries:
        print(f"no weights in {printable(str(folder))}; 'egoact weights list' tells what there is and how to get it")
        return 0
    return _each(entries, lambda entry: _describe(entry, folder))


def _describe(entry: Weight, folder: Path) -> None:
    path = locate(entry, folder)
    kind = kind_of(path)  # first: the checksum of a file that is refused is not worth recording
    digest = verify(path)
    print(f"{entry.name}: {kind}; sha256 {digest[:12]}, as recorded")


def _fetch(folder: Path, entries: Sequence[Weight], url: str | None) -> int:
    if url is not None and len(entries) > 1:
        raise UsageError("--url is the address of one file: give one name")
    return _each(entries, lambda entry: _fetch_one(entry, folder, url))


def _fetch_one(entry: Weight, folder: Path, url: str | None) -> None:
    path = folder / entry.file
    if path.exists():
        print(f"{entry.name}: is here already: {printable(str(path))}")
        return
    address = url or entry.url
    if address is None:
        raise WeightsError(f"{entry.file} has no address to fetch it from; {how_to_get(entry, folder)} ({folder})")
    fetch(address, path, _progress(entry.file), sha256=entry.sha256)
    _describe(entry, folder)


def _each(entries: Sequence[Weight], action: Callable[[Weight], None]) -> int:
    """Do it for every entry; one that fails is named and does not stop the others."""
    failed = 0
    for entry in entries:
        try:
            action(entry)
        except EgoactError as error:
            print(f"egoact weights: {printable(str(error))}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _progress(file: str) -> Progress:
    """Writes a line that renews itself to a terminal, at most twice a second."""
    started_s = time.monotonic()
    shown_s, first = 0.0, -1

    def show(done: int, total: int | None) -> None:
        nonlocal shown_s, first
        now_s = time.monotonic()
        first = done if first < 0 else first
        if not sys.stderr.isatty() or (now_s - shown_s < 0.5 and done != total):
            return
        shown_s = now_s
        rate = (done - first) / max(now_s - started_s, 1e-3)
        of_all = f" of {total / 1e6:.1f} MB ({100 * done / max(total, 1):.0f} %)" if total else " MB"
        left = f", {(total - done) / rate:.0f} s left" if total and rate else ""
        end = "\n" if done == total else ""
        print(f"\r{file}: {done / 1e6:.1f}{of_all}, {rate / 1e6:.1f} MB/s{left} ", end=end, file=sys.stderr, flush=True)

    return show
