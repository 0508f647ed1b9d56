"""How vector operations become LLVM instructions: plain functions on a builder, for intrinsics.

Pointers are to arrays of the element; whatever is loaded or stored may start at any element.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types

from refconv.jit.cpu import HAS_FMA

INT64 = ir.IntType(64)
INT32 = ir.IntType(32)


def scalar(dtype: types.Float) -> ir.Type:
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def itemsize(type_: ir.Type) -> int:
    """Bytes of a float or of a vector's element: what it is aligned to, for rows of an image start
    anywhere.
    """
    element = type_.element if isinstance(type_, ir.VectorType) else type_
    return 4 if isinstance(element, ir.FloatType) else 8


def suffix(vector: ir.VectorType) -> str:
    """The type as LLVM writes it in the name of an overloaded intrinsic."""
    return f"v{vector.count}f{8 * itemsize(vector)}"


def call(builder, name, returned, arguments):
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(returned, [a.type for a in arguments]), name
    )
    return builder.call(function, arguments)


def pointer(builder, address, index):
    return builder.gep(address, [index])


def load(builder, type_, pointer):
    pointer = builder.bitcast(pointer, type_.as_pointer())
    return builder.load(pointer, align=itemsize(type_))


def store(builder, value, pointer):
    pointer = builder.bitcast(pointer, value.type.as_pointer())
    builder.store(value, pointer, align=itemsize(value.type))


def splat(builder, scalar, lanes):
    vector = ir.VectorType(scalar.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT32, lanes), None))


def every_second(builder, low, high, *, first):
    lanes = low.type.count
    picked = ir.Constant(ir.VectorType(INT32, lanes), [2 * lane + first for lane in range(lanes)])
    return builder.shuffle_vector(low, high, picked)


def members(builder, three):
    """The members of a tuple of three."""
    return [builder.extract_value(three, i) for i in range(3)]


def sum_of(builder, vector):
    """The sum of its lanes: halves are added to each other, so always in the same order."""
    lanes = vector.type.count
    while lanes > 1:
        lanes //= 2
        low, high = (
            ir.Constant(ir.VectorType(INT32, lanes), list(range(first, first + lanes)))
            for first in (0, lanes)
        )
        undefined = ir.Constant(vector.type, ir.Undefined)
        halves = (builder.shuffle_vector(vector, undefined, mask) for mask in (low, high))
        vector = builder.fadd(*halves)
    return builder.extract_element(vector, ir.Constant(INT32, 0))


def exchange_masks(lanes, block):
    """Of two vectors in blocks of lanes: the masks that change every odd block of the first with
    the even block before it of the second.
    """
    first = [lane if lane & block == 0 else lanes + lane - block for lane in range(lanes)]
    second = [lane + block if lane & block == 0 else lanes + lane for lane in range(lanes)]
    return [ir.Constant(ir.VectorType(INT32, lanes), mask) for mask in (first, second)]


def iota(lanes):
    return ir.Constant(ir.VectorType(INT64, lanes), list(range(lanes)))


def window(builder, lanes, first, last):
    """The mask of the lanes first <= i < last."""
    # 32-bit lanes: half the compare instructions of 64-bit ones. Clamped, for indices that do not
    # fit 32 bits; what lies beyond the lanes makes no difference.
    low, high = ir.Constant(INT64, 0), ir.Constant(INT64, lanes)
    iota = ir.Constant(ir.VectorType(INT32, lanes), list(range(lanes)))
    bounds = []
    for bound in (first, last):
        bound = builder.select(builder.icmp_signed("<", bound, low), low, bound)
        bound = builder.select(builder.icmp_signed(">", bound, high), high, bound)
        bounds.append(splat(builder, builder.trunc(bound, INT32), lanes))
    after = builder.icmp_signed(">=", iota, bounds[0])
    before = builder.icmp_signed("<", iota, bounds[1])
    return builder.and_(after, before)


def multiply_add(builder, a, b, c):
    if HAS_FMA:
        return call(builder, f"llvm.fma.{suffix(c.type)}", c.type, [a, b, c])
    return builder.fadd(builder.fmul(a, b), c)


def masked_load(builder, pointer, mask, otherwise):
    """What is at the pointer where the mask is set, else the lane of `otherwise`."""
    vector = otherwise.type
    pointer = builder.bitcast(pointer, vector.as_pointer())
    alignment = ir.Constant(INT32, itemsize(vector))
    arguments = [pointer, alignment, mask, otherwise]
    return call(builder, f"llvm.masked.load.{suffix(vector)}.p0", vector, arguments)


def masked_store(builder, value, pointer, mask):
    vector = value.type
    pointer = builder.bitcast(pointer, vector.as_pointer())
    alignment = ir.Constant(INT32, itemsize(vector))
    name = f"llvm.masked.store.{suffix(vector)}.p0"
    call(builder, name, ir.VoidType(), [value, pointer, alignment, mask])


def at_most(builder, number, limit):
    number = ir.Constant(INT64, number)
    return builder.select(builder.icmp_signed("<", number, limit), number, limit)
