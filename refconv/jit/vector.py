"""Explicit vectors for compiled code: a `Vector` and a `Tile` type, and what can be done to them.

Each function below is a Numba intrinsic: called from compiled code only, it becomes a few LLVM
vector instructions, which LLVM keeps in registers. An array argument is one-dimensional and
contiguous; `index` counts elements. Which lanes are touched is always said, so that nothing
outside an array is read: Numba checks no bounds.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.registry import cpu_target
from numba.extending import intrinsic, register_model

INT64 = ir.IntType(64)
INT32 = ir.IntType(32)
BIT = ir.IntType(1)

_TRIPLE, CPU_NAME, _FEATURES = cpu_target.target_context.codegen().magic_tuple()


def _has(feature: str) -> bool:
    return f"+{feature}" in _FEATURES.split(",")


HAS_FMA = _has("fma") or _TRIPLE.startswith(("aarch64", "arm64"))
"""Whether a multiply-add is one instruction. Without it `llvm.fma` is a library call per lane."""

VECTOR_BYTES = 64 if _has("avx512f") else 32 if _has("avx2") else 16
REGISTERS = 32 if _has("avx512f") or _TRIPLE.startswith(("aarch64", "arm64")) else 16


CACHE_LINE_BYTES = 64


class Vector(types.Type):  # type: ignore[misc]
    """As many numbers of one float type as a register of this CPU holds."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        self.lanes = VECTOR_BYTES // (dtype.bitwidth // 8)
        super().__init__(name=f"Vector({dtype}, {self.lanes})")

    @property
    def llvm(self) -> ir.VectorType:
        return ir.VectorType(_scalar(self.dtype), self.lanes)


class Tile(types.Type):  # type: ignore[misc]
    """`rows` times `vectors` accumulators: rows are output channels, vectors run over pixels."""

    def __init__(self, dtype: types.Float, rows: int, vectors: int) -> None:
        self.vector = Vector(dtype)
        self.rows, self.vectors = rows, vectors
        super().__init__(name=f"Tile({self.vector}, {rows}, {vectors})")

    @property
    def llvm(self) -> ir.ArrayType:
        return ir.ArrayType(self.vector.llvm, self.rows * self.vectors)


@register_model(Vector)
@register_model(Tile)
class _LlvmValue(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, type_: Vector | Tile) -> None:
        super().__init__(manager, type_, type_.llvm)


# --- one vector ---------------------------------------------------------------------------------


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
        return _splat(builder, args[0], vector.lanes)

    return vector(scalar), codegen


@intrinsic
def multiply_add(typingctx, a, b, c):
    """A * b + c, lane by lane."""

    def codegen(context, builder, signature, args):
        return _multiply_add(builder, *args)

    return c(a, b, c), codegen


