"""File of a reduced tissue: it comes back as written; whatever is wrong in it is named by file and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import calibration
from calibration.profile import Profile, ProfileError, load_profile
from calibration.reduced_tissue import CuffTissue, ReducedTissue, as_toml, load_tissue, save_tissue, tissue_of

CUFF = CuffTissue(
    terms=((2.0, 0.0, 0.0, 1.25), (1.0, 0.0, 1.0, -0.1), (0.0, 2.0, 0.0, 3.0), (0.0, 0.0, 2.0, 2.0)),
    reach=(0.007, 0.02, 0.25),
    loss=((1.0,) * 10,) * 6,
    error=0.01,
    growth=0.2,
    posture_per_rad=0.1,
    centre_m=(0.0, 0.17),
    mass=((1.0, 0.0, 0.01), (0.0, 1.2, 0.0), (0.01, 0.0, 0.005)),
    swing=(0.3, 0.0, 0.01),
    centrifugal=(0.0, 0.3, 0.0),
    gyration=((0.0, 0.2, 0.0), (-0.2, 0.0, 0.0), (0.0, 0.0, 0.0)),
    modes=((2e4, 0.1, 0.0, 0.3, 0.0, 0.01),) * 4,
)
TISSUE = ReducedTissue(
    provenance='made up "here"\\',
    young_pa=60e3,
    torque_nm=20.0,
    stiffness=1.0,
    stiffness_low=0.7,
    stiffness_high=1.3,
    stiffness_bias=1.15,
    kelvin_time_s=0.02,
    arm_share=(0.1, 0.0, 0.0),
    arm_time_s=(1.0, 1.0, 1.0),
    misalignment_m=(0.01, -0.005),
    link_mass_kg=(0.3, 0.3),
    link_com_m=((0.0, 0.17), (0.0, -0.17)),
    link_inertia_kgm2=(0.003, 0.003),
    rotor_inertia_kgm2=0.02,
    viscous_nms_per_rad=0.0,
    coulomb_nm=0.1,
    thigh=CUFF,
    shank=CUFF,
)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "tissue.toml"
    save_tissue(TISSUE, path)
    assert load_tissue(path) == TISSUE
    assert load_tissue(path).hash32 == TISSUE.hash32


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("schema = 1", "schema = 7", "schema"),
        ("young_pa = 60000.0", "young_pa = 1e9", "young_pa"),
        ("young_pa = 60000.0", "", "young_pa"),
        ("young_pa = 60000.0", "young_pa = 60000.0\nsurprise = 1", "surprise"),
        ("stiffness_low = 0.7", "stiffness_low = 1.2", "stiffness_low"),
        ("arm_share = [0.1, 0.0, 0.0]", "arm_share = [0.1, 0.0]", "arm_share"),
        ("arm_share = [0.1, 0.0, 0.0]", "arm_share = [0.1, 0.0, nan]", "arm_share"),
        ("modes = [", "modes = [[1.0],", "thigh.modes"),
        ("reach = [0.007, 0.02, 0.25]", "reach = [0.007, 0.0, 0.25]", "thigh.reach"),
        ("  [0, 2, 0, 3.0],", "  [2, 0, 0, 3.0],", "terms"),
        ("  [0, 2, 0, 3.0],", "  [0, 5, 0, 3.0],", "terms"),
        ("  [0, 2, 0, 3.0],", "  [0, 0.5, 1, 3.0],", "terms"),
        ("[thigh]", "[calf]", "calf"),
        ("error = 0.01", "error = true", "thigh.error"),
        ("error = 0.01", "error = = 0.01", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "tissue.toml"
    text = as_toml(TISSUE)
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ProfileError, match=r"tissue\.toml") as caught:
        load_tissue(path)
    assert says in str(caught.value) and "\n" not in str(caught.value)


DEMO = Path(calibration.__file__).with_name("profiles") / "demo.toml"


def profile_with(folder: Path, table: str) -> tuple[Profile, Path]:
    path = folder / "me.toml"
    path.write_text(DEMO.read_text() + f"\n[tissue]\n{table}\n")
    return load_profile(path), path


def test_a_profile_names_the_file_and_its_hash_covers_it(tmp_path: Path) -> None:
    save_tissue(TISSUE, tmp_path / "leg.toml")
    profile, path = profile_with(tmp_path, f'file_r = "leg.toml"\nhash_r = "{TISSUE.hash32:08x}"')
    assert tissue_of(profile, path, "r") == TISSUE and tissue_of(profile, path, "l") is None
    assert profile.hash32 != load_profile(DEMO).hash32
    other = replace(TISSUE, torque_nm=10.0)
    save_tissue(other, tmp_path / "leg.toml")
    with pytest.raises(ProfileError, match=f"hash_r.*{other.hash32:08x}"):
        tissue_of(profile, path, "r")


def test_a_profile_without_tissue_is_as_it_was(tmp_path: Path) -> None:
    profile, path = load_profile(DEMO), DEMO
    assert tissue_of(profile, path, "r") is None
    with pytest.raises(ProfileError, match=r"tissue\.surprise"):
        profile_with(tmp_path, 'surprise = "x"')


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"no\.toml.*tissue reduce"):
        load_tissue(tmp_path / "no.toml")


def test_the_demo_tissue_loads_and_is_within_a_percent_of_its_elements() -> None:
    demo = load_tissue(DEMO.parents[1] / "tissues" / "demo.toml")
    assert max(demo.thigh.error, demo.shank.error) < 0.01 and "not measured on a person" in demo.provenance
