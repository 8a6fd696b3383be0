"""Loop and governor over a CAN interface that loses, repeats, corrupts and delays frames (tc netem), in virtual time.

Every frame is accounted for: what the tap saw against what was sent, and what host and governor counted against what
the tap saw. `make netem` runs ten virtual minutes of each fault; EXO_EDGE_NETEM_MINUTES sets another length.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_bridge.table import STATES, TABLE
from hil.loop_record import LoopRecord
from hil.output_check import check_output, safe_entries
from hil.wire_count import StreamCount, count, counters, intact, positions, stream
from tests.hil.boxes import compiled, loop_runs, states_seen

pytestmark = [pytest.mark.uml, pytest.mark.usefixtures("compiled"), pytest.mark.timeout(3600)]
__all__ = ["compiled"]

MINUTES = float(os.environ.get("EXO_EDGE_NETEM_MINUTES", "1"))
SHARE = 0.05
FAULTS = {"loss": "loss 5%", "duplicate": "duplicate 5%", "corrupt": "corrupt 5%", "delay": "delay 3ms 2ms"}
SETPOINTS = (0x100, 0x101)
JOINTS = (0x180, 0x181)
GOVERNOR_STATE, HOST_STATE = 0x200, 0x201
TO_GOVERNOR = (*SETPOINTS, HOST_STATE)
TO_HOST = (*JOINTS, GOVERNOR_STATE)
TOLERANCE = 5  # steps of the counter that are accepted
COUNTERS = 4  # mux of GOVERNOR_STATE: CRC errors, gaps, repeats, rejected; one byte each, wrapping
HALF_CENT_NM = 0.0051  # rounding to 0.01 Nm


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoopRecord]:
    runs = loop_runs(tmp_path_factory.mktemp("netem"), 60.0 * MINUTES, list(FAULTS.values()))
    return dict(zip(FAULTS, runs, strict=True))


@pytest.fixture(params=list(FAULTS))
def record(request: pytest.FixtureRequest, records: dict[str, LoopRecord]) -> LoopRecord:
    return records[request.param]


def told_by_governor(record: LoopRecord) -> npt.NDArray[np.int64]:
    """CRC errors, gaps, repeats, rejected as the governor's own frames tell them, unwrapped."""
    frames = stream(record.frames, GOVERNOR_STATE)
    frames = frames[intact(frames)]
    told = frames[frames["data"][:, 2] >> 4 == COUNTERS]["data"][:, 4:].astype(np.int64)
    return told[0] + (np.diff(told, axis=0) % 256).sum(axis=0)


def strangers(frames: npt.NDArray[Any], can_id: int, others: Sequence[int]) -> int:
    """Frames with this id that were sent with another: a bit of the id flipped, and the CRC is right for the other.

    Exact: a flipped bit of the id and one of the data never have the same effect on this CRC.
    """
    own = stream(frames, can_id)
    broken = own[~intact(own) & (own["len"] == 8)]
    total = 0
    for other in set(others) - {can_id}:
        tried = broken.copy()
        tried["can_id"] = other
        total += int(intact(tried).sum()) if bin(can_id ^ other).count("1") == 1 else 0
    return total


def sum_of(counts: list[StreamCount], name: str) -> int:
    return sum(int(getattr(c, name)) for c in counts)


def likely(seen: int, share: float, of: int) -> bool:
    """Within five standard deviations of a binomial."""
    return abs(seen - share * of) < 5.0 * (share * (1.0 - share) * of) ** 0.5 + 1.0


def test_the_governor_counts_what_the_tap_saw(record: LoopRecord) -> None:
    seen = [count(record.frames, can_id) for can_id in TO_GOVERNOR]
    crc, gaps, repeats, _ = told_by_governor(record)
    own = sum(strangers(record.frames, can_id, TO_HOST) for can_id in TO_GOVERNOR)  # nobody hears what he sent himself
    assert crc == sum_of(seen, "crc") + sum_of(seen, "length") - own
    assert (gaps, repeats) == (sum_of(seen, "gaps"), sum_of(seen, "repeated"))


