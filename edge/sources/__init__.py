"""Where frames and sound come from: a recorded clip today, live devices later, behind one protocol."""

from __future__ import annotations
