"""From bytes to samples: finds lines in any noise, checks them, and accounts for every sample that did not come.

Pure: no port, no clock. Every sample is received once, or counted as lost as soon as a later one comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.serial.lines import LINE_MAX, SEQUENCE_SPAN, VERSION, Hello, Sample, decode


@dataclass(slots=True)
class Counts:
    """What a receiver has seen. `lost` by gaps in the sequence, `broken` lines that were none, `noise` bytes without
    an end, `stale` samples that came again or too late, `restarts` of the bench, after which its count begins anew."""

    received: int = 0
    lost: int = 0
    broken: int = 0
    noise: int = 0
    stale: int = 0
    restarts: int = 0
    other_version: int = 0


@dataclass(slots=True)
class _Stream:
    boot: int
    next_sequence: int


@dataclass(slots=True)
class Receiver:
    """Feeds on bytes as they come. `hello` is what the bench has said of itself last."""

    counts: Counts = field(default_factory=Counts)
    hello: Hello | None = None
    _rest: bytes = b""
    _overlong: bool = False
    _streams: dict[str, _Stream] = field(default_factory=dict)

    def feed(self, data: bytes) -> list[Sample]:
        """The good samples in `data` and what was left of the bytes before, in their order."""
        *whole, rest = (self._rest + data).split(b"\n")
        samples = [sample for raw in whole if (sample := self._line(raw)) is not None]
        if len(rest) > LINE_MAX:
            self.counts.noise += len(rest)
            self._overlong, rest = True, b""
        self._rest = rest
        return samples

    def forget_rest(self) -> None:
        """The connection was cut: what comes next is no continuation."""
        self.counts.noise += len(self._rest)
        self._rest, self._overlong = b"", False

    def _line(self, raw: bytes) -> Sample | None:
        if self._overlong or len(raw) > LINE_MAX:
            self.counts.noise += len(raw)
            self._overlong = False
            return None
        line = decode(raw.removesuffix(b"\r"))
        if isinstance(line, Sample):
            return self._sample(line)
        if isinstance(line, Hello):
            self.hello = line if line.version == VERSION else None
            self.counts.other_version += line.version != VERSION
        elif raw:
            self.counts.broken += 1
        return None

    def _sample(self, sample: Sample) -> Sample | None:
        stream = self._streams.get(sample.leg)
        if stream is None or stream.boot != sample.boot:
            self.counts.restarts += stream is not None
            self.counts.lost += sample.sequence  # those since its power-up that never came
            self._streams[sample.leg] = _Stream(sample.boot, (sample.sequence + 1) % SEQUENCE_SPAN)
            self.counts.received += 1
            return sample
        ahead = (sample.sequence - stream.next_sequence) % SEQUENCE_SPAN
        if ahead >= SEQUENCE_SPAN // 2:
            self.counts.stale += 1
            return None
        self.counts.lost += ahead
        stream.next_sequence = (sample.sequence + 1) % SEQUENCE_SPAN
        self.counts.received += 1
        return sample
