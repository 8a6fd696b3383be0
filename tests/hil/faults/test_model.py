"""Faults and episodes as files: what is wrong is named with its key and file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import UserError
from hil.faults.episode import Episode, Motion, Plant, read_episode, write_episode
from hil.faults.kind import Choice
from hil.faults.kinds import KINDS
from hil.faults.model import Fault, make_fault, read_fault


@st.composite
def any_fault(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(sorted(KINDS)))
    values: dict[str, float | str] = {
        name: draw(st.sampled_from(about.options))
        if isinstance(about, Choice)
        else draw(st.floats(about.low, about.high))
        for name, about in KINDS[kind].parameters.items()
    }
    seconds = st.floats(0.0, 1e4)
    return make_fault(kind, draw(seconds), draw(seconds), seed=draw(st.integers(0, 2**63 - 1)), **values)


@settings(deadline=None)
@given(fault=any_fault())
def test_a_fault_survives_its_table(fault: Fault) -> None:
    assert read_fault(fault.table(), "x") == fault


def test_an_episode_survives_its_file(tmp_path: Path) -> None:
    faults = tuple(make_fault(kind, 1.0, 0.1 + 0.2, seed=2**63 - 1) for kind in KINDS)
    episode = Episode(12.5, Motion(stride_hz=1.1), Plant(transmission=0.7), faults)
    write_episode(episode, tmp_path / "e.toml", ("first line",))
    assert read_episode(tmp_path / "e.toml") == episode
    assert (tmp_path / "e.toml").read_text().startswith("# first line\n")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "can_los"}, ("kind", "can_los", "can_loss")),
        ({"kind": "can_loss", "probabilty": 0.5}, ("unknown key", "probabilty", "probability")),
        ({"kind": "can_loss", "probability": 1.5}, ("probability", "1.5", "from 0 to 1")),
        ({"kind": "can_loss", "probability": True}, ("probability", "True")),
        ({"kind": "can_loss", "probability": float("nan")}, ("probability", "nan")),
        ({"kind": "can_loss", "direction": "up"}, ("direction", "up", "to_host")),
        ({"kind": "can_loss", "start_s": -1.0}, ("start_s", "-1.0")),
        ({"kind": "can_loss", "seed": 1.5}, ("seed", "1.5")),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, object], words: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as error:
        read_fault(table, "bench.toml: fault 2")
    assert all(word in str(error.value) for word in ("bench.toml: fault 2", *words))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seconds = 0.0", ("seconds",)),
        ("minutes = 3", ("minutes",)),
        ("[motion]\nstride = 1", ("[motion]", "stride")),
        ("[plant]\ntransmission = 9.0", ("[plant]", "transmission", "1.5")),
        ("[[fault]]\nkind = 'x'", ("fault 1", "x")),
        ("seconds = ", ("TOML",)),
    ],
)
def test_a_broken_file_is_one_line(text: str, words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(UserError) as error:
        read_episode(tmp_path / "e.toml")
    assert all(word in str(error.value) for word in ("e.toml", *words))


def test_every_kind_can_be_injected_somewhere_and_has_sane_defaults() -> None:
    for name, kind in KINDS.items():
        assert kind.seams, name
        assert make_fault(name, 0.0, 1.0).parameters.keys() == kind.parameters.keys()
