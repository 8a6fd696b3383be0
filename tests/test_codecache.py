"""Which sources a folder of compiled code stands for: all that compiled code can reach, and no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from edge_runtime import codecache

ROOT = Path(__file__).resolve().parents[1]

_LOAD = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*(name for name in sys.modules if name.split(".")[0] in {packages!r}))
"""


def _sources() -> dict[str, str]:
    return {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path.read_text()
        for package in codecache.PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }


def test_imports_are_followed_at_any_depth_and_in_any_form() -> None:
    sources = {
        "a": "",
        "a.loop": "import numba\nfrom a.rules import (\n    TABLE,\n    limit,\n)\n",
        "a.rules": "def limit():\n    from b import numbers\n",
        "b": "",
        "b.numbers": "import c.deep\n",
        "c": "",
        "c.deep": "",
        "a.report": "from a import loop\n",
    }
    assert codecache.reachable(sources) == sources.keys() - {"a.report"}


def test_what_python_loads_for_compiled_modules_is_all_covered() -> None:
    sources = _sources()
    compiled = [name for name, text in sources.items() if "import numba" in text or "from numba" in text]
    script = _LOAD.replace("{packages!r}", repr(codecache.PACKAGES))
    command = [sys.executable, "-c", script, *compiled]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    assert set(compiled) <= set(loaded)
    assert set(loaded) <= codecache.reachable(sources)


def test_a_command_does_not_make_the_loop_compile_again() -> None:
    assert not any(name.startswith("edge_runtime.commands") for name in codecache.reachable(_sources()))
