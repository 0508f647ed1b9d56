"""Explicit vectors for compiled code: a `Vector` type, and what can be done to one vector.

Each function below is a Numba intrinsic: called from compiled code only, it becomes a few LLVM
vector instructions, which LLVM keeps in registers. An array argument is what `address` gives, and
`index` counts its elements. Nobody checks bounds: `load` and `store` touch a whole vector, those
that take `first` and `last`, or `count`, no other lanes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from refconv.jit import emit
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.emit import INT32, INT64


class Vector(types.Type):  # type: ignore[misc]
    """As many numbers of one float type as a register of this CPU holds."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        self.lanes = VECTOR_BYTES // (dtype.bitwidth // 8)
        super().__init__(name=f"Vector({dtype}, {self.lanes})")

    @property
    def llvm(self) -> ir.VectorType:
        return ir.VectorType(emit.scalar(self.dtype), self.lanes)


@register_model(Vector)
class _LlvmValue(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, type_: Vector) -> None:
        super().__init__(manager, type_, type_.llvm)


@intrinsic
def address(typingctx, array):
    """Where the elements of a contiguous array begin: a pointer, which nobody counts references to.

    Numba counts those to an array whenever one is assigned, with atomic operations: more than a
    tile costs. The array must outlive the pointer: see `keep`.
    """

    def codegen(context, builder, signature, args):
        return context.make_array(signature.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def aligned_address(typingctx, array):
    """The same, but rounded up to where a vector begins: fewer loads then cross a cache line."""

    def codegen(context, builder, signature, args):
        pointer = context.make_array(signature.args[0])(context, builder, args[0]).data
        number = builder.ptrtoint(pointer, INT64)
        mask = ir.Constant(INT64, -VECTOR_BYTES)
        number = builder.and_(builder.add(number, ir.Constant(INT64, VECTOR_BYTES - 1)), mask)
        return builder.inttoptr(number, pointer.type)

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def element(typingctx, array, index):
    """Where the elements from this one on begin, of an array that is an address already."""

    def codegen(context, builder, signature, args):
        return emit.pointer(builder, *args)

    return array(array, types.int64), codegen


@intrinsic
def keep(typingctx, array):
    """Nothing: but Numba frees an array that it made after its last use, and this is a use."""

    def codegen(context, builder, signature, args):
        return context.get_dummy_value()

    return types.void(array), codegen


@intrinsic
def lanes_of(typingctx, array):
    """How many elements of this array one vector holds, as a compile-time constant."""
    lanes = Vector(array.dtype).lanes

    def codegen(context, builder, signature, args):
        return ir.Constant(INT64, lanes)

    return types.int64(array), codegen


@intrinsic
def splat(typingctx, scalar):
    """A vector whose lanes all hold `scalar`."""
    vector = Vector(scalar)

    def codegen(context, builder, signature, args):
        return emit.splat(builder, args[0], vector.lanes)

    return vector(scalar), codegen


@intrinsic
def load(typingctx, array, index):
    """The vector at array[index]."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):
        return emit.load(builder, vector.llvm, emit.pointer(builder, *args))

    return vector(array, types.int64), codegen


@intrinsic
def store(typingctx, array, index, vector):
    """Write the vector to array[index:]."""

    def codegen(context, builder, signature, args):
        array_, index_, vector_ = args
        emit.store(builder, vector_, emit.pointer(builder, array_, index_))
        return context.get_dummy_value()

    return types.void(array, types.int64, vector), codegen


@intrinsic
def load_window(typingctx, array, index, first, last, fill):
    """Lane i holds array[index + i] where first <= i < last, else `fill`."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):
        array_, index_, first_, last_, fill_ = args
        pointer = emit.pointer(builder, array_, index_)
        mask = emit.window(builder, vector.lanes, first_, last_)
        otherwise = emit.splat(builder, fill_, vector.lanes)
        return emit.masked_load(builder, pointer, mask, otherwise)

    return vector(array, types.int64, types.int64, types.int64, array.dtype), codegen


@intrinsic
def evens(typingctx, low, high):
    """Elements 0, 2, 4, ... of `low` and `high`, one behind the other."""

    def codegen(context, builder, signature, args):
        return emit.every_second(builder, *args, first=0)

    return low(low, high), codegen


@intrinsic
def odds(typingctx, low, high):
    """Elements 1, 3, 5, ... of `low` and `high`, one behind the other."""

    def codegen(context, builder, signature, args):
        return emit.every_second(builder, *args, first=1)

    return low(low, high), codegen


@intrinsic
def load_window_every(typingctx, array, index, step, first, last, fill):
    """Lane i holds array[index + step*i] where first <= i < last, else `fill`: a gather."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):
        array_, index_, step_, first_, last_, fill_ = args
        lanes = vector.lanes
        steps = builder.mul(emit.iota(lanes), emit.splat(builder, step_, lanes))
        offsets = builder.add(steps, emit.splat(builder, index_, lanes))
        pointers = builder.gep(array_, [offsets], source_etype=vector.llvm.element)
        # llvmlite takes it for one pointer; with vector offsets it is a vector of pointers.
        pointers.type = ir.VectorType(ir.PointerType(), lanes)
        mask = emit.window(builder, lanes, first_, last_)
        name = f"llvm.masked.gather.{emit.suffix(vector.llvm)}.v{lanes}p0"
        alignment = ir.Constant(INT32, vector.dtype.bitwidth // 8)
        arguments = [pointers, alignment, mask, emit.splat(builder, fill_, lanes)]
        return emit.call(builder, name, vector.llvm, arguments)

    arguments = (array, types.int64, types.int64, types.int64, types.int64, array.dtype)
    return vector(*arguments), codegen


@intrinsic
def store_first(typingctx, array, index, vector, count):
    """Write the first `count` lanes to array[index:]; none where `count` is below 1."""

    def codegen(context, builder, signature, args):
        array_, index_, vector_, count_ = args
        pointer = emit.pointer(builder, array_, index_)
        mask = emit.window(builder, vector.lanes, ir.Constant(INT64, 0), count_)
        emit.masked_store(builder, vector_, pointer, mask)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector, types.int64), codegen
