"""Runs an egoact command undisturbed, and again with SIGKILL at random moments: `python -m tests.trainer.deaths ...`.

    python -m tests.trainer.deaths FOLDER KILLS SEED RESUME ARG...

An ARG of "OUT" stands for FOLDER/whole in the undisturbed run and for FOLDER/out in the others. A moment is the number
of a change in FOLDER (a file opened for writing, renamed, cut or deleted) that the command is about to make. After the
kills the command is given once more, to its end; RESUME ("" for none) is an option of all these. All runs are forks of
this process, so that nothing is loaded twice. Prints JSON: the number of changes of the undisturbed run, the moments,
and the exit code (-9 when killed) of every run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch

import trainer.data.check_command
import trainer.features.command
import trainer.narration.command
import trainer.tables.command
import trainer.train_command  # noqa: F401
from edge.cli import main

CHANGES = ("os.rename", "os.remove", "os.truncate")


class Counter:
    """An audit hook (PEP 578) that counts the changes in a folder, and kills."""

    def __init__(self, folder: Path, moment: int) -> None:
        self.folder, self.moment, self.count = str(folder), moment, 0

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            path, mode = args[0], args[1]
            changes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
        else:
            path, changes = (args[0] if args else None), event in CHANGES
        if changes and isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self.folder):
            self.count += 1
            if self.count == self.moment:
                os.kill(os.getpid(), signal.SIGKILL)


def run_once(folder: Path, moment: int, arguments: list[str]) -> tuple[int, int]:
    """Exit code, or -9; and the number of changes, where it lived. A moment of 0 never comes."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        counter = Counter(folder, moment)
        sys.addaudithook(counter)
        code = main(arguments)
        os.write(writing, str(counter.count).encode())
        os._exit(code)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reading) as pipe:
        return os.waitstatus_to_exitcode(status), int(pipe.read() or 0)


def run_all(folder: Path, kills: int, seed: int, resume: str, arguments: list[str]) -> dict[str, object]:
    """See above."""

    def given(out: str) -> list[str]:
        return [str(folder / out) if argument == "OUT" else argument for argument in arguments]

    code, changes = run_once(folder, 0, given("whole"))
    moments = np.random.default_rng(seed).integers(2, max(changes // 2, 3), kills).tolist()
    again = [*given("out"), *([resume] if resume else [])]
    codes = [run_once(folder, moment, again)[0] for moment in (*sorted(moments), 0)]
    return {"changes": changes, "moments": sorted(moments), "codes": [code, *codes]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(run_all(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])))
