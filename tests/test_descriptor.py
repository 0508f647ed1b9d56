"""The descriptor: what is written is read back, and what cannot be meant is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Case, geometries

from refconv import Geometry

parse = Geometry.from_descriptor
SIZES = ("N", "C", "H", "W", "F", "KH", "KW", "G", "sh", "sw", "dh", "dw", "pt", "pl", "OH", "OW")


def symmetric(g):
    """The same geometry with its top and left pads at both ends, if the kernel still fits."""
    return Geometry.of(
        g.x_shape,
        g.weight_shape,
        stride=g.stride,
        padding=((max(g.pt, g.pb),) * 2, (max(g.pl, g.pr),) * 2),
        dilation=g.dilation,
        groups=g.G,
    )


@given(geometries())
def test_everything_but_the_far_pads_comes_back(g):
    again = parse(g.descriptor)
    assert [getattr(again, name) for name in SIZES] == [getattr(g, name) for name in SIZES]


@given(geometries())
def test_symmetric_pads_come_back_exactly(g):
    assert parse(symmetric(g).descriptor) == symmetric(g)


@given(geometries())
def test_canonical_text_is_a_fixed_point(g):
    assert parse(g.descriptor).descriptor == g.descriptor


@given(geometries(), st.integers(0, 99))
def test_the_parsed_geometry_computes_the_same_outputs(g, seed):
    given_case, parsed = Case.of(g, seed=seed), Case.of(parse(g.descriptor), seed=seed)
    assert given_case.run(method="im2col").tobytes() == parsed.run(method="im2col").tobytes()


@given(geometries(), st.randoms(use_true_random=False))
def test_fields_may_come_in_any_order(g, random):
    fields = re.findall(r"[a-z]+\d+", g.descriptor)
    random.shuffle(fields)
    assert parse("".join(fields)).descriptor == g.descriptor


@pytest.mark.parametrize("twin", ["iw", "kw", "sw", "dw", "pw", "ow"])
def test_a_field_left_out_copies_its_twin(twin):
    """No number here is what the field would be without a twin: 6 outputs need a far pad of 5."""
    full = "g1mb1ic4ih9iw9oc5oh6ow6kh3kw3sh2sw2dh1dw1ph1pw1"
    assert parse(full.replace(re.search(rf"{twin}\d", full)[0], "")) == parse(full)


DEFAULTS = {
    "g mb": ("ic4ih5iw7oc6kh3kw2", "g1mb1ic4ih5iw7oc6kh3kw2"),
    "sh dh ph": ("ic4ih5iw7oc6kh3kw2", "ic4ih5iw7oc6kh3kw2sh1sw1dh0dw0ph0pw0"),
    "all of the width": ("ic4ih9oc6kh3sh2dh1ph2", "ic4ih9iw9oc6kh3kw3sh2sw2dh1dw1ph2pw2"),
    "oh, pads symmetric": ("ic1ih6iw8oc1kh3kw5ph2pw1", "ic1ih6iw8oc1oh8ow6kh3kw5ph2pw1"),
    "ph, from oh": ("ic1ih6iw8oc1oh8ow6kh3kw5", "ic1ih6iw8oc1oh8ow6kh3kw5ph2pw1"),
}


@pytest.mark.parametrize(("short", "full"), DEFAULTS.values(), ids=DEFAULTS)
def test_defaults(short, full):
    assert parse(short) == parse(full)


FAR_PADS = {
    "told by oh": ("ic1ih6iw8oc1oh7ow8kh3kw3ph2pw1", ((2, 1), (1, 1))),
    "none at all": ("ic1ih6iw8oc1oh6ow8kh3kw3ph2pw1", ((2, 0), (1, 1))),
    "symmetric where that gives oh": ("ic1ih8iw8oc1oh3ow3kh3kw3sh3sw3ph1pw1", ((1, 1), (1, 1))),
    "wider than the near one": ("ic1ih6iw8oc1oh9ow9kh3kw3ph1pw0", ((1, 4), (0, 3))),
    "odd cell last, ph left out": ("ic1ih6iw8oc1oh5ow9kh3kw3", ((0, 1), (1, 2))),
    "ph left out, none needed": ("ic1ih6iw8oc1oh2ow2kh3kw3sh3sw4", ((0, 0), (0, 0))),
}


@pytest.mark.parametrize(("text", "padding"), FAR_PADS.values(), ids=FAR_PADS)
def test_pads_at_the_far_end(text, padding):
    assert parse(text).padding == padding


@pytest.mark.parametrize(
    "decoration",
    ['{}_n"resnet:conv1"', '{}n"conv 1, of two"', '{}n""', "{}_nconv1", "{}n", "_{}", "{}_"],
)
def test_names_and_underscores_say_nothing(decoration):
    text = "ic4ih5iw7oc6kh3kw2"
    assert parse(decoration.format(text)) == parse(text)


def test_underscores_separate():
    assert parse("g2_mb3_ic4ih5_iw7_oc6__kh3kw2") == parse("g2mb3ic4ih5iw7oc6kh3kw2")


def test_dilation_counts_from_zero():
    g = parse("ic4ih9oc6kh3kw2dh1dw0")
    assert g.dilation == (2, 1)
    assert "dh1dw0" in g.descriptor


def test_the_contracts_example_with_its_outputs_right():
    """With oh3 it would need a bottom pad of -3; 4 rows and 8 columns are what it gives."""
    right = "g3mb2ic6ih12iw13oc12oh4ow8kh3kw2sh3sw2dh1dw0ph2pw0"
    wrong = right.replace("oh4", "oh3").replace("ow8", "ow7")
    assert parse(right).descriptor == right
    with pytest.raises(ValueError, match="oh is 3, but ih 12 with kh 3 and ph 2 already gives 4"):
        parse(wrong)


BAD = {
    "empty": ("", "lacks ic, ih, oc, kh"),
    "a name alone": ('n"conv"', "lacks ic, ih, oc, kh"),
    "no kernel": ("ic4ih5oc6", "lacks kh$"),
    "no height": ("ic4iw5oc6kh3", "lacks ih$"),
    "unknown field": ("ic4ih5oc6kh3zz1", "unknown field 'zz'"),
    "depth of a 3-D one": ("ic4id3ih5oc6kh3", "unknown field 'id': 2-D has"),
    "given twice": ("ic4ih5oc6kh3ic4", "gives ic twice"),
    "field without a number": ("ic4ih5oc6kh", "cannot be read from 'kh' on"),
    "number without a field": ("4ih5oc6kh3", "cannot be read from '4ih5oc6kh3' on"),
    "negative number": ("ic4ih5oc6kh3ph-1", "cannot be read from 'ph-1' on"),
    "fraction": ("ic4ih5oc6kh3.5", "cannot be read from '.5' on"),
    "upper case": ("IC4IH5OC6KH3", "cannot be read from 'IC4"),
    "digits that are not 0 to 9": (
        "ic\u0664ih5oc6kh3",
        "cannot be read from 'ic\u0664ih5oc6kh3' on",
    ),
    "number without end": ("ic4ih" + "9" * 5000, r"cannot be read from 'ih9{198}\.\.\.' on"),
    "stride without end": ("ic4ih5oc6kh3sh999999999999", "stride is .* at most 2147483647"),
    "space": ("ic4 ih5oc6kh3", "cannot be read from ' ih5oc6kh3' on"),
    "name not closed": ('ic4ih5oc6kh3n"conv', "cannot be read from"),
    "no stride": ("ic4ih5oc6kh3sh0", "sh and sw must be at least 1"),
    "no group": ("g0ic4ih5oc6kh3", "g is 0, but must be at least 1"),
    "groups that do not divide": ("g3ic4ih5oc6kh3", "4 channels, which 3 groups do not divide"),
    "groups that do not divide oc": ("g2ic4ih5oc7kh3", "7 output channels, which 2 groups do not"),
    "kernel beyond the image": ("ic4ih5oc6kh7", "spans 7 cells along H"),
    "kernel beyond the width": ("ic4ih9iw5oc6kh3dh2dw3", "spans 9 cells along W"),
    "empty kernel": ("ic4ih5oc6kh0", "empty kernel"),
    "fewer rows than there are": ("ic4ih9iw9oc6oh6ow7kh3", "oh is 6, .* already gives 7"),
    "fewer columns": ("ic4ih9iw9oc6oh7ow6kh3", "ow is 6, .* already gives 7"),
    "no row": ("ic4ih9oc6oh0kh3", "oh is 0"),
}


@pytest.mark.parametrize(("text", "match"), BAD.values(), ids=BAD)
def test_bad_descriptors_are_refused(text, match):
    with pytest.raises(ValueError, match=match):
        parse(text)