@intrinsic
def load_window(typingctx, array, index, first, last, fill):
    """Lane i holds array[index + i] where first <= i < last, else `fill`."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):
        array_, index_, first_, last_, fill_ = args
        pointer = _pointer(context, builder, signature.args[0], array_, index_)
        mask = _window(builder, vector.lanes, first_, last_)
        return _masked_load(builder, vector.llvm, pointer, mask, fill_)

    return vector(array, types.int64, types.int64, types.int64, array.dtype), codegen


@intrinsic
def evens(typingctx, low, high):
    """Elements 0, 2, 4, ... of `low` and `high`, one behind the other."""

    def codegen(context, builder, signature, args):
        return _every_second(builder, *args, first=0)

    return low(low, high), codegen


@intrinsic
def odds(typingctx, low, high):
    """Elements 1, 3, 5, ... of `low` and `high`, one behind the other."""

    def codegen(context, builder, signature, args):
        return _every_second(builder, *args, first=1)

    return low(low, high), codegen


@intrinsic
def load_window_every(typingctx, array, index, step, first, last, fill):
    """Lane i holds array[index + step*i] where first <= i < last, else `fill`: a gather."""
    vector = Vector(array.dtype)

    def codegen(context, builder, signature, args):
        array_, index_, step_, first_, last_, fill_ = args
        lanes = vector.lanes
        base = context.make_array(signature.args[0])(context, builder, array_).data
        steps = builder.mul(_iota(lanes), _splat(builder, step_, lanes))
        offsets = builder.add(steps, _splat(builder, index_, lanes))
        pointers = builder.gep(base, [offsets], source_etype=vector.llvm.element)
        # llvmlite takes it for one pointer; with vector offsets it is a vector of pointers.
        pointers.type = ir.VectorType(ir.PointerType(), lanes)
        mask = _window(builder, lanes, first_, last_)
        name = f"llvm.masked.gather.{_suffix(vector.llvm)}.v{lanes}p0"
        alignment = ir.Constant(INT32, vector.dtype.bitwidth // 8)
        arguments = [pointers, alignment, mask, _splat(builder, fill_, lanes)]
        return _call(builder, name, vector.llvm, arguments)

    arguments = (array, types.int64, types.int64, types.int64, types.int64, array.dtype)
    return vector(*arguments), codegen


@intrinsic
def store_first(typingctx, array, index, vector, count):
    """Write the first `count` lanes to array[index:]; none where `count` is below 1."""

    def codegen(context, builder, signature, args):
        array_, index_, vector_, count_ = args
        pointer = _pointer(context, builder, signature.args[0], array_, index_)
        mask = _window(builder, vector.lanes, ir.Constant(INT64, 0), count_)
        _masked_store(builder, vector_, pointer, mask)
        return context.get_dummy_value()

    return types.void(array, types.int64, vector, types.int64), codegen


# --- a tile of vectors --------------------------------------------------------------------------


@intrinsic(prefer_literal=True)
def tile_of(typingctx, rows, vectors, array, index, step, last):
    """A tile whose row r is filled with array[index + min(r, last)*step].

    `rows` and `vectors` are constants.
    """
    tile = Tile(array.dtype, rows.literal_value, vectors.literal_value)

    def codegen(context, builder, signature, args):
        _, _, array_, index_, step_, last_ = args
        filled = ir.Constant(tile.llvm, ir.Undefined)
        for r in range(tile.rows):
            at = builder.add(index_, builder.mul(_at_most(builder, r, last_), step_))
            pointer = _pointer(context, builder, signature.args[2], array_, at)
            number = _load(builder, tile.vector.llvm.element, pointer)
            vector = _splat(builder, number, tile.vector.lanes)
            for v in range(tile.vectors):
                filled = builder.insert_value(filled, vector, r * tile.vectors + v)
        return filled

    return tile(rows, vectors, array, types.int64, types.int64, types.int64), codegen


@intrinsic
def load_tile(typingctx, tile, array, index, stride, rows, count):
    """A tile whose row r < `rows` holds the `count` numbers at array[index + r*stride]."""

    def codegen(context, builder, signature, args):
        zero = ir.Constant(tile.vector.llvm.element, 0)
        loaded = ir.Constant(tile.llvm, None)
        places = _tile_places(context, builder, tile, signature.args[1], args[1:])
        for at, pointer, mask in places:
            vector = _masked_load(builder, tile.vector.llvm, pointer, mask, zero)
            loaded = builder.insert_value(loaded, vector, at)
        return loaded

    numbers = (types.int64, types.int64, types.int64, types.int64)
    return tile(tile, array, *numbers), codegen


@intrinsic
def store_tile(typingctx, tile, array, index, stride, rows, count):
    """Write the first `count` numbers of each row r < `rows` to array[index + r*stride]."""

    def codegen(context, builder, signature, args):
        _, _, _, rows_, count_ = args[1:]
        whole = builder.and_(
            builder.icmp_signed(">=", rows_, ir.Constant(INT64, tile.rows)),
            builder.icmp_signed(">=", count_, ir.Constant(INT64, tile.vectors * tile.vector.lanes)),
        )
        places = (context, builder, tile, signature.args[1], args[1:])
        with builder.if_else(whole) as (then, otherwise):
            with then:
                for at, pointer, _mask in _tile_places(*places):
                    _store(builder, builder.extract_value(args[0], at), pointer)
            with otherwise:
                for at, pointer, mask in _tile_places(*places):
                    _masked_store(builder, builder.extract_value(args[0], at), pointer, mask)
        return context.get_dummy_value()

    numbers = (types.int64, types.int64, types.int64, types.int64)
    return types.void(tile, array, *numbers), codegen


@intrinsic
def prefetch_tile(typingctx, tile, array, index, stride, last):
    """Ask for the cache lines that `store_tile` will write: row r at index + min(r, last)*stride.

    An output row is seldom in a near cache, and a store that waits for one holds up the next tile.
    """

    def codegen(context, builder, signature, args):
        _, array_, index_, stride_, last_ = args
        width = tile.vectors * VECTOR_BYTES // (tile.vector.dtype.bitwidth // 8)
        step = CACHE_LINE_BYTES // (tile.vector.dtype.bitwidth // 8)
        offsets = [*range(0, width, step), width - 1]
        write, keep, data = (ir.Constant(INT32, number) for number in (1, 3, 1))
        for r in range(tile.rows):
            start = builder.add(index_, builder.mul(_at_most(builder, r, last_), stride_))
            for offset in offsets:
                at = builder.add(start, ir.Constant(INT64, offset))
                pointer = _pointer(context, builder, signature.args[1], array_, at)
                pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
                _call(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, write, keep, data])
        return context.get_dummy_value()

    return types.void(tile, array, types.int64, types.int64, types.int64), codegen


@intrinsic
def add_outer_product(typingctx, tile, weight, index, stride, last, panel, start):
    """The tile plus a column of weights times a row of the panel: the step of the hot loop.

    Row r gains weight[index + min(r, last)*stride] times the vectors at panel[start]: rows beyond
    the last are computed too, and not stored.
    """

    def codegen(context, builder, signature, args):
        tile_, weight_, index_, stride_, last_, panel_, start_ = args
        lanes = tile.vector.lanes
        pixels = []
        for v in range(tile.vectors):
            at = builder.add(start_, ir.Constant(INT64, v * lanes))
            pointer = _pointer(context, builder, signature.args[5], panel_, at)
            pixels.append(_load(builder, tile.vector.llvm, pointer))
        for r in range(tile.rows):
            at = builder.add(index_, builder.mul(_at_most(builder, r, last_), stride_))
            pointer = _pointer(context, builder, signature.args[1], weight_, at)
            number = _load(builder, tile.vector.llvm.element, pointer)
            factor = _splat(builder, number, lanes)
            for v, vector in enumerate(pixels):
                at = r * tile.vectors + v
                total = _multiply_add(builder, factor, vector, builder.extract_value(tile_, at))
                tile_ = builder.insert_value(tile_, total, at)
        return tile_

    arguments = (tile, weight, types.int64, types.int64, types.int64, panel, types.int64)
    return tile(*arguments), codegen


@intrinsic(prefer_literal=True)
def add_kernel_column(typingctx, tile, taps, step, weight, w, w_step, array, index, stride):
    """The tile plus a column of `taps` kernel cells over rows that lie `step` apart.

    Tile row r gains weight[w + t*w_step] times array[index + (r*step + t)*stride] for each t below
    `taps`. A row that several tile rows need is loaded once. `taps` and `step` are constants.
    """

    def codegen(context, builder, signature, args):
        tile_, _, _, weight_, w_, w_step_, array_, index_, stride_ = args
        lanes = tile.vector.lanes
        factors = []
        for t in range(taps.literal_value):
            at = builder.add(w_, builder.mul(ir.Constant(INT64, t), w_step_))
            pointer = _pointer(context, builder, signature.args[3], weight_, at)
            factors.append(
                _splat(builder, _load(builder, tile.vector.llvm.element, pointer), lanes)
            )
        readers: dict[int, list[tuple[int, int]]] = {}
        for r in range(tile.rows):
            for t in range(taps.literal_value):
                readers.setdefault(r * step.literal_value + t, []).append((r, t))
        for row, uses in sorted(readers.items()):
            start = builder.add(index_, builder.mul(ir.Constant(INT64, row), stride_))
            for v in range(tile.vectors):
                at = builder.add(start, ir.Constant(INT64, v * lanes))
                pointer = _pointer(context, builder, signature.args[6], array_, at)
                numbers = _load(builder, tile.vector.llvm, pointer)
                for r, t in uses:
                    at = r * tile.vectors + v
                    old = builder.extract_value(tile_, at)
                    total = _multiply_add(builder, factors[t], numbers, old)
                    tile_ = builder.insert_value(tile_, total, at)
        return tile_

    numbers = (types.int64, types.int64)
    return tile(tile, taps, step, weight, *numbers, array, *numbers), codegen


# --- how each becomes LLVM ----------------------------------------------------------------------


def _scalar(dtype: types.Float) -> ir.Type:
    return ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType()


def _suffix(vector: ir.VectorType) -> str:
    """The type as LLVM writes it in the name of an overloaded intrinsic."""
    return f"v{vector.count}f{32 if isinstance(vector.element, ir.FloatType) else 64}"


def _call(builder, name, returned, arguments):
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(returned, [a.type for a in arguments]), name
    )
    return builder.call(function, arguments)


def _pointer(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


def _load(builder, type_, pointer):
    # Aligned to one element only: rows of an image start anywhere.
    element = type_.element if isinstance(type_, ir.VectorType) else type_
    pointer = builder.bitcast(pointer, type_.as_pointer())
    return builder.load(pointer, align=4 if isinstance(element, ir.FloatType) else 8)


def _store(builder, value, pointer):
    pointer = builder.bitcast(pointer, value.type.as_pointer())
    builder.store(value, pointer, align=4 if isinstance(value.type.element, ir.FloatType) else 8)


def _at_most(builder, number, limit):
    number = ir.Constant(INT64, number)
    return builder.select(builder.icmp_signed("<", number, limit), number, limit)


def _splat(builder, scalar, lanes):
    vector = ir.VectorType(scalar.type, lanes)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(INT32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(INT32, lanes), None))


def _every_second(builder, low, high, *, first):
    lanes = low.type.count
    picked = ir.Constant(ir.VectorType(INT32, lanes), [2 * lane + first for lane in range(lanes)])
    return builder.shuffle_vector(low, high, picked)


def _iota(lanes):
    return ir.Constant(ir.VectorType(INT64, lanes), list(range(lanes)))


def _window(builder, lanes, first, last):
    """The mask of the lanes first <= i < last."""
    # 32-bit lanes: half the compare instructions of 64-bit ones. Clamped, for indices that do not
    # fit 32 bits; what lies beyond the lanes makes no difference.
    low, high = ir.Constant(INT64, 0), ir.Constant(INT64, lanes)
    iota = ir.Constant(ir.VectorType(INT32, lanes), list(range(lanes)))
    bounds = []
    for bound in (first, last):
        bound = builder.select(builder.icmp_signed("<", bound, low), low, bound)
        bound = builder.select(builder.icmp_signed(">", bound, high), high, bound)
        bounds.append(_splat(builder, builder.trunc(bound, INT32), lanes))
    after = builder.icmp_signed(">=", iota, bounds[0])
    before = builder.icmp_signed("<", iota, bounds[1])
    return builder.and_(after, before)


def _multiply_add(builder, a, b, c):
    if HAS_FMA:
        return _call(builder, f"llvm.fma.{_suffix(c.type)}", c.type, [a, b, c])
    return builder.fadd(builder.fmul(a, b), c)


def _masked_load(builder, vector, pointer, mask, fill):
    pointer = builder.bitcast(pointer, vector.as_pointer())
    alignment = ir.Constant(INT32, 4 if isinstance(vector.element, ir.FloatType) else 8)
    arguments = [pointer, alignment, mask, _splat(builder, fill, vector.count)]
    return _call(builder, f"llvm.masked.load.{_suffix(vector)}.p0", vector, arguments)


def _masked_store(builder, value, pointer, mask):
    vector = value.type
    pointer = builder.bitcast(pointer, vector.as_pointer())
    alignment = ir.Constant(INT32, 4 if isinstance(vector.element, ir.FloatType) else 8)
    name = f"llvm.masked.store.{_suffix(vector)}.p0"
    _call(builder, name, ir.VoidType(), [value, pointer, alignment, mask])


def _tile_places(context, builder, tile, array_type, args):
    """For each accumulator: its position in the tile, its address, the mask of its live lanes."""
    array, index, stride, rows, count = args
    lanes = tile.vector.lanes
    none = ir.Constant(INT64, 0)
    for r in range(tile.rows):
        row = ir.Constant(INT64, r)
        live = builder.select(builder.icmp_signed("<", row, rows), count, none)
        start = builder.add(index, builder.mul(row, stride))
        for v in range(tile.vectors):
            skip = ir.Constant(INT64, v * lanes)
            pointer = _pointer(context, builder, array_type, array, builder.add(start, skip))
            mask = _window(builder, lanes, none, builder.sub(live, skip))
            yield r * tile.vectors + v, pointer, mask
