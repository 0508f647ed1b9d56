"""The walkthrough's page in a browser: one tab that opens layers, and what can be read off it.

`conftest.py` starts the one Chromium. Layers, figures and marks that several tests of the page
need are here; what one subject alone needs is in its `test_page_*.py`.
"""

import re

import numpy as np

from refconv.walk.lesson import layer_of, lesson
from refconv.walk.page import page

LAYER = layer_of("g2mb2ic4ih5iw6oc8oh3ow6kh3kw2sh2sw1dh0dw1ph1pw1")
LARGEST = layer_of("g4mb2ic16ih16iw16oc24oh20ow20kh5kw5ph4pw4")
PHONE, LAPTOP, SCREEN = (360, 740), (1280, 720), (1600, 900)
WIDTHS = (360, 800, 1600)
ALL_DRAWN = "section { content-visibility: visible !important; }"  # in sight or not

TIMES, MINUS = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}"

AS_USUAL = {
    "media": "null", "color_scheme": "light", "reduced_motion": "no-preference",
    "forced_colors": "none",
}  # fmt: skip


class Pages:
    """Opens pages from disk, with the network cut.

    A page begins anew each time it is opened, in a tab that stays: a new tab takes the browser
    as long as most tests do. What a page says on the console, or asks of the network, is kept.
    """

    def __init__(self, browser, folder):
        self.browser = browser
        self.folder = folder
        self.complaints = []
        self.tab = self.new_tab()

    def new_tab(self):
        """A tab with a context of its own."""
        tab = self.browser.new_context(offline=True).new_page()
        tab.on("console", lambda message: self.complaints.append(message.text))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", self._asked)
        return tab

    def _asked(self, request):
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(request.url)

    def open(self, layer, document=None, *, window=LAPTOP, tab=None, **media):
        """The tab with a layer's page, as it begins: in a window so wide and high, on a medium."""
        tab = tab or self.tab
        path = self.folder / f"{layer.descriptor}.html"
        path.write_text(page(layer) if document is None else document, encoding="utf-8")
        width, height = window
        tab.mouse.move(0, 0)  # else it would point at something of the new page
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(**{**AS_USUAL, **media})
        tab.goto(path.as_uri())
        tab.wait_for_selector(".agreement.agrees, .agreement.differs")
        return tab


def stages_of(name, layer=LAYER):
    """The worked stages of a layer's structure: refconv's numbers."""
    return next(work for work in lesson(layer) if work.structure.name == name).stages


def stage_index(stage, output, tap):
    """How many multiply-accumulates of a stage come before this one."""
    return int(np.ravel_multi_index(output, stage.y.shape)) * stage.geometry.K + tap


def numbers(tab, array):
    """What a panel shows: the visible cells' numbers by their flat index in the array."""
    return {
        int(index): int(text)
        for index, text in tab.eval_on_selector_all(
            f"[data-array={array}] .grid:not([hidden]) td[data-i]",
            "cells => cells.map(c => [c.dataset.i, c.textContent])",
        )
    }


def assert_shows(tab, array, numbers_of):
    """Every visible cell of a panel is refconv's number, and some are visible."""
    shown = numbers(tab, array)
    assert shown
    assert shown == {index: int(numbers_of.flat[index]) for index in shown}


def cell(array, *index, shape):
    """The selector of a panel's cell."""
    return f"[data-array={array}] td[data-i='{np.ravel_multi_index(index, shape)}']"


def marked(tab, array, mark):
    """The flat indices of a panel's cells with a mark; a padding cell has none, and is -1."""
    return {
        int(index or -1)
        for index in tab.eval_on_selector_all(
            f"[data-array={array}] .grid:not([hidden]) td.{mark}",
            "cells => cells.map(c => c.dataset.i)",
        )
    }


def sums_of(tab):
    """The sum so far, as text: it may be a question mark."""
    return tab.inner_text("#sum")


def counted(tab):
    """Until the loops, which are run after the frame, have counted."""
    tab.wait_for_selector("#costs[aria-busy=false]", state="attached")


def figure(tab, name):
    """A figure of the costs, as text, once it is counted."""
    counted(tab)
    return tab.inner_text(f"[data-figure={name}]")


def whole(text):
    """The whole number that a text begins with."""
    return int(re.sub(r"[^\d-].*", "", text.replace(",", "")))
