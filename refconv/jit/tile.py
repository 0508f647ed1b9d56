"""Register tiles for compiled code: output channels or rows, times vectors of pixels.

A `Tile` is a block of accumulators that stays in registers through a hot loop. As in `vector.py`,
each function is an intrinsic; a row or a lane that does not exist is computed and not stored.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from refconv.jit import emit
from refconv.jit.emit import INT32, INT64
from refconv.jit.vector import Vector

CACHE_LINE_BYTES = 64


class Tile(types.Type):  # type: ignore[misc]
    """`rows` times `vectors` accumulators: rows are output channels, vectors run over pixels."""

    def __init__(self, dtype: types.Float, rows: int, vectors: int) -> None:
        self.vector = Vector(dtype)
        self.rows, self.vectors = rows, vectors
        super().__init__(name=f"Tile({self.vector}, {rows}, {vectors})")

    @property
    def llvm(self) -> ir.ArrayType:
        return ir.ArrayType(self.vector.llvm, self.rows * self.vectors)


@register_model(Tile)
class _TileModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, type_: Tile) -> None:
        super().__init__(manager, type_, type_.llvm)


@intrinsic
def stand_alone(typingctx):
    """Keep the function that calls this out of its callers: its loop needs all registers."""

    def codegen(context, builder, signature, args):
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic(prefer_literal=True)
def tile_of(typingctx, rows, vectors, array, index, last):
    """A tile whose row r is filled with array[index + min(r, last)].

    `rows` and `vectors` are constants.
    """
    tile = Tile(array.dtype, rows.literal_value, vectors.literal_value)

    def codegen(context, builder, signature, args):
        _, _, array_, index_, last_ = args
        filled = ir.Constant(tile.llvm, ir.Undefined)
        for r in range(tile.rows):
            at = builder.add(index_, emit.at_most(builder, r, last_))
            pointer = emit.pointer(builder, array_, at)
            number = emit.load(builder, tile.vector.llvm.element, pointer)
            vector = emit.splat(builder, number, tile.vector.lanes)
            for v in range(tile.vectors):
                filled = builder.insert_value(filled, vector, r * tile.vectors + v)
        return filled

    return tile(rows, vectors, array, types.int64, types.int64), codegen


@intrinsic
def load_tile(typingctx, tile, array, index, stride, rows, columns):
    """A tile whose row r < `rows` holds the numbers that `store_tile` would write."""

    def codegen(context, builder, signature, args):
        _, array_, index_, stride_, rows_, columns_ = args
        count, gap_at, gap = emit.members(builder, columns_)
        place = _place(builder, tile, array_, index_, stride_)
        before, after = _column_masks(builder, tile, count, gap_at, gap)
        nothing = ir.Constant(before[0].type, None)
        loaded = ir.Constant(tile.llvm, None)
        for r in range(tile.rows):
            live = builder.icmp_signed("<", ir.Constant(INT64, r), rows_)
            for v in range(tile.vectors):
                numbers = ir.Constant(tile.vector.llvm, None)
                for masks, back in ((before, None), (after, gap)):
                    mask = builder.select(live, masks[v], nothing)
                    numbers = emit.masked_load(builder, place(r, v, back), mask, numbers)
                loaded = builder.insert_value(loaded, numbers, r * tile.vectors + v)
        return loaded

    numbers = (types.int64, types.int64, types.int64)
    return tile(tile, array, *numbers, columns), codegen


@intrinsic
def store_tile(typingctx, tile, array, index, stride, rows, columns):
    """Write each row r < `rows` to array[index + r*stride] and on, as `columns` says.

    `columns` is (count, gap_at, gap): the first `count` of a tile's row, but not the `gap` numbers
    from `gap_at` on; those behind the gap follow those before it.
    """

    def codegen(context, builder, signature, args):
        tile_, array_, index_, stride_, rows_, columns_ = args
        count, gap_at, gap = emit.members(builder, columns_)
        place = _place(builder, tile, array_, index_, stride_)
        width = ir.Constant(INT64, tile.vectors * tile.vector.lanes)
        whole = builder.icmp_signed(">=", rows_, ir.Constant(INT64, tile.rows))
        for number in (count, gap_at):
            whole = builder.and_(whole, builder.icmp_signed(">=", number, width))
        with builder.if_else(whole) as (then, otherwise):
            with then:
                for r in range(tile.rows):
                    for v in range(tile.vectors):
                        vector = builder.extract_value(tile_, r * tile.vectors + v)
                        emit.store(builder, vector, place(r, v))
            with otherwise:
                before, after = _column_masks(builder, tile, count, gap_at, gap)

                def store_rows(masks, back):
                    for r in range(tile.rows):
                        live = builder.icmp_signed("<", ir.Constant(INT64, r), rows_)
                        with builder.if_then(live):
                            for v, mask in enumerate(masks):
                                vector = builder.extract_value(tile_, r * tile.vectors + v)
                                emit.masked_store(builder, vector, place(r, v, back), mask)

                store_rows(before, None)
                with builder.if_then(builder.icmp_signed(">", count, gap_at)):
                    store_rows(after, gap)
        return context.get_dummy_value()

    numbers = (types.int64, types.int64, types.int64)
    return types.void(tile, array, *numbers, columns), codegen


@intrinsic
def zeros_like(typingctx, tile):
    """A tile of the same shape, all zero."""

    def codegen(context, builder, signature, args):
        return ir.Constant(tile.llvm, None)

    return tile(tile), codegen


@intrinsic
def put_aside(typingctx, tile, array):
    """Write the tile to the start of `array`, vector after vector."""

    def codegen(context, builder, signature, args):
        tile_, array_ = args
        for number in range(tile.rows * tile.vectors):
            at = ir.Constant(INT64, number * tile.vector.lanes)
            vector = builder.extract_value(tile_, number)
            emit.store(builder, vector, emit.pointer(builder, array_, at))
        return context.get_dummy_value()

    return types.void(tile, array), codegen


@intrinsic
def add_put_aside(typingctx, tile, array):
    """The tile plus the one that was put aside in `array`."""

    def codegen(context, builder, signature, args):
        tile_, array_ = args
        for number in range(tile.rows * tile.vectors):
            at = ir.Constant(INT64, number * tile.vector.lanes)
            vector = emit.load(builder, tile.vector.llvm, emit.pointer(builder, array_, at))
            total = builder.fadd(builder.extract_value(tile_, number), vector)
            tile_ = builder.insert_value(tile_, total, number)
        return tile_

    return tile(tile, array), codegen


@intrinsic
def add_tiles(typingctx, tile, other):
    """The sum of two tiles."""

    def codegen(context, builder, signature, args):
        tile_, other_ = args
        for number in range(tile.rows * tile.vectors):
            vectors = (builder.extract_value(t, number) for t in (tile_, other_))
            tile_ = builder.insert_value(tile_, builder.fadd(*vectors), number)
        return tile_

    return tile(tile, tile), codegen


@intrinsic
def prefetch_tile(typingctx, tile, array, index, stride):
    """Ask for the cache lines that `store_tile` will write; beyond the array it does no harm.

    An output row is seldom in a near cache, and a store that waits for one holds up the next tile.
    """

    def codegen(context, builder, signature, args):
        _, array_, index_, stride_ = args
        itemsize = tile.vector.dtype.bitwidth // 8
        width = tile.vectors * tile.vector.lanes
        offsets = range(0, width, CACHE_LINE_BYTES // itemsize)
        write, keep, data = (ir.Constant(INT32, number) for number in (1, 3, 1))
        for r in range(tile.rows):
            start = builder.add(index_, builder.mul(ir.Constant(INT64, r), stride_))
            for offset in offsets:
                at = builder.add(start, ir.Constant(INT64, offset))
                pointer = emit.pointer(builder, array_, at)
                pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
                emit.call(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, write, keep, data])
        return context.get_dummy_value()

    return types.void(tile, array, types.int64, types.int64), codegen


@intrinsic
def add_outer_product(typingctx, tile, weight, index, stride, last, matrix, start):
    """The tile plus a column of weights times a row of the matrix: the step of the hot loop.

    Row r gains weight[index + min(r, last)*stride] times the vectors at matrix[start]: rows beyond
    the last are computed too, and not stored.
    """

    def codegen(context, builder, signature, args):
        tile_, weight_, index_, stride_, last_, matrix_, start_ = args
        lanes = tile.vector.lanes
        pixels = []
        for v in range(tile.vectors):
            at = builder.add(start_, ir.Constant(INT64, v * lanes))
            pointer = emit.pointer(builder, matrix_, at)
            pixels.append(emit.load(builder, tile.vector.llvm, pointer))
        for r in range(tile.rows):
            at = builder.add(index_, builder.mul(emit.at_most(builder, r, last_), stride_))
            pointer = emit.pointer(builder, weight_, at)
            number = emit.load(builder, tile.vector.llvm.element, pointer)
            factor = emit.splat(builder, number, lanes)
            for v, vector in enumerate(pixels):
                at = r * tile.vectors + v
                total = emit.multiply_add(builder, factor, vector, builder.extract_value(tile_, at))
                tile_ = builder.insert_value(tile_, total, at)
        return tile_

    arguments = (tile, weight, types.int64, types.int64, types.int64, matrix, types.int64)
    return tile(*arguments), codegen


def _place(builder, tile, array, index, stride):
    """The function that gives the address of row r, vector v, of a tile; or that, `back` before."""

    def place(r, v, back=None):
        start = builder.add(index, builder.mul(ir.Constant(INT64, r), stride))
        at = builder.add(start, ir.Constant(INT64, v * tile.vector.lanes))
        return emit.pointer(builder, array, at if back is None else builder.sub(at, back))

    return place


def _column_masks(builder, tile, count, gap_at, gap):
    """For each vector of a row, the masks of its lanes to be stored before and after the gap."""
    lanes, none = tile.vector.lanes, ir.Constant(INT64, 0)
    first_end = builder.select(builder.icmp_signed("<", gap_at, count), gap_at, count)
    gap_end = builder.add(gap_at, gap)
    before, after = [], []
    for v in range(tile.vectors):
        start = ir.Constant(INT64, v * lanes)
        from_start = [builder.sub(end, start) for end in (first_end, gap_end, count)]
        before.append(emit.window(builder, lanes, none, from_start[0]))
        after.append(emit.window(builder, lanes, *from_start[1:]))
    return before, after
