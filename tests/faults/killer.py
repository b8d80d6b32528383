"""Runs a command undisturbed, and again with SIGKILL at many moments: `python -m tests.faults.killer`.

Every line of the standard input is a `Spec` as JSON; a line of JSON answers it.

Every run is in a folder of its own, which lies at FOLDER/run while it lasts, so that no file differs by its path, and
afterwards at FOLDER/NAME: "whole" of the undisturbed run, "0" .. of the killed ones after the command was given again;
what a killed run had left before that is at FOLDER/NAME-killed. Below it, `out` is the command's own ("{out}" in its
arguments), `tmp` and `home` are its TMPDIR and HOME, `said` is what it printed.

A moment is seconds after the start, or the number of a change of files that the command is about to make; a run is
killed alone ("main": what it started has to end by itself) or with its process group ("group"). Runs are forks of this
process, which has loaded everything and started no thread; `processes` of them are commands of their own, whose moments
also fall into the loading.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.live.lifeline import signal_at_parents_death
from tests.faults.changes import count_changes

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
MOST_TOO_LATE = 9
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Spec:
    """What to do."""

    folder: str
    arguments: list[str]
    seed: int
    kills: int
    changes: int
    """Of the moments so many are drawn, each once, from the changes of the undisturbed run, as far as it makes them."""
    processes: int
    """So many over the seconds of an undisturbed process; the others over the seconds of the undisturbed run."""


@dataclass
class Death:
    """One killed run, and the one after it."""

    how: str
    moment: float
    too_late: int
    """How often it had ended by itself before its moment, which was then drawn nearer."""
    left_alone: bool
    """Whether nothing that the killed run had started was left soon after."""
    again: int
    """Exit code of the run after it."""
    again_s: tuple[float, float]
    """When that began and ended, on the monotonic clock."""


class Killer:
    """Does what a `Spec` says."""

    def __init__(self, spec: Spec) -> None:
        self.folder, self.arguments, self.spec = Path(spec.folder), spec.arguments, spec
        # What a killed run leaves running becomes a child of this process, which can then see and count it.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def everything(self) -> dict[str, Any]:
        code, took_s, changes = self.undisturbed(self.forked, "whole")
        process_s = self.undisturbed(self.started, "whole-process")[1] if self.spec.processes else 0.0
        rng = np.random.default_rng(self.spec.seed)
        drawn = [("changes", float(k)) for k in rng.permutation(changes)[: self.spec.changes] + 1]
        drawn += [("process", s) for s in rng.uniform(0, process_s, self.spec.processes)]
        drawn += [("seconds", s) for s in rng.uniform(0, took_s, self.spec.kills - len(drawn))]
        deaths = [asdict(self.death(i, how, moment)) for i, (how, moment) in enumerate(drawn)]
        return {"code": code, "took_s": took_s, "process_s": process_s, "changes": changes, "deaths": deaths}

    def undisturbed(self, run: Callable[[int], int], name: str) -> tuple[int, float, int]:
        self.fresh()
        begin_s = time.monotonic()
        code = os.waitstatus_to_exitcode(os.waitpid(run(0), 0)[1])
        took_s = time.monotonic() - begin_s
        counted = self.folder / "run" / "changes"
        changes = int(counted.read_text()) if counted.exists() else 0
        self.keep(name)
        return code, took_s, changes

    def death(self, number: int, how: str, moment: float) -> Death:
        too_late = 0
        while not self.killed(number, how, moment) and too_late < MOST_TOO_LATE:
            too_late, moment = too_late + 1, moment * 0.8
        left_alone = self.wait_for_the_rest()
        shutil.copytree(self.folder / "run", self.folder / f"{number}-killed", symlinks=True)
        begin_s = time.monotonic()
        again = os.waitstatus_to_exitcode(os.waitpid(self.forked(0), 0)[1])
        again_s = (begin_s, time.monotonic())
        self.keep(str(number))
        return Death(how, moment, too_late, left_alone, again, again_s)

    def killed(self, number: int, how: str, moment: float) -> bool:
        """Whether the run in a new folder was killed before its end."""
        shutil.rmtree(self.folder / "run", ignore_errors=True)
        self.fresh()
        child = (self.started if how == "process" else self.forked)(int(moment) if how == "changes" else 0)
        if how != "changes":
            time.sleep(moment)
            (os.kill if number % 2 else os.killpg)(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    def wait_for_the_rest(self) -> bool:
        """Whether all that was left over ended by itself; if not, it is killed."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    time.sleep(0.01)
            except ChildProcessError:
                return True
        for child in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        return False

    def fresh(self) -> None:
        for name in ("tmp", "home"):
            (self.folder / "run" / name).mkdir(parents=True)

    def keep(self, name: str) -> None:
        (self.folder / "run" / "changes").unlink(missing_ok=True)
        (self.folder / "run").rename(self.folder / name)

    def environment(self) -> dict[str, str]:
        run = self.folder / "run"
        own = {"TMPDIR": str(run / "tmp"), "HOME": str(run / "home"), "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own, "XDG_CACHE_HOME": str(run / "home" / "cache")}

    def given(self) -> list[str]:
        return [argument.replace("{out}", str(self.folder / "run" / "out")) for argument in self.arguments]

    def started(self, _: int) -> int:
        with (self.folder / "run" / "said").open("ab") as said:
            command = [sys.executable, "-m", "edge.cli", *self.given()]
            return subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=said, stderr=said, start_new_session=True
            ).pid

    def forked(self, moment: int) -> int:
        child = os.fork()
        if child:
            # Both set it: whoever comes second finds it done, and a kill of the group never comes too early.
            with contextlib.suppress(OSError):
                os.setpgid(child, child)
            return child
        code = 99
        try:
            os.setpgid(0, 0)
            code = self.in_the_child(moment)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)

    def in_the_child(self, moment: int) -> int:
        import tempfile

        from edge.cli import main

        run = self.folder / "run"
        said = os.open(run / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.environ.update(self.environment())
        tempfile.tempdir = os.environ["TMPDIR"]  # else the kill may fall into a trial of its own
        counted = count_changes(run, moment)
        code = main(self.given())
        sys.stdout.flush()
        sys.stderr.flush()
        (run / "changes").write_text(str(counted()))
        return code


def load_everything() -> None:
    """All that commands import when they are called."""
    import importlib

    import torch

    from edge.cli import COMMANDS

    torch.set_num_threads(1)
    for module in ("onnx", "onnxruntime", "openvino", *(command.module for command in COMMANDS.values())):
        importlib.import_module(module)


if __name__ == "__main__":
    signal_at_parents_death(signal.SIGTERM)
    load_everything()
    for line in sys.stdin:
        print(json.dumps(Killer(Spec(**json.loads(line))).everything()), flush=True)
