"""Progress bar of slow commands, on stderr and only for a person who watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def pose_progress() -> Iterator[Callable[[int, int], None]]:
    """A function to call with (poses measured, poses in all) while a model is compiled."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("compile: muscle paths", visible=False)
        yield lambda done, count: bar.update(task, completed=done, total=count, visible=True)
