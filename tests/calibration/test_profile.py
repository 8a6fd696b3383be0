"""Profiles: what is wrong is named with file and key; the hash follows every value."""

from __future__ import annotations

from pathlib import Path

import pytest

import calibration
from calibration.profile import ProfileError, load_profile

DEMO = Path(calibration.__file__).with_name("profiles") / "demo.toml"


def altered(tmp_path: Path, old: str, new: str) -> Path:
    text = DEMO.read_text()
    assert old in text
    path = tmp_path / "p.toml"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("height_m = 1.65", "height_m = 16.5", "person.height_m"),
        ("height_m = 1.65", "height_cm = 165.0", "person.height_cm"),
        ("mass_kg = 55.0", "", "person.mass_kg"),
        ("share = 0.15", "share = nan", "assist.share"),
        ("share = 0.15", 'share = "much"', "assist.share"),
        ("share = 0.15", "share = true", "assist.share"),
        ("schema = 1", "schema = 9", "schema"),
        ('id = "demo-01"', 'id = ""', "id"),
        ("[person]", "[person", "TOML"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, old: str, new: str, names: str) -> None:
    path = altered(tmp_path, old, new)
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    line = str(caught.value)
    assert names in line
    assert str(path) in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ('[muscles]\nactivation_dynamics = "fast"', "muscles.activation_dynamics"),
        ("[muscles]\nactivation_dynamics = true", "muscles.activation_dynamics"),
        ("[muscles]\nmodel = 5", "muscles.model"),
        ('[muscles]\nmodell = "a.npz"', "muscles.modell"),
        ("muscles = 1", "muscles"),
    ],
)
def test_the_optional_table_of_muscles_is_checked_as_strictly(tmp_path: Path, table: str, names: str) -> None:
    path = altered(tmp_path, "[person]", f"{table}\n[person]")
    with pytest.raises(ProfileError, match=names):
        load_profile(path)


def test_muscles_left_out_do_not_change_the_hash_and_any_value_does(tmp_path: Path) -> None:
    hashes = {load_profile(DEMO).hash32}
    for table in ("[muscles]", '[muscles]\nactivation_dynamics = "off"'):
        assert load_profile(altered(tmp_path, "[person]", f"{table}\n[person]")).hash32 in hashes
    for line in ('activation_dynamics = "on"', 'model = "a.npz"', 'model = "a.npz"\nsha256 = "00"'):
        hashes.add(load_profile(altered(tmp_path, "[person]", f"[muscles]\n{line}\n[person]")).hash32)
    assert len(hashes) == 4


def test_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="no such profile"):
        load_profile(tmp_path / "none.toml")


def test_any_value_changes_the_hash(tmp_path: Path) -> None:
    same = altered(tmp_path, "# The wearer", "# A wearer")
    assert load_profile(same).hash32 == load_profile(DEMO).hash32
    other = altered(tmp_path, "share = 0.15", "share = 0.16")
    assert load_profile(other).hash32 != load_profile(DEMO).hash32
