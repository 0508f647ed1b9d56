"""Tiles of as many rows as lanes, and their transposes: how a matrix is turned in registers."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from refconv.jit import emit
from refconv.jit.emit import INT64
from refconv.jit.tile import Tile
from refconv.jit.vector import Vector


@intrinsic
def square_of(typingctx, array, index, stride, last, count):
    """A tile of one vector a row and as many rows as lanes: row r is at array[index + r*stride].

    Rows beyond the last hold that one again; lanes beyond `count` are not read, and zero.
    """
    vector = Vector(array.dtype)
    tile = Tile(array.dtype, vector.lanes, 1)

    def codegen(context, builder, signature, args):
        array_, index_, stride_, last_, count_ = args
        mask = emit.window(builder, vector.lanes, ir.Constant(INT64, 0), count_)
        loaded = ir.Constant(tile.llvm, ir.Undefined)
        for r in range(tile.rows):
            at = builder.add(index_, builder.mul(emit.at_most(builder, r, last_), stride_))
            pointer = emit.pointer(builder, array_, at)
            row = emit.masked_load(builder, pointer, mask, ir.Constant(vector.llvm, None))
            loaded = builder.insert_value(loaded, row, r)
        return loaded

    return tile(array, types.int64, types.int64, types.int64, types.int64), codegen


@intrinsic
def transposed_tile(typingctx, tile):
    """Rows and lanes exchanged, of a tile with as many of one as of the other."""
    lanes = tile.vector.lanes

    def codegen(context, builder, signature, args):
        rows = [builder.extract_value(args[0], r) for r in range(lanes)]
        # In each round neighbouring blocks off the diagonal change places, of twice the size.
        block = 1
        while block < lanes:
            masks = emit.exchange_masks(lanes, block)
            for r in range(lanes):
                if r & block == 0:
                    pair = rows[r], rows[r + block]
                    rows[r], rows[r + block] = (
                        builder.shuffle_vector(*pair, mask) for mask in masks
                    )
            block *= 2
        exchanged = args[0]
        for r, row in enumerate(rows):
            exchanged = builder.insert_value(exchanged, row, r)
        return exchanged

    return tile(tile), codegen
