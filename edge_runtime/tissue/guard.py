"""One millisecond that tells whether the installed MuJoCo has the right soft-body law."""

from __future__ import annotations

from functools import cache
from typing import Final

from edge_runtime.errors import UserError

_PROBE: Final = """<mujoco><option gravity="0 0 0"/><worldbody><body name="a"/><body name="b" pos="1 0 0">
<inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/><joint type="slide" axis="1 0 0"/></body></worldbody>
<deformable><flex name="f" dim="3" radius="0" body="a a a b" vertex="0 0 0  0 1 0  0 0 1  0 0 0" element="0 1 2 3">
<contact selfcollide="none" contype="0" conaffinity="0"/>
<elasticity young="1000" poisson="0.3" damping="1e-3"/></flex></deformable></mujoco>"""
"""A tetrahedron of modulus 1 kPa with one corner that slides along x: uniaxial strain."""
_POISSON: Final = 0.3
_PULL: Final = 1e-3
EXPECTED: Final = (1.0 - _POISSON) / ((1.0 + _POISSON) * (1.0 - 2.0 * _POISSON))
"""C11 / E = 1.346; MuJoCo up to 3.17 has 1.923, for it doubles Lame's first constant."""


def probe_c11() -> float:
    """C11 / E of the installed MuJoCo at Poisson's ratio 0.3, from the force of one stretched tetrahedron."""
    import mujoco

    model = mujoco.MjModel.from_xml_string(_PROBE)
    data = mujoco.MjData(model)
    data.qpos[0] = _PULL
    mujoco.mj_forward(model, data)
    stretch = 1.0 + _PULL
    strain = (stretch**2 - 1.0) / 2.0
    return float(-data.qfrc_passive[0] * 6.0 / (stretch * strain * 1000.0))  # force = stretch C11 strain / 6


@cache
def check_law() -> None:
    """Raises UserError where MuJoCo's law is not St. Venant-Kirchhoff; asked once per process."""
    import mujoco

    found = probe_c11()
    if abs(found / EXPECTED - 1.0) > 1e-6:
        raise UserError(
            f"MuJoCo {mujoco.__version__}: its soft-body law is wrong (C11 = {found:.3f} E at Poisson 0.3, must be "
            f"{EXPECTED:.3f}); install mujoco 4.0"
        )
