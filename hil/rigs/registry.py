"""Rigs by name, made when they are needed."""

from __future__ import annotations

from edge_runtime.errors import UserError
from hil.rigs.base import Rig
from hil.scenario import RIGS


def make_rig(name: str) -> Rig:
    """A rig that is not open yet. Raises UserError where there is none of that name."""
    if name == "phantom-sim":
        from hil.rigs.phantom_sim import PhantomSim

        return PhantomSim()
    if name == "firmware":
        from hil.rigs.firmware import FirmwareRig

        return FirmwareRig()
    if name == "phantom-serial":
        from hil.rigs.one_knee import OneKnee
        from hil.rigs.phantom_serial import PhantomSerial

        return OneKnee(PhantomSerial.from_environment())
    raise UserError(f"rig {name}: not known; one of {', '.join(RIGS)}")
