"""The phases of an input gradient: together every cell of x, each with every product of it."""

from hypothesis import example, given
from hypothesis import strategies as st

from refconv import Geometry
from refconv.gradients.phases import axes, phases
from refconv.oracle.strategies import geometries

sizes = {
    "size": st.integers(0, 12), "pad": st.integers(0, 9), "kernel": st.integers(1, 6),
    "stride": st.integers(1, 7), "dilation": st.integers(1, 6), "outputs": st.integers(1, 7),
}  # fmt: skip


@given(**sizes)
@example(size=5, pad=9, kernel=2, stride=4, dilation=6, outputs=3)
def test_the_products_of_each_cell(size, pad, kernel, stride, dilation, outputs):
    """By definition: output o and kernel cell k read cell o*stride + k*dilation - pad."""
    wanted = {
        (o, k): o * stride + k * dilation - pad for o in range(outputs) for k in range(kernel)
    }
    cells = []
    for axis in axes(size, pad, kernel, stride, dilation, outputs):
        for nth in range(axis.count):
            cell = axis.first + nth * stride
            cells.append(cell)
            found = {
                (axis.start + nth + tap * axis.dilation - axis.before, k)
                for tap, k in enumerate(axis.cells)
                if 0 <= nth + tap * axis.dilation - axis.before < axis.end - axis.start
            }
            assert found == {ok for ok, read in wanted.items() if read == cell}
    assert sorted(cells) == list(range(size))  # each once


@given(geometries())
def test_the_geometry_of_a_phase_gives_its_cells(geometry):
    cells = 0
    for phase in phases(geometry):
        shape = (geometry.N, geometry.C, phase.rows.count, phase.columns.count)
        cells += shape[2] * shape[3]
        if phase.geometry is not None:
            assert phase.geometry.y_shape == shape
            assert phase.geometry.stride == (1, 1)
    assert cells == geometry.H * geometry.W


def test_stride_1_is_one_phase_and_the_kernel_turned():
    g = Geometry.of((1, 2, 6, 7), (3, 2, 3, 4), padding=1)
    (phase,) = phases(g)
    assert (phase.rows.cells, phase.columns.cells) == ((2, 1, 0), (3, 2, 1, 0))
    assert phase.geometry.padding == ((1, 1), (2, 2))  # KH-1-pt, KH-1-pb; KW-1-pl, KW-1-pr
