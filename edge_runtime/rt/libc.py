"""libc and memory-order primitives inside numba: called by symbol, cacheable, never touching the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

CLOCK_REALTIME: Final = 0  # linux/time.h
CLOCK_MONOTONIC: Final = 1
TIMER_ABSTIME: Final = 1
EINTR: Final = 4  # asm-generic/errno-base.h
MSG_DONTWAIT: Final = 0x40  # linux/socket.h
RUSAGE_THREAD: Final = 1  # linux/resource.h
USAGE_WORDS: Final = 18  # struct rusage: two timevals and fourteen longs
NS_PER_S: Final = 1_000_000_000

_clock_nanosleep = types.ExternalFunction(
    "clock_nanosleep", types.int32(types.int32, types.int32, types.voidptr, types.voidptr)
)
_clock_gettime = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))
libc_read = types.ExternalFunction("read", types.intp(types.int32, types.voidptr, types.intp))
libc_recvmsg = types.ExternalFunction("recvmsg", types.intp(types.int32, types.voidptr, types.int32))
_getrusage = types.ExternalFunction("getrusage", types.int32(types.int32, types.voidptr))
_errno_location = types.ExternalFunction("__errno_location", types.CPointer(types.int32)())
libc_write = types.ExternalFunction("write", types.intp(types.int32, types.voidptr, types.intp))


@intrinsic
def as_pointer(typing_context: Any, address: Any) -> Any:
    """Turn an integer address into a `void *`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.intp), codegen


@intrinsic
def call_step(typing_context: Any, function: Any, handle: Any, message: Any, answer: Any) -> Any:
    """Call the C function `void f(void *, const void *, void *)` at that address, with three more."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 3)
        target = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(target, [builder.inttoptr(value, pointer) for value in args[1:]])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.intp), codegen


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
def real_ns(timespec: np.ndarray[Any, Any]) -> int:
    """CLOCK_REALTIME in ns, the clock of the kernel's receive stamps; `timespec` is an int64 [2] scratch array."""
    _clock_gettime(CLOCK_REALTIME, as_pointer(timespec.ctypes.data))
    return timespec[0] * NS_PER_S + timespec[1]


@njit(cache=True, nogil=True)
def errno() -> int:
    """Why the last libc call of this thread failed."""
    return int(_errno_location()[0])


@njit(cache=True, nogil=True)
def thread_usage(words: np.ndarray[Any, Any]) -> None:
    """What the calling thread has used so far: struct rusage as int64 [USAGE_WORDS]."""
    _getrusage(RUSAGE_THREAD, as_pointer(words.ctypes.data))


@njit(cache=True, nogil=True)
def sleep_until(deadline_ns: int, timespec: np.ndarray[Any, Any]) -> None:
    """Sleep to an absolute CLOCK_MONOTONIC time; signals do not shorten it."""
    timespec[0] = deadline_ns // NS_PER_S
    timespec[1] = deadline_ns % NS_PER_S
    pointer = as_pointer(timespec.ctypes.data)
    while _clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, pointer, as_pointer(0)) == EINTR:
        pass
