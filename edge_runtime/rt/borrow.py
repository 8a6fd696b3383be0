"""Arrays without their reference counts: for compiled code whose caller keeps them alive until it returns.

Numba counts a reference, one atomic operation, each time an array is taken out of a tuple, handed on, or dropped. For
the records of the torque loop that was hundreds of times per cycle, and most of what a cycle cost.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def borrowed(typing_context: Any, value: Any) -> Any:
    """`value`, an array or a (named) tuple of such, with the same memory but nothing that counts references to it.

    Compiled code only. The result must not outlive `value`, nor be returned to Python.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _uncounted(context, builder, signature.args[0], args[0])

    return value(value), codegen


def _uncounted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.Array):
        array = cgutils.create_struct_proxy(kind)(context, builder, value=value)
        array.meminfo = ir.Constant(array.meminfo.type, None)
        array.parent = ir.Constant(array.parent.type, None)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        for index, element in enumerate(kind.types):
            part = builder.extract_value(value, index)
            value = builder.insert_value(value, _uncounted(context, builder, element, part), index)
    return value
