"""Tiles of output rows that gain whole kernels: what the convolution of few channels is made of."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from refconv.jit import emit
from refconv.jit.emit import INT64
from refconv.jit.tile import Tile


@intrinsic(prefer_literal=True)
def kernel_of(typingctx, cells, array, index):
    """A tile of `cells` rows: row k is filled with array[index + k]. `cells` is a constant."""
    tile = Tile(array.dtype, cells.literal_value, 1)

    def codegen(context, builder, signature, args):
        _, array_, index_ = args
        kernel = ir.Constant(tile.llvm, ir.Undefined)
        for k in range(tile.rows):
            pointer = emit.pointer(builder, array_, builder.add(index_, ir.Constant(INT64, k)))
            number = emit.load(builder, tile.vector.llvm.element, pointer)
            vector = emit.splat(builder, number, tile.vector.lanes)
            kernel = builder.insert_value(kernel, vector, k)
        return kernel

    return tile(cells, array, types.int64), codegen


@intrinsic(prefer_literal=True)
def add_kernel(typingctx, tile, step, kernel, array, index, stride, columns):
    """The tile plus a whole kernel over rows that lie `step` apart.

    Tile row r gains, for each kernel row kh and column kw, that cell times the vector at
    array[index + (r*step + kh)*stride + columns[kw]]. What several tile rows need is loaded once.
    `step` is a constant.
    """

    def codegen(context, builder, signature, args):
        tile_, _, kernel_, array_, index_, stride_, columns_ = args
        KW = columns.count
        KH = kernel.rows // KW
        starts = [index_]
        for _ in range((tile.rows - 1) * step.literal_value + KH - 1):
            starts.append(builder.add(starts[-1], stride_))
        for kw in range(KW):
            column = builder.extract_value(columns_, kw)
            rows = [
                emit.load(
                    builder,
                    tile.vector.llvm,
                    emit.pointer(builder, array_, builder.add(start, column)),
                )
                for start in starts
            ]
            # Neighbouring multiply-adds are for different sums: none waits for the one before it.
            for kh in range(KH):
                factor = builder.extract_value(kernel_, kh * KW + kw)
                for r in range(tile.rows):
                    numbers = rows[r * step.literal_value + kh]
                    total = builder.extract_value(tile_, r)
                    total = emit.multiply_add(builder, factor, numbers, total)
                    tile_ = builder.insert_value(tile_, total, r)
        return tile_

    numbers = (types.int64, types.int64)
    return tile(tile, step, kernel, array, *numbers, columns), codegen


@intrinsic
def add_cell(typingctx, tile, weight, index, array, start, stride):
    """The tile plus one kernel cell: row r gains weight[index] times array[start + r*stride]."""

    def codegen(context, builder, signature, args):
        tile_, weight_, index_, array_, start_, stride_ = args
        pointer = emit.pointer(builder, weight_, index_)
        number = emit.load(builder, tile.vector.llvm.element, pointer)
        factor = emit.splat(builder, number, tile.vector.lanes)
        for r in range(tile.rows):
            at = builder.add(start_, builder.mul(ir.Constant(INT64, r), stride_))
            numbers = emit.load(builder, tile.vector.llvm, emit.pointer(builder, array_, at))
            total = emit.multiply_add(builder, factor, numbers, builder.extract_value(tile_, r))
            tile_ = builder.insert_value(tile_, total, r)
        return tile_

    return tile(tile, weight, types.int64, array, types.int64, types.int64), codegen
