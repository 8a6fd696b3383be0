"""Runs scenarios, one after the other or several at a time, each in files of its own."""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.errors import WORLD_ERRORS, UserError
from hil.results import Result, write_result


@dataclass(frozen=True, slots=True)
class Job:
    """One run to do: a scenario's file, the rig ("" for the file's own), which repeat, and the folder for its files."""

    file: Path
    rig: str
    repeat: int
    folder: Path


def plan_jobs(files: Sequence[Path], rig: str, repeats: int, out: Path) -> list[Job]:
    """Every scenario `repeats` times; folders are named after the scenario."""
    jobs = []
    for file in files:
        for repeat in range(repeats):
            name = file.stem if repeats == 1 else f"{file.stem}-{repeat + 1}"
            jobs.append(Job(file, rig, repeat, out / name))
    if len({job.folder for job in jobs}) < len(jobs):
        raise UserError("two scenarios have the same name; rename one of the files")
    return jobs


def run_jobs(jobs: Sequence[Job], at_once: int) -> Iterator[Result]:
    """Results as they come; a job that cannot run gives a result with its error and does not stop the others."""
    if at_once == 1 or len(jobs) == 1:
        yield from map(run_job, jobs)
        return
    context = multiprocessing.get_context("spawn")  # workers find compiled code where this process has it
    with ProcessPoolExecutor(min(at_once, len(jobs)), context) as pool:
        for done in as_completed([pool.submit(run_job, job) for job in jobs]):
            yield done.result()


def run_job(job: Job) -> Result:
    """Run one scenario, write its files, return its result."""
    begun = time.perf_counter()
    try:
        result = _run(job, begun)
    except WORLD_ERRORS as error:
        name = job.file.stem
        result = Result(
            name, name, job.rig, job.repeat, False, "error", (), {}, time.perf_counter() - begun, None,
            str(job.folder), str(job.file), str(error),
        )  # fmt: skip
        if job.folder.is_dir():
            write_result(result, job.folder)
    return result


def _run(job: Job, begun: float) -> Result:
    from hil.judge import as_declared, judge
    from hil.play import play
    from hil.results import write_record
    from hil.run_page import write_run_page
    from hil.scenario import load_scenario
    from hil.scores import scores

    scenario = load_scenario(job.file)
    if job.rig:
        scenario = dataclasses.replace(scenario, rig=job.rig)
    _make_folder(job.folder)
    trace = play(scenario, job.file)
    found = scores(trace, scenario)
    findings = judge(trace, scenario, found)
    passed = as_declared(findings, scenario)
    write_record(trace, scenario, job.file, job.folder)
    speed = float(trace.t_s[-1] - trace.t_s[0]) / trace.sim_s if trace.sim_s else None
    verdict = "pass" if all(finding.passed for finding in findings) else "fail"
    result = Result(
        scenario.name, scenario.title, scenario.rig, job.repeat, passed, verdict, tuple(findings), found,
        time.perf_counter() - begun, speed, str(job.folder), str(job.file),
    )  # fmt: skip
    write_result(result, job.folder)
    write_run_page(trace, scenario, result, job.folder)
    return result


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=False)
    except FileExistsError:
        raise UserError(f"{folder} exists already; choose another --out") from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); choose another --out") from None
