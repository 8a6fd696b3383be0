"""Load at ordinary priority while something is measured: processor, disk, network, and the GPU where there is one."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from edge_runtime.rt import rights

_DISK_BLOCK: Final = 1 << 20
_DISK_BLOCKS: Final = 64  # the file is overwritten from its start after so many
_NET_BLOCK: Final = 1 << 16
_GPU_BYTES: Final = 64 << 20
_BEGIN_S: Final = 1.0  # until the load is there
_CUDA_SUCCESS: Final = 0


class Load(Enum):
    """What is loaded."""

    CPU = "cpu"
    DISK = "disk"
    NETWORK = "network"
    GPU = "gpu"


@contextmanager
def loaded(loads: Sequence[Load], folder: Path) -> Iterator[dict[str, str]]:
    """Load these while the block runs; yields in words what each does, or why it does nothing. Disk: in `folder`."""
    context = multiprocessing.get_context("spawn")
    processes: list[BaseProcess] = []
    said: dict[str, str] = {}
    try:
        for load in loads:
            works, said[load.value] = _works(load, folder)
            for work, argument in works:
                processes.append(context.Process(target=_hog, args=(os.getpid(), work, argument)))
                processes[-1].start()
        time.sleep(_BEGIN_S if processes else 0.0)
        yield said
    finally:
        for process in processes:
            process.kill()
            process.join()


def _works(load: Load, folder: Path) -> tuple[list[tuple[Callable[[Any], None], Any]], str]:
    """What to run for a load, one process each, and in words."""
    if load is Load.CPU:
        cores = sorted(os.sched_getaffinity(0))
        return [(_spin, core) for core in cores], f"one spinning process on each of {len(cores)} cores"
    if load is Load.DISK:
        return [(_write_disk, str(folder))], f"1 MiB blocks written and synced in {folder}"
    if load is Load.NETWORK:
        return [(_flood, None)], "a TCP stream over the loopback interface"
    if problem := _gpu_problem():
        return [], f"not loaded: {problem}"
    return [(_copy_gpu, None)], "64 MiB copied to and within the GPU's memory, over and over"


def _hog(parent: int, work: Callable[[Any], None], argument: Any) -> None:
    rights.die_with_parent(parent)
    work(argument)


def _spin(core: int) -> None:
    rights.pin(core)
    while True:
        pass


def _write_disk(folder: str) -> None:
    block = os.urandom(_DISK_BLOCK)
    with tempfile.TemporaryFile(dir=folder) as file:
        while True:
            file.seek(0)
            for _ in range(_DISK_BLOCKS):
                file.write(block)
                file.flush()
                os.fsync(file.fileno())


def _flood(_: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname())
        receiver, _address = server.accept()
    threading.Thread(target=_swallow, args=(receiver,), daemon=True).start()
    block = bytes(_NET_BLOCK)
    while True:
        sender.sendall(block)


def _swallow(receiver: socket.socket) -> None:
    buffer = bytearray(_NET_BLOCK)
    while receiver.recv_into(buffer):
        pass


def _cuda() -> ctypes.CDLL:
    """The driver's own library, which comes with any NVIDIA driver and with every Jetson. Raises OSError."""
    return ctypes.CDLL("libcuda.so.1")


def _gpu_problem() -> str:
    """Why no GPU can be loaded, "" where one can."""
    try:
        cuda = _cuda()
    except OSError:
        return "no NVIDIA driver here"
    count = ctypes.c_int(0)
    if cuda.cuInit(0) != _CUDA_SUCCESS or cuda.cuDeviceGetCount(ctypes.byref(count)) != _CUDA_SUCCESS or not count:
        return "the NVIDIA driver finds no GPU"
    return ""


def _copy_gpu(_: None) -> None:
    """Driver calls as in NVIDIA's CUDA Driver API reference; ends where one of them fails."""
    cuda = _cuda()
    device, context = ctypes.c_int(), ctypes.c_void_p()
    source, target = ctypes.c_uint64(), ctypes.c_uint64()
    host = ctypes.create_string_buffer(_GPU_BYTES)
    size = ctypes.c_size_t(_GPU_BYTES)
    begun = [
        cuda.cuInit(0),
        cuda.cuDeviceGet(ctypes.byref(device), 0),
        cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device),
        cuda.cuCtxSetCurrent(context),
        cuda.cuMemAlloc_v2(ctypes.byref(source), size),
        cuda.cuMemAlloc_v2(ctypes.byref(target), size),
    ]
    while not any(begun):
        begun = [
            cuda.cuMemcpyHtoD_v2(source, host, size),
            cuda.cuMemcpyDtoD_v2(target, source, size),
            cuda.cuCtxSynchronize(),
        ]
