"""A progress bar on stderr while a long measurement runs; silent where stderr is not a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def bar(title: str) -> Iterator[Callable[[str, float], None]]:
    """Yields what takes (what is being done, part of the whole done, 0 to 1)."""
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn())
    with Progress(
        *columns, TextColumn("{task.description}"), console=console, disable=not console.is_terminal
    ) as shown:
        task = shown.add_task("", total=1.0)

        def progress(what: str, part: float) -> None:
            shown.update(task, description=what, completed=part)

        yield progress
