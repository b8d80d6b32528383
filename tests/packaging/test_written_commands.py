"""Every command that a page of the documentation shows exists as it is written: its options, its module, its target."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re

import pytest

from edge.cli import COMMANDS
from tests.packaging.commands import ROOT, Written, written_commands

COMMANDS_SHOWN = written_commands()
OURS = ("bench", "docs", "edge", "export", "trainer", "calibration", "tests")
SHORTENED = re.compile(r"[A-Z]+\.\.\.|\.\.\.|WORD\.\.\.")


def of(program: str) -> list[Written]:
    return [command for command in COMMANDS_SHOWN if command.program == program]


def named(command: Written) -> str:
    return f"{command.page}: {command.text[:70]}"


def test_the_pages_are_read() -> None:
    assert len(of("egoact")) > 60
    assert len(of("python")) > 15
    assert {"README.md", "live.md", "jetpack.md"} <= {command.page for command in COMMANDS_SHOWN}


@pytest.mark.parametrize("command", of("egoact"), ids=named)
def test_egoact_takes_these_options(command: Written) -> None:
    """Up to the files that they name, which are the reader's."""
    words = [word for word in command.words if not SHORTENED.fullmatch(word)]
    if len(words) == 1 or words[1].startswith("--"):
        assert words[1:] in ([], ["--help"], ["--version"])
        return
    assert words[1] in COMMANDS
    parser = argparse.ArgumentParser(exit_on_error=False)
    importlib.import_module(COMMANDS[words[1]].module).configure(parser)
    if "--help" in words:
        return
    known = {option for action in _actions(parser) for option in action.option_strings}
    assert [word for word in words if word.startswith("--") and word.split("=")[0] not in known] == []
    if command.in_block:
        parser.parse_args(words[2:])


@pytest.mark.parametrize("command", of("python"), ids=named)
def test_python_finds_these_modules(command: Written) -> None:
    words = command.words
    if words[1:2] == ["-m"] and words[2].partition(".")[0] in OURS:
        assert importlib.util.find_spec(words[2]) is not None


@pytest.mark.parametrize("command", of("make"), ids=named)
def test_make_has_these_targets(command: Written) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {word for word in command.words[1:] if "=" not in word and not word.startswith("-")} <= targets


@pytest.mark.parametrize("command", of("pytest"), ids=named)
def test_pytest_finds_these_files(command: Written) -> None:
    for word in command.words[1:]:
        if word.startswith("tests/"):
            assert (ROOT / word.partition("::")[0]).exists()


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Those of the parser and of its subcommands."""
    found = list(parser._actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found += _actions(child)
    return found
