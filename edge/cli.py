"""The `egoact` command: a table of commands, each loaded only when it is asked for.

Modules are named by text, because `edge` imports no other package of ours; a command whose package lacks its
libraries says which extra installs them.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from typing import NamedTuple

from edge.errors import EgoactError, UsageError
from edge.sources.network_address import without_secrets
from edge.text import printable

PROGRAM = "egoact"
FAILED, INTERRUPTED = 1, 130


class Command(NamedTuple):
    """A command: the module with `configure(parser)` and `run(args) -> exit code`, and the extra that it needs."""

    module: str
    help: str
    extra: str | None = None


COMMANDS = {
    "demo": Command("edge.demo", "replay the built-in clip at real pace, with its annotation"),
    "live": Command("edge.live.command", "live labels from a camera and a microphone"),
    "replay": Command("edge.replay.command", "replay recorded clips: labels, segments, accuracy, report"),
    "tune": Command("edge.tune.command", "fit a bundle's decisions on annotated clips, with the gain shown"),
    "build": Command("edge.build_command", "build a bundle's TensorRT plans on the device that runs them"),
    "bench": Command("edge.bench.command", "how fast, how late, how much power: engines and pipeline"),
    "compare": Command("edge.compare.command", "any two precisions, back ends or bundles on the same clips"),
    "devices": Command("edge.devices.command", "list cameras and microphones, and who holds them"),
    "doctor": Command("edge.doctor.command", "check this machine, and say how to mend what is wrong"),
    "calibrate-av": Command("edge.calibrate_av", "measure the offset between a camera and a microphone"),
    "world": Command("trainer.data.world.command", "render the built-in world of labelled clips", "train"),
    "data": Command("trainer.data.check_command", "check a data set before training; pack Ego4D's features", "train"),
    "weights": Command("trainer.weights.command", "checkpoints that others publish: list, check, fetch", "train"),
    "features": Command("trainer.features.command", "rows of recorded clips through the frozen backbones", "train"),
    "narrate": Command("trainer.narration.captions.command", "write down what is heard in each clip", "train"),
    "rate": Command("trainer.narration.rating.command", "how well visual and audio narrations agree, 0..1", "train"),
    "rate-train": Command("trainer.narration.rating.train_command", "train the embedded rater on pairs", "train"),
    "narrations": Command("trainer.narration.command", "embed narrations for training, by CLIP or hashed", "train"),
    "train": Command("trainer.train_command", "train a head on features: ours, its ablations, its rivals", "train"),
    "evaluate": Command("trainer.evaluate_command", "test a trained head on clips, also without a modality", "train"),
    "tables": Command("trainer.tables.command", "the paper's tables 1 to 4, with intervals and tests", "train"),
    "export": Command("export.export_command", "a trained head and its backbones -> a bundle", "train,export"),
    "calibrate": Command(
        "export.calibrate_command", "INT8 and FP16 flavours of a bundle, chosen by evidence", "train,export"
    ),
    "build-bundle": Command("export.build_bundle", "rebuild the shipped bundle from nothing", "train,export"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 (failed), 2 (wrong use), 130 (interrupted)."""
    arguments = sys.argv[1:] if argv is None else argv
    name = arguments[0] if arguments else "--help"
    try:
        if name in ("-h", "--help", "help"):
            print(_overview())
            return 0
        if name == "--version":
            print(_version())
            return 0
        return _run(name, arguments[1:])
    except EgoactError as error:
        print(f"{PROGRAM} {printable(name)}: {_shown(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if os.environ.get("EGOACT_DEBUG"):
            raise
        print(
            f"{PROGRAM} {printable(name)}: unexpected {type(error).__name__}: {_shown(str(error))}; "
            "run again with EGOACT_DEBUG=1 for the traceback and report it",
            file=sys.stderr,
        )
        return FAILED


def _run(name: str, arguments: list[str]) -> int:
    command = COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"'{PROGRAM} --help' lists the commands"
        raise UsageError(f"there is no such command; {hint}")
    try:
        module = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed; install what this command needs: pip install 'egoact[{command.extra}]'"
        ) from error
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.configure(parser)
    complain = parser.error  # it repeats what it was given, which may be a camera's address with its password
    parser.error = lambda message: complain(_shown(message))  # type: ignore[method-assign]
    return int(module.run(parser.parse_args(arguments)))


def _shown(text: str) -> str:
    """What a user may see of a message: one line, no terminal escape, no password of an address."""
    return printable(without_secrets(text))


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [
        f"usage: {PROGRAM} COMMAND [options]",
        "",
        "Recognises what the wearer of a camera is doing, from video and sound, on the device.",
        "",
        *(f"  {name:<{width}}  {command.help}" for name, command in COMMANDS.items()),
        "",
        f"'{PROGRAM} COMMAND --help' tells more, with an example.",
    ]
    return "\n".join(lines)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{PROGRAM} {version('egoact')}"
    except PackageNotFoundError:
        return f"{PROGRAM} (not installed)"


if __name__ == "__main__":
    sys.exit(main())
