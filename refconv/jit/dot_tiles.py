"""Tiles of dot products: rows of outputs times rows of cells, lane by lane to the end."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from refconv.jit import emit
from refconv.jit.emit import INT64
from refconv.jit.tile import Tile


@intrinsic(prefer_literal=True)
def zero_tile(typingctx, rows, array):
    """A tile of one vector a row, all zero. `rows` is a constant."""
    tile = Tile(array.dtype, rows.literal_value, 1)

    def codegen(context, builder, signature, args):
        return ir.Constant(tile.llvm, None)

    return tile(rows, array), codegen


@intrinsic(prefer_literal=True)
def add_dots(typingctx, tile, channels, outputs, cells, place, offsets, k, last):
    """The tile plus the products, lane by lane, of some rows of outputs and of cells.

    With `place` = (y, stride, x), tile row t*channels + i gains outputs[y + i*stride :] times
    cells[x + offsets[k + t] :], one vector of each; beyond the `last` t that one again. `channels`
    is a constant.
    """

    def codegen(context, builder, signature, args):
        def load(array, at):
            return emit.load(builder, tile.vector.llvm, emit.pointer(builder, array, at))

        return _plus_dots(builder, tile, channels.literal_value, load, *args)

    numbers = (types.int64, types.int64)
    return tile(tile, channels, outputs, cells, place, offsets, *numbers), codegen


@intrinsic(prefer_literal=True)
def add_first_dots(typingctx, tile, channels, outputs, cells, place, offsets, k, last, count):
    """The same of the first `count` lanes alone: no other ones are read."""

    def codegen(context, builder, signature, args):
        *args, count_ = args
        mask = emit.window(builder, tile.vector.lanes, ir.Constant(INT64, 0), count_)
        nothing = ir.Constant(tile.vector.llvm, None)

        def load(array, at):
            return emit.masked_load(builder, emit.pointer(builder, array, at), mask, nothing)

        return _plus_dots(builder, tile, channels.literal_value, load, *args)

    numbers = (types.int64, types.int64, types.int64)
    return tile(tile, channels, outputs, cells, place, offsets, *numbers), codegen


def _plus_dots(builder, tile, channels, load, tile_, _, outputs, cells, place, offsets, k, last):
    y, stride, x = emit.members(builder, place)
    rows = [
        load(outputs, builder.add(y, builder.mul(ir.Constant(INT64, i), stride)))
        for i in range(channels)
    ]
    for t in range(tile.rows // channels):
        tap = builder.add(k, emit.at_most(builder, t, last))
        offset = builder.load(emit.pointer(builder, offsets, tap))
        numbers = load(cells, builder.add(x, offset))
        for i, row in enumerate(rows):
            at = t * channels + i
            total = emit.multiply_add(builder, row, numbers, builder.extract_value(tile_, at))
            tile_ = builder.insert_value(tile_, total, at)
    return tile_


@intrinsic(prefer_literal=True)
def store_sums(typingctx, tile, channels, array, index, stride, last):
    """Write the sum of the lanes of tile row t*channels + i to array[index + i*stride + t].

    Beyond the `last` t, that one again. `channels` is a constant.
    """

    def codegen(context, builder, signature, args):
        tile_, _, array_, index_, stride_, last_ = args
        for t in range(tile.rows // channels.literal_value):
            column = builder.add(index_, emit.at_most(builder, t, last_))
            for i in range(channels.literal_value):
                vector = builder.extract_value(tile_, t * channels.literal_value + i)
                at = builder.add(column, builder.mul(ir.Constant(INT64, i), stride_))
                builder.store(emit.sum_of(builder, vector), emit.pointer(builder, array_, at))
        return context.get_dummy_value()

    numbers = (types.int64, types.int64, types.int64)
    return types.void(tile, channels, array, *numbers), codegen
