"""libc and memory-order primitives inside numba: called by symbol, cacheable, never touching the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

CLOCK_MONOTONIC: Final = 1  # linux/time.h
TIMER_ABSTIME: Final = 1
EINTR: Final = 4  # asm-generic/errno-base.h
NS_PER_S: Final = 1_000_000_000

_clock_nanosleep = types.ExternalFunction(
    "clock_nanosleep", types.int32(types.int32, types.int32, types.voidptr, types.voidptr)
)
_clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))
libc_read = types.ExternalFunction("read", types.intp(types.int32, types.voidptr, types.intp))
libc_write = types.ExternalFunction("write", types.intp(types.int32, types.voidptr, types.intp))


@intrinsic
def as_pointer(typing_context: Any, address: Any) -> Any:
    """Turn an integer address into a `void *`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.intp), codegen


def _element(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


def _atomic_load(order: str) -> Callable[..., Any]:
    @intrinsic
    def load(typing_context: Any, array: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load_atomic(_element(context, builder, signature, args), order, 8)

        return types.int64(array, types.intp), codegen

    return load


def _atomic_store(order: str) -> Callable[..., Any]:
    @intrinsic
    def store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store_atomic(args[2], _element(context, builder, signature, args), order, 8)
            return context.get_dummy_value()

        return types.void(array, types.intp, types.int64), codegen

    return store


def _fence(order: str) -> Callable[..., Any]:
    @intrinsic
    def fence(typing_context: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.fence(order)
            return context.get_dummy_value()

        return types.void(), codegen

    return fence


load_acquire = _atomic_load("acquire")
load_relaxed = _atomic_load("monotonic")
store_release = _atomic_store("release")
store_relaxed = _atomic_store("monotonic")
fence_acquire = _fence("acquire")
fence_release = _fence("release")


@njit(cache=True, nogil=True)
def now_ns(timespec: np.ndarray[Any, Any]) -> int:
    """CLOCK_MONOTONIC in ns; `timespec` is an int64 [2] scratch array."""
    _clock_gettime(CLOCK_MONOTONIC, as_pointer(timespec.ctypes.data))
    return timespec[0] * NS_PER_S + timespec[1]


@njit(cache=True, nogil=True)
def sleep_until(deadline_ns: int, timespec: np.ndarray[Any, Any]) -> None:
    """Sleep to an absolute CLOCK_MONOTONIC time; signals do not shorten it."""
    timespec[0] = deadline_ns // NS_PER_S
    timespec[1] = deadline_ns % NS_PER_S
    pointer = as_pointer(timespec.ctypes.data)
    while _clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, pointer, as_pointer(0)) == EINTR:
        pass
