"""The link: whole messages, nobody ever blocks, the end is noticed."""

from __future__ import annotations

import pytest

from edge.live.link import Link, LinkClosed


def pair() -> tuple[Link, Link]:
    ours, theirs = Link.pair()
    return ours, Link(theirs)


def test_messages_arrive_whole_and_in_order() -> None:
    one, other = pair()
    sent = [("text", 1), b"x" * 60_000, {"a": None}]
    assert all(one.send(message) for message in sent)
    assert [other.receive() for _ in sent] == sent
    assert other.receive() is None


def test_a_reader_that_does_not_read_never_blocks_the_writer() -> None:
    one, other = pair()
    sent = sum(one.send(b"x" * 30_000) for _ in range(300))
    assert 0 < sent < 300
    assert not one.send("no room", wait_s=0.05)
    assert other.receive() == b"x" * 30_000
    assert one.send("room again", wait_s=1.0)


def test_the_end_is_noticed_after_the_last_word() -> None:
    one, other = pair()
    one.send("last word")
    one.close()
    assert other.receive() == "last word"
    with pytest.raises(LinkClosed):
        other.receive(1.0)
    assert not other.send("anybody there?")
