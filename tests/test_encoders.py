"""Encoder readings on their way to the estimator: brought to the frame's capture, and never held where they stop."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import calibration
from calibration.profile import Encoders, Profile, ProfileError, load_profile
from calibration.reduced_tissue import load_tissue
from edge_runtime import shared
from edge_runtime.encoders import GIVE_SD, STALE_NS, EncoderFeed, EncoderFit, encoder_fit
from edge_runtime.rt.mailbox import push

MS = 1_000_000
DEMO = Path(calibration.__file__).with_name("profiles") / "demo.toml"
PROFILE = load_profile(DEMO)
SD_RAD = 0.01


class Loop:
    """The torque loop's end of the ring: both knees swing."""

    def __init__(self) -> None:
        self.ring = shared.local(1).encoders
        self.offset_rad = np.array([0.05, -0.02])
        self.feed = EncoderFeed(self.ring, EncoderFit(self.offset_rad, np.full(2, SD_RAD), np.full(2, 0.1)))

    def knee(self, t_ns: int) -> float:
        return 0.5 + 0.4 * float(np.sin(2 * np.pi * t_ns * 1e-9))

    def rate(self, t_ns: int) -> float:
        return 0.4 * 2 * np.pi * float(np.cos(2 * np.pi * t_ns * 1e-9))

    def tell(self, heard_ns: list[int], knee_rad: list[float] | None = None) -> None:
        row = np.zeros((2, len(shared.ENCODER_FIELDS)))
        for i, t_ns in enumerate(heard_ns):
            knee = self.knee(t_ns) if knee_rad is None else knee_rad[i]
            row[i] = t_ns, knee + self.offset_rad[i] + 0.03, knee + self.offset_rad[i], self.rate(t_ns)
        push(self.ring, row.ravel().view(np.int64))

    def run(self, first_ms: int, last_ms: int) -> None:
        for k in range(first_ms, last_ms + 1):
            self.tell([k * MS, k * MS])


def test_a_frame_gets_the_knee_of_its_capture_not_the_newest() -> None:
    loop = Loop()
    loop.run(1000, 1040)
    t_ns = 1019 * MS + 400_000
    read = loop.feed.at(t_ns)
    assert read.valid.all()
    assert read.knee_rad == pytest.approx([loop.knee(t_ns)] * 2, abs=1e-5)
    loop.run(1041, 1041)
    assert loop.feed.at(t_ns).knee_rad == pytest.approx(read.knee_rad)  # the past stays


def test_deviation_is_of_offset_give_and_timing() -> None:
    loop = Loop()
    loop.run(1000, 1020)
    read = loop.feed.at(1010 * MS)
    rate = loop.rate(1010 * MS)
    assert read.sd_rad == pytest.approx([np.linalg.norm([SD_RAD, 0.1 * 0.03, rate * 1e-3])] * 2, rel=1e-3)


def test_one_that_fell_silent_goes_on_wider_and_then_not_at_all() -> None:
    loop = Loop()
    loop.run(1000, 1020)
    last = 1020 * MS
    at_once, later = loop.feed.at(last + MS), loop.feed.at(last + STALE_NS)
    assert at_once.valid.all() and later.valid.all()
    assert (later.sd_rad > 2.0 * at_once.sd_rad).all()
    assert np.abs(later.knee_rad - loop.knee(last + STALE_NS)).max() < 2.0 * later.sd_rad.min()
    assert not loop.feed.at(last + STALE_NS + 1).valid.any()


def test_a_message_told_again_does_not_count_again() -> None:
    """The loop tells each cycle what it heard last; a side that is silent must not look alive for it."""
    loop = Loop()
    loop.run(1000, 1010)
    for k in range(1011, 1101):
        loop.tell([k * MS, 1010 * MS])
    assert loop.feed.at(1100 * MS).valid.tolist() == [True, False]


def test_nothing_heard_and_frames_before_it_have_no_reading() -> None:
    loop = Loop()
    loop.tell([0, 0])  # the loop runs, the firmware does not
    assert not loop.feed.at(1000 * MS).valid.any()
    loop.run(1000, 1010)
    assert not loop.feed.at(999 * MS).valid.any()


def test_a_gap_is_not_bridged() -> None:
    loop = Loop()
    loop.run(1000, 1010)
    loop.run(1100, 1110)
    assert not loop.feed.at(1050 * MS).valid.any()
    assert loop.feed.at(1105 * MS).valid.all()


def test_a_knee_that_the_model_does_not_have_is_no_reading() -> None:
    loop = Loop()
    loop.run(1000, 1010)
    loop.tell([1011 * MS] * 2, [np.nan, 0.5])
    assert loop.feed.at(1011 * MS + 1).valid.tolist() == [False, True]


def test_a_reader_that_slept_finds_the_newest_again() -> None:
    loop = Loop()
    loop.run(1000, 1000 + 3 * shared.ENCODER_ROWS)
    loop.feed.at(1)  # what piled up is gone; the newest rows had no room
    first = 1001 + 3 * shared.ENCODER_ROWS
    loop.run(first, first + 5)
    assert loop.feed.at((first + 3) * MS).valid.all()


def test_fit_comes_from_the_profile() -> None:
    fit = encoder_fit(dataclasses.replace(PROFILE, encoders=Encoders(0.1, -0.1, 0.02)), {})
    assert fit.offset_rad.tolist() == [0.1, -0.1]
    assert fit.offset_sd_rad.tolist() == [0.02, 0.02]
    assert fit.give_sd.tolist() == [GIVE_SD, GIVE_SD]


def test_identified_tissue_is_as_sure_as_its_interval() -> None:
    tissue = load_tissue(Path(calibration.__file__).with_name("tissues") / "demo.toml")
    fit = encoder_fit(PROFILE, {"l": tissue})
    assert fit.give_sd[0] == GIVE_SD
    assert 0.05 <= fit.give_sd[1] < GIVE_SD


def test_a_profile_without_the_table_keeps_its_hash_and_trusts_the_encoders_little(tmp_path: Path) -> None:
    text = DEMO.read_text(encoding="utf-8")
    old = tmp_path / "old.toml"
    old.write_text(text[: text.index("[encoders]")], encoding="utf-8")
    profile: Profile = load_profile(old)
    assert profile.encoders == Encoders()
    assert profile.encoders.offset_sd_rad > np.radians(4.0)
    assert profile.hash32 == dataclasses.replace(PROFILE, encoders=Encoders()).hash32 != PROFILE.hash32
    bad = tmp_path / "bad.toml"
    bad.write_text(text.replace("offset_sd_rad = 0.0175", "offset_sd_rad = 0.0"), encoding="utf-8")
    with pytest.raises(ProfileError, match=r"encoders\.offset_sd_rad"):
        load_profile(bad)
