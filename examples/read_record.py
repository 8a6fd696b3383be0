"""Print peak torque and knee load of a recorded run: python examples/read_record.py runs/<time>"""

import sys
from pathlib import Path

import numpy as np

from edge_runtime.record.reader import load

record = load(Path(sys.argv[1]))
print(f"{record.duration_s:.1f} s, {'complete' if record.complete else 'cut short'}")
for side, name in (("r", "right"), ("l", "left")):
    torque_nm = np.abs(record.cycles[f"limited_nm_{side}"]).max()
    total_n = np.nanmax(record.estimates[f"kcf_total_n_{side}"])
    print(f"{name}: torque up to {torque_nm:.1f} Nm, estimated knee contact force up to {total_n:.0f} N")