def test_the_host_counts_what_the_tap_saw(record: LoopRecord) -> None:
    heard = record.frames[record.frames["t_ns"] <= record.column("t_ns")[-1]]  # then the loop had ended
    for can_id, told in zip(TO_HOST, record.summary["streams"], strict=True):
        seen = count(heard, can_id)
        own = strangers(heard, can_id, TO_GOVERNOR)
        assert (told["ok"], told["repeated"], told["gaps"], told["crc"], told["lost"]) == (
            seen.accepted,
            seen.repeated,
            seen.gaps,
            seen.crc - own,
            seen.lost,
        )


def test_no_row_and_no_frame_of_ours_was_lost(record: LoopRecord) -> None:
    assert record.summary["lost_rows"] == record.summary["tap_dropped"] == 0
    assert record.column("missed")[-1] == 0
    assert record.summary["sent"] == 2 * len(record.cycles) + -(-len(record.cycles) // 20)


def test_torque_stays_within_limits_whatever_happens(record: LoopRecord) -> None:
    check = check_output(record.applied, TABLE.joints["knee_r"], STATES)
    assert check.violations == 0, check
    assert check.peak_nm > 1.0
    assert (record.applied["state"] == STATES["ENGAGED"]).any()


FOLLOWS = {
    "SAFE": {"IDLE"},
    "IDLE": {"READY", "SAFE"},
    "READY": {"ARMED", "IDLE", "SAFE"},
}
"""What may come next on the way from SAFE to torque."""


def test_out_of_safe_only_through_ready(record: LoopRecord) -> None:
    names = {code: name for name, code in STATES.items()}
    seen = [names[state] for state in states_seen(record)]
    for before, after in pairwise(seen[seen.index("ENGAGED") :]):
        assert before not in FOLLOWS or after in FOLLOWS[before], (before, after)


def sent_of(record: LoopRecord) -> dict[int, int]:
    """Frames each side put on its interface, by its own records; the governor steps on a little when nobody listens."""
    steps = np.count_nonzero(record.applied["now_ns"] <= record.frames["t_ns"][-1])
    return dict.fromkeys(SETPOINTS, len(record.cycles)) | dict.fromkeys(JOINTS, int(steps))


def test_loss_is_seen_frame_for_frame(records: dict[str, LoopRecord]) -> None:
    record = records["loss"]
    for can_id, sent in sent_of(record).items():
        seen = count(record.frames, can_id)
        edge = missing_at_the_ends(record, can_id, sent)
        assert seen.accepted + seen.lost + seen.gaps + seen.lost_in_gaps + edge == sent
        assert seen.crc == seen.length == seen.repeated == 0
        assert likely(sent - seen.accepted - seen.gaps, SHARE, sent)


def missing_at_the_ends(record: LoopRecord, can_id: int, sent: int) -> int:
    """Frames lost before the first or after the last that came, which no receiver can tell."""
    seen = stream(record.frames, can_id)
    first, last = counters(seen)[0], counters(seen)[-1]
    return int(first + (sent - 1 - last) % 15)


def test_duplicates_are_seen_frame_for_frame(records: dict[str, LoopRecord]) -> None:
    record = records["duplicate"]
    for can_id, sent in sent_of(record).items():
        seen = count(record.frames, can_id)
        assert seen.accepted + missing_at_the_ends(record, can_id, sent) == sent
        assert sent - seen.accepted <= 1  # the tap may close between two frames of the governor's last step
        assert seen.lost == seen.gaps == seen.crc == 0
        assert likely(seen.repeated, SHARE, sent)
    assert np.mean(record.applied["state"] == STATES["ENGAGED"]) > 0.9


def test_no_corrupted_frame_is_taken(records: dict[str, LoopRecord]) -> None:
    """Accepted setpoints are, each in its place, what the host's limiter gave; one bit in two hits data or CRC."""
    record = records["corrupt"]
    for can_id, side in zip(SETPOINTS, "rl", strict=True):
        frames = stream(record.frames, can_id)
        good = frames[intact(frames)]
        place = counters(good)[0] + np.concatenate(([0], np.cumsum(np.diff(counters(good)) % 15)))
        torque_nm = np.ascontiguousarray(good["data"][:, 2:4]).view("<i2")[:, 0] * 0.01
        assert np.abs(torque_nm - record.column(f"limited_nm_{side}")[place]).max() < HALF_CENT_NM
        seen = count(record.frames, can_id)
        assert seen.accepted == len(good) - seen.gaps and seen.repeated == 0
        flipped = seen.crc - strangers(record.frames, can_id, (*TO_GOVERNOR, *TO_HOST))
        assert likely(flipped, SHARE * 64 / 128, len(record.cycles))
    ids = set(map(int, record.frames["can_id"])) - {*TO_GOVERNOR, *TO_HOST}
    assert len(ids) > 10  # flipped ids and flags were there, and were left alone


def test_delay_is_seen_frame_for_frame(records: dict[str, LoopRecord]) -> None:
    """Each setpoint came 1 to 5 ms after its cycle; what came after a newer one counts as a gap, and nothing else."""
    record = records["delay"]
    for can_id in SETPOINTS:
        frames = stream(record.frames, can_id)
        place = positions(frames)
        place -= place.min()
        assert np.array_equal(np.sort(place), np.arange(len(record.cycles)))
        delay_ms = (frames["t_ns"] - record.column("t_ns")[place]) * 1e-6
        assert 0.99 < delay_ms.min() < 1.1 and 4.9 < delay_ms.max() < 5.02
        assert 2.9 < delay_ms.mean() < 3.1
        seen = count(record.frames, can_id)
        step = np.diff(place)
        assert seen.gaps == int(((step < 0) | (step > TOLERANCE)).sum())
        assert (step < 0).sum() > 0.1 * len(place)
        assert seen.crc == seen.repeated == 0


def test_the_wearer_is_let_go_and_assisted_again(records: dict[str, LoopRecord]) -> None:
    """Delay of this kind trips the governor again and again; each time it comes back by way of READY."""
    record = records["delay"]
    entries = sum(list(safe_entries(record.applied, STATES).values()))
    assert entries >= 3
    assert states_seen(record).count(STATES["ENGAGED"]) >= entries // 2


def test_a_full_queue_is_counted_and_passes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The kernel refuses frames (ENOBUFS) whenever five are under way: the loop goes on, torque stays within limits."""
    (record,) = loop_runs(tmp_path_factory.mktemp("full"), 5.0, ["delay 1.5ms 0.5ms limit 5"])
    offered = 2 * len(record.cycles) + -(-len(record.cycles) // 20)
    assert 0 < record.summary["sent"] < offered
    assert sum(int((record.frames["can_id"] == can_id).sum()) for can_id in TO_GOVERNOR) == record.summary["sent"]
    assert record.column("missed")[-1] == 0
    assert check_output(record.applied, TABLE.joints["knee_r"], STATES).violations == 0


def test_bus_off_is_safe_and_cleared(tmp_path_factory: pytest.TempPathFactory) -> None:
    beside = f"{sys.executable} -I {Path(__file__).with_name('bus_off.py')}"
    (record,) = loop_runs(tmp_path_factory.mktemp("off"), 10.0, [""], beside)
    codes = [code for _, _, code, _ in record.summary["events"]]
    assert "bus_off" in codes and "cleared" in codes[codes.index("bus_off") :]
    safe, engaged = STATES["SAFE"], STATES["ENGAGED"]
    seen = states_seen(record)
    assert safe in seen and engaged in seen[seen.index(safe) :]
    assert check_output(record.applied, TABLE.joints["knee_r"], STATES).violations == 0
