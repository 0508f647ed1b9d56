"""What the page compares with refconv when it opens, and that it is one file without a network."""

import re

import pytest
from browser import LARGEST, LAYER

from refconv.cli import main
from refconv.walk.lesson import layer_of, lesson
from refconv.walk.page import embedded, page


@pytest.mark.parametrize("layer", [LAYER, LARGEST], ids=["small", "largest"])
def test_it_agrees_with_refconv_on_opening(opened, layer):
    tab = opened(layer)
    outputs = sum(stage.y[0].size for work in lesson(layer) for stage in work.stages)
    assert tab.inner_text("#agreement") == (
        f"Agrees with refconv for the layer it opened with: {outputs:,} outputs and the counts of "
        f"{len(lesson(layer))} structures, to the unit."
    )


@pytest.mark.parametrize("damage", ["output", "macs", "promised", "pool"])
def test_a_disagreement_is_shown_loudly(opened, monkeypatch, damage):
    data = embedded(LAYER)
    if damage == "output":
        works = lesson(LAYER)
        works[1].stages[0].y[0, 3, 2, 1] += 1
        monkeypatch.setattr("refconv.walk.page.lesson", lambda layer: works)
        data = embedded(LAYER)
    elif damage == "macs":
        data["structures"][1]["counts"]["macs"] += 1
    elif damage == "promised":
        data["structures"][1]["promised"] = "1/3"
    else:
        digits = data["pools"]["weight"]["digits"]
        data["pools"]["weight"]["digits"] = f"{(int(digits[0]) + 1) % 7}{digits[1:]}"
    monkeypatch.setattr("refconv.walk.page.embedded", lambda layer: data)
    tab = opened(LAYER, page(LAYER))
    assert re.match("DIFFERS from refconv.*Trust no number", tab.inner_text("#agreement"))
    assert "differs" in tab.get_attribute("#agreement", "class")


def test_the_agreement_is_of_the_layer_it_opened_with_and_says_when_that_is_gone(tab):
    opening = tab.inner_text("#agreement")
    tab.check("input[value=two]")
    tab.click("#divisors button:nth-child(1)", force=True)
    assert tab.inner_text("#agreement") == opening  # every structure was compared
    tab.click("[data-name=H][data-by='1']")
    assert tab.inner_text("#agreement") == f"{opening} This is another layer: not compared."
    assert "past" in tab.get_attribute("#agreement", "class")
    tab.click("#opening")
    assert tab.inner_text("#agreement") == opening
    assert "past" not in tab.get_attribute("#agreement", "class")


def test_a_browser_that_cannot_compare_says_so(tab):
    tab.evaluate("() => { delete window.DecompressionStream; return compare(); }")
    assert re.match("NOT COMPARED.*DecompressionStream", tab.inner_text("#agreement"))
    assert tab.get_attribute("#agreement", "class") == "agreement differs"


def test_it_is_one_small_file_that_names_no_place_on_the_network():
    for layer in (
        LAYER,
        LARGEST,
        layer_of("mb2ic16ih16oc24kh1ph4"),
        layer_of("ic16ih16oc16kh5ph4"),
    ):
        document = page(layer)
        assert len(document.encode()) < 300_000
        document = document.replace(embedded(layer)["outputs"], "")  # base 64 may hold any letters
        assert not re.search(r"https?:|//[a-z]|url\(|@import|\bsrc=", document, re.IGNORECASE)
        assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|sendBeacon", document)


def test_the_command_writes_it(tmp_path, capsys):
    assert main(["walk", LAYER.descriptor, "--html", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page(LAYER)
    assert "needs no network" in capsys.readouterr().out
