"""What the kernel says about an interface, against iproute2, and from answers as linux/can/netlink.h lays them out."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.buses.link import Link, is_virtual, parse_link, read_link
from tests.conftest import unavailable


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def u32(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def answer(flags: int, *attributes: bytes) -> bytes:
    body = struct.pack("=BxHiII", 0, 280, 3, flags, 0) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), 16, 0, 1, 0) + body


def can_info(*details: bytes) -> bytes:
    return attribute(18, attribute(1, b"can\0") + attribute(2 | 0x8000, b"".join(details)))


CAN = answer(
    1,
    attribute(3, b"can0\0"),
    u32(4, 72),
    u32(13, 10),
    can_info(
        attribute(1, struct.pack("=8I", 1_000_000, 750, 25, 14, 15, 10, 1, 1)),
        u32(4, 2),
        attribute(5, struct.pack("=II", 0x23, 0x22)),
        u32(6, 100),
        attribute(9, struct.pack("=8I", 5_000_000, 750, 5, 2, 2, 1, 1, 1)),
    ),
)


def test_a_can_interface() -> None:
    link = parse_link("can0", CAN, "mttcan")
    told = Link("can0", 280, "can", True, 72, 10, "mttcan", 1_000_000, 5_000_000, "ERROR-PASSIVE", 100)
    assert link == replace(told, fd=True, listen_only=True)
    assert not link.virtual


@pytest.mark.parametrize(("kind", "virtual"), [(b"vcan\0", True), (b"vxcan\0", True), (b"can\0", False), (b"", False)])
def test_virtual_is_known_by_its_kind_only(kind: bytes, virtual: bool) -> None:
    info = attribute(18, attribute(1, kind)) if kind else b""
    link = parse_link("x", answer(0, info), "")
    assert link.virtual is virtual and not link.up and link.bitrate is None and link.state is None


def test_refusals_are_errors() -> None:
    with pytest.raises(OSError, match="does not describe"):
        parse_link("x", struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -19) + bytes(16), "")
    with pytest.raises(OSError, match="cut"):
        parse_link("x", CAN[:20], "")
    with pytest.raises(OSError):
        read_link("no-such-if")
    assert not is_virtual("no-such-if") and not is_virtual("lo")


@given(st.integers(32, len(CAN)), st.binary(max_size=40))
def test_no_answer_breaks_it(cut: int, noise: bytes) -> None:
    parse_link("can0", CAN[:cut] + noise, "")


def test_agrees_with_iproute2() -> None:
    if shutil.which("ip") is None:
        unavailable("iproute2 is not installed")
    done = subprocess.run(["ip", "-details", "-json", "link", "show", "lo"], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)[0]
    link = read_link("lo")
    assert (link.mtu, link.txqueuelen, link.up) == (said["mtu"], said.get("txqlen", 0), "UP" in said["flags"])
