"""What threads agree and wait by, for compiled code: atomic operations on int64 arrays, pauses."""

from __future__ import annotations

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from refconv.jit.cpu import TRIPLE

_HAS_YIELD = llvmlite.binding.address_of_symbol("sched_yield") is not None
_HAS_CPU = llvmlite.binding.address_of_symbol("sched_getcpu") is not None
_X86 = TRIPLE.startswith(("x86_64", "i686"))


@intrinsic
def fetch_add(typingctx, array, index, amount):
    """Add to array[index]; the value before."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[2], "seq_cst")

    return types.int64(array, types.int64, types.int64), codegen


@intrinsic
def read(typingctx, array, index):
    """array[index], as other threads have left it."""

    def codegen(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "acquire", 8)

    return types.int64(array, types.int64), codegen


@intrinsic
def pause(typingctx):
    """Tell the CPU that this thread is only waiting."""

    def codegen(context, builder, signature, args):
        if _X86:
            nothing = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, nothing, name), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def give_way(typingctx):
    """Let another thread have this CPU, if one waits for it."""

    def codegen(context, builder, signature, args):
        if _HAS_YIELD:
            _call_libc(builder, "sched_yield")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def current_cpu(typingctx):
    """The number of the CPU that this thread runs on; -1 where the system does not say."""

    def codegen(context, builder, signature, args):
        if _HAS_CPU:
            return builder.sext(_call_libc(builder, "sched_getcpu"), ir.IntType(64))
        return ir.Constant(ir.IntType(64), -1)

    return types.int64(), codegen


def _call_libc(builder, name):
    """Call a function of the C library that takes nothing and returns an int."""
    returns_int = ir.FunctionType(ir.IntType(32), [])
    return builder.call(cgutils.get_or_insert_function(builder.module, returns_int, name), [])
