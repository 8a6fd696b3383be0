"""Rendered pictures of a study: each cuff on the first tissue, the knee bent as far as the study goes, under torque."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

from edge_runtime.tissue.long_step import LongStepModel
from edge_runtime.tissue.picture import render, save_png
from edge_runtime.tissue.study_plan import Study


def picture_study(study: Study, out: Path) -> list[Path]:
    """One PNG per cuff. Raises UserError where nothing can be rendered here, or the leg finds no rest."""
    files = []
    for cuff in study.cuff:
        case = replace(study.cases()[0], cuff=cuff, knee_deg=max(study.knee_deg))
        model = LongStepModel(case.phantom())
        model.rest(math.radians(case.knee_deg), case.torque_nm)
        path = out / f"leg_{re.sub(r'[^a-z0-9]+', '_', cuff.name.lower()).strip('_')}.png"
        save_png(render(model.full.model, model.full.data, "side"), path)
        files.append(path)
    return files
