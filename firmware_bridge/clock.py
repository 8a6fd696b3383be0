"""Offset and drift of the governor's clock against the host's, from the clock values that GOVERNOR_STATE carries.

A value can only be late: it is cut to whole ticks, waits for the bus and then for the loop, but never comes early. So
every sample (host time, governor minus host) lies on or below the true line, and the line sought is the one that lies
on top of all samples and closest to their middle: an edge of their upper hull (Moon, Skelly and Towsley, INFOCOM 1999,
as a linear program; Zhang, Liu and Xia, INFOCOM 2002, by convex hull). Its slope is the drift. Of each stretch of time
only the least late sample is kept. Delay that every sample shares cannot be seen one way and stays in the estimate.

The reported offset may grow at once but falls slowly: stamps that run backward, or too slow, would let the governor
see torque change faster than it does. Compiled functions on one record, no allocation.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

TICK_NS: Final = 100_000
WRAP_NS: Final = TICK_NS << 32

_BUCKETS: Final = 64
_BUCKET_NS: Final = 800_000_000  # eight samples: one comes per 100 ms
_WINDOW_NS: Final = _BUCKETS * _BUCKET_NS
_SETTLED_NS: Final = 5_000_000_000  # the samples must span so long before they tell the drift
_RECENT_NS: Final = 1_600_000_000  # until then only these are used: at 200 ppm they are 0.3 ms apart
_DRIFT_MAX: Final = 300e-6  # crystals are good to 100 ppm each, and age
_JUMP_NS: Final = 2_000_000  # a sample so far above the line, or all so far below it, is no drift and no delay
_JUMP_AFTER_NS: Final = 2_000_000_000  # below: this long, and
_JUMP_SAMPLES: Final = 16  # so many; a loop that stood still reads a few stale ones at once
_RESTART_NS: Final = 1_000_000_000  # so far below no queue holds a sample back: the governor's clock began anew,
_RESTART_SAMPLES: Final = 3  # where so many in a row agree; stale ones that are read in a burst do not
_LEAP_NS: Final = 10_000_000  # from here on the stamps are useless anyway: take the new offset at once
_FALL_RATE: Final = 500e-6  # a tenth of a percent of the slew limit's margin: 0.95 of the firmware's

CLOCK = np.dtype(
    [
        ("samples", np.int64),
        ("ref_ns", np.int64),  # the line: offset at this host time, and its slope
        ("base_ns", np.int64),
        ("drift", np.float64),
        ("drift_known", np.int64),
        ("lead_ns", np.int64),  # the reported offset is so far above the line at `lead_at_ns`
        ("lead_at_ns", np.int64),
        ("low_count", np.int64),  # samples in a row far below the line
        ("low_since_ns", np.int64),
        ("low_best_ns", np.int64),
        ("low_last_ns", np.int64),
        ("agreeing", np.int64),  # of those, so many in a row with the same offset
        ("jumps", np.int64),
        ("first", np.int64),  # number of the oldest bucket kept
        ("last", np.int64),  # number of the newest
        ("slot_ns", np.int64),  # host time // _BUCKET_NS of the newest
        ("t_ns", np.int64, (_BUCKETS,)),
        ("offset_ns", np.int64, (_BUCKETS,)),
        ("hull", np.int64, (_BUCKETS,)),  # scratch
    ]
)


def clock() -> npt.NDArray[Any]:
    """Fresh state, CLOCK [1]."""
    return np.zeros(1, CLOCK)


@njit(cache=True, nogil=True)
def clock_offset_ns(state: Any, t_ns: int) -> int:
    """Governor clock minus host clock in ns at host time `t_ns`; 0 before the first sample. `state` is CLOCK [1]."""
    c = state[0]
    lead = c.lead_ns - np.int64(_FALL_RATE * (t_ns - c.lead_at_ns))
    return int(_line(c, t_ns) + max(lead, 0))


@njit(cache=True, nogil=True)
def clock_update(state: Any, governor_clock: int, received_ns: int) -> None:
    """Take a clock payload (u32, 0.1 ms) received at host time `received_ns`."""
    c = state[0]
    reported = clock_offset_ns(state, received_ns)
    offset = governor_clock * TICK_NS + TICK_NS // 2 - received_ns  # the payload is cut to whole ticks
    if c.samples == 0:
        reported = offset
        _restart(c, offset, received_ns)
    error = offset - _line(c, received_ns) + WRAP_NS // 2
    above = error % WRAP_NS - WRAP_NS // 2
    offset = _line(c, received_ns) + above
    c.samples += 1
    if _has_jumped(c, above, offset, received_ns):
        c.jumps += 1
        _restart(c, max(offset, c.low_best_ns) if above < 0 else offset, received_ns)
    _keep(c, offset, received_ns)
    _fit(c)
    lead = reported - _line(c, received_ns)
    c.lead_ns = lead if 0 < lead < _LEAP_NS else 0
    c.lead_at_ns = received_ns


@njit(cache=True, nogil=True)
def _line(c: Any, t_ns: int) -> int:
    return int(c.base_ns + np.int64(c.drift * (t_ns - c.ref_ns)))


@njit(cache=True, nogil=True)
def _has_jumped(c: Any, above: int, offset: int, t_ns: int) -> bool:
    """Nothing comes early, so one sample above is proof; below, only a lasting run of them is, or a few very far."""
    if above > _JUMP_NS:
        return True
    if above > -_JUMP_NS:
        c.low_count = 0
        return False
    if c.low_count == 0:
        c.low_since_ns = t_ns
        c.low_best_ns = offset
        c.agreeing = 0
    c.agreeing = c.agreeing + 1 if c.agreeing > 0 and abs(offset - c.low_last_ns) <= _JUMP_NS else 1
    c.low_last_ns = offset
    c.low_count += 1
    c.low_best_ns = max(c.low_best_ns, offset)
    lasting = c.low_count >= _JUMP_SAMPLES and t_ns - c.low_since_ns >= _JUMP_AFTER_NS
    return bool(lasting or (above < -_RESTART_NS and c.agreeing >= _RESTART_SAMPLES))


@njit(cache=True, nogil=True)
def _restart(c: Any, offset: int, t_ns: int) -> None:
    """Forget all samples; the drift of a crystal outlives a jump of its clock."""
    c.ref_ns = t_ns
    c.base_ns = offset
    c.low_count = 0
    c.first = 1
    c.last = 0
    c.slot_ns = 0


@njit(cache=True, nogil=True)
def _keep(c: Any, offset: int, t_ns: int) -> None:
    """Keep the sample where it is the least late of its stretch of time; forget what left the window."""
    slot = t_ns // _BUCKET_NS
    i = c.last % _BUCKETS
    if c.last < c.first or slot != c.slot_ns:
        c.last += 1
        c.slot_ns = slot
        i = c.last % _BUCKETS
        c.t_ns[i] = t_ns
        c.offset_ns[i] = offset
    elif offset - _line(c, t_ns) >= c.offset_ns[i] - _line(c, c.t_ns[i]):
        c.t_ns[i] = t_ns
        c.offset_ns[i] = offset
    c.first = max(c.first, c.last - _BUCKETS + 1)
    while c.first < c.last and c.t_ns[c.first % _BUCKETS] < t_ns - _WINDOW_NS:
        c.first += 1


@njit(cache=True, nogil=True)
def _fit(c: Any) -> None:
    """The line on top of the samples kept: its slope where they span long enough, then its height."""
    newest = c.t_ns[c.last % _BUCKETS]
    oldest = newest - c.t_ns[c.first % _BUCKETS]
    if oldest >= _SETTLED_NS:
        c.drift = min(max(_slope(c), -_DRIFT_MAX), _DRIFT_MAX)
        c.drift_known = 1
    reach = _WINDOW_NS if c.drift_known == 1 else _RECENT_NS
    c.ref_ns = newest
    c.base_ns = c.offset_ns[c.last % _BUCKETS]
    for k in range(c.first, c.last):
        i = k % _BUCKETS
        if newest - c.t_ns[i] <= reach:
            c.base_ns = max(c.base_ns, c.offset_ns[i] + np.int64(c.drift * (newest - c.t_ns[i])))
    if c.drift_known == 0:
        _forget_contradicted(c)


@njit(cache=True, nogil=True)
def _forget_contradicted(c: Any) -> None:
    """Samples out of reach and far above the line are of a clock that has stepped back since; they would count again
    as soon as the drift is known."""
    for k in range(c.first, c.last):
        if c.offset_ns[k % _BUCKETS] - c.base_ns > _JUMP_NS:
            c.first = k + 1


@njit(cache=True, nogil=True)
def _slope(c: Any) -> float:
    """Slope of the hull's edge over the middle of the window."""
    count = 0
    for k in range(c.first, c.last + 1):
        i = k % _BUCKETS
        while count >= 2 and _bends_up(c, c.hull[count - 2], c.hull[count - 1], i):
            count -= 1
        c.hull[count] = i
        count += 1
    middle = (c.t_ns[c.hull[0]] + c.t_ns[c.hull[count - 1]]) // 2
    for edge in range(count - 1):
        a, b = c.hull[edge], c.hull[edge + 1]
        if c.t_ns[b] >= middle and c.t_ns[b] > c.t_ns[a]:
            return float((c.offset_ns[b] - c.offset_ns[a]) / (c.t_ns[b] - c.t_ns[a]))
    return float(c.drift)


@njit(cache=True, nogil=True)
def _bends_up(c: Any, a: int, b: int, new: int) -> bool:
    """True where sample `b` lies on or below the line from `a` to `new`."""
    run_b, run_new = c.t_ns[b] - c.t_ns[a], c.t_ns[new] - c.t_ns[a]
    rise_b, rise_new = c.offset_ns[b] - c.offset_ns[a], c.offset_ns[new] - c.offset_ns[a]
    return bool(float(rise_b) * run_new <= float(rise_new) * run_b)
