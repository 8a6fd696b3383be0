"""The torture of the mailbox in short, and its power: every mailbox broken on purpose is caught by the same tests."""

from __future__ import annotations

import pytest

from edge_runtime.rt.forked import in_process
from edge_runtime.rt.torture import Box, Place, broken_caught, hammer, kill_writers

READS = 500_000


@pytest.mark.parametrize("place", Place)
def test_the_mailbox_is_never_torn_and_never_goes_back(place: Place) -> None:
    seen = hammer(Box.RING, place, READS)
    assert (seen.torn, seen.backwards) == (0, 0)
    assert seen.sound
    assert seen.reads >= READS
    assert seen.fresh >= 200


def test_a_writer_killed_at_any_moment_leaves_a_whole_value() -> None:
    kills = in_process(kill_writers, Box.RING, 40, 3)
    assert kills.rounds == 40
    assert kills.in_write > 0, "no kill hit a write: the test proves nothing"
    assert (kills.torn, kills.backwards, kills.starved) == (0, 0, 0)


def test_mailboxes_that_are_broken_on_purpose_are_caught() -> None:
    assert broken_caught(20.0, 20, 3) == dict.fromkeys(("unprotected", "plain", "single", "unchecked"), True)
