"""Loaded by every Python process that finds this folder on its path: notes what it opens for writing, makes, renames,
removes, and every socket (PEP 578 audit events), one line each in the file that EGOACT_SPY names."""

import os
import sys

_LOG = os.open(os.environ["EGOACT_SPY"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")


def _note(*words: object) -> None:
    os.write(_LOG, (" ".join(map(str, (os.getpid(), *words))) + "\n").encode(errors="replace"))


def _spy(event: str, arguments: tuple) -> None:
    if event == "open":
        path, mode, flags = arguments
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & _WRITES):
            _note(event, path, mode)
    elif event == "socket.__new__":
        _note(event, int(arguments[1]))
    elif event.startswith("socket.") or event in _CHANGES:
        _note(event, *arguments)


_note("process", *sys.orig_argv[1:4])
sys.addaudithook(_spy)
