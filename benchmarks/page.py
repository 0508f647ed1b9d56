"""How long the walkthrough's page takes to answer a click, and to open.

    python benchmarks/page.py               a large layer, and the largest that it shows
    python benchmarks/page.py --rounds 20

Needs playwright and a `chromium`. Each page must say first that it agrees with refconv. A click is
timed from the event until the page is laid out again; painting is not counted. Controls take turns,
and lead back: every round begins with the same page. Exit status: 0 fine, 1 a page that differs
from refconv, or does not come back.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from browser import LARGEST, Pages  # which the line above makes findable

from refconv import Geometry
from refconv.bench.machine import cpu_name
from refconv.cli.bench import positive
from refconv.walk.lesson import LIMITS, layer_of

LAYERS = {"large": layer_of("g4ic16ih16oc24kh3ph1"), "largest": LARGEST}
WINDOW = (1600, 900)
OPENING = "the page opens"
AIM = 50
"""Milliseconds: more is felt as waiting."""

ROUNDS = """async ([selectors, rounds]) => {
    const taken = selectors.map(() => []);
    for (let round = 0; round < rounds; round++) {
        for (const [i, selector] of selectors.entries()) {
            const control = document.querySelector(selector);
            const start = performance.now();
            if (control.type === "range") {
                control.value = 0;
                control.dispatchEvent(new Event("input", { bubbles: true }));
            } else control.click();
            document.body.getBoundingClientRect();  // layout
            taken[i].push(performance.now() - start);
            while (byId("costs").ariaBusy === "true") await new Promise(requestAnimationFrame);
        }
    }
    return taken;
}"""

OPENED = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


class PageError(Exception):
    """What is measured is not what it should be."""


def main() -> int:
    """Measure and print; 1 where a page is wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=positive, default=6, help="turns of each control")
    rounds = parser.parse_args().rounds
    from playwright.sync_api import sync_playwright  # a test of `measure` has its own

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        print(f"{cpu_name()}; Chromium {browser.version}, {WINDOW[0]}x{WINDOW[1]}")
        pages = Pages(browser, Path(folder))
        try:
            found = {name: measure(pages, layer, rounds) for name, layer in LAYERS.items()}
        except PageError as wrong:
            print(wrong)
            return 1
        finally:
            browser.close()
    print("\n".join(lines(found)))
    return 0


def controls_of(layer: Geometry) -> dict[str, str]:
    """The selectors of controls, by what a reader would call them: ways there, and back."""
    both_ways = {
        f"{name} {'less' if by < 0 else 'more'}": f"[data-name={name}][data-by='{by}']"
        for name in ("KH", "pt", "sh", "W", "C", "F", "N")
        for by in ((1, -1) if getattr(layer, name) < LIMITS[name] else (-1, 1))
    }
    return {
        **both_ways,
        "the slider, to 1 group": "#groups",
        "2 groups": "#divisors button:nth-child(2)",
        "1 group": "#divisors button:nth-child(1)",
        "4 groups, as it began": "#divisors button:nth-child(3)",
        "two stages": "input[value=two]",
        "one stage": "input[value=one]",
        "a step on": "[data-go=on]",
        "an input, asked about": "[data-array=x] td[data-i]",
    }


def measure(pages: Pages, layer: Geometry, rounds: int) -> dict[str, list[float]]:
    """The milliseconds of every turn, by control, and those of opening the page."""
    opening = []
    for _ in range(rounds):
        tab = pages.open(layer, window=WINDOW)
        opening.append(tab.evaluate(OPENED))
    _check("agrees" in tab.get_attribute("#agreement", "class"), tab.inner_text("#agreement"))
    controls = controls_of(layer)
    before = shown(tab)
    taken = tab.evaluate(ROUNDS, [list(controls.values()), rounds])
    _check(shown(tab) == before, f"the page of {layer.descriptor} does not come back")
    return {OPENING: opening, **dict(zip(controls, taken, strict=True))}


def shown(tab: Any) -> str:
    """The layer that a page shows, in words and sizes."""
    return "; ".join(
        tab.text_content(f"#{part}") for part in ("structure-name", "written", "sizes")
    )


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PageError(otherwise)


def lines(found: dict[str, dict[str, list[float]]]) -> list[str]:
    """The table, the slowest of the last layer first."""
    controls = sorted(
        {control for taken in found.values() for control in taken},
        key=lambda control: -median(list(found.values())[-1][control]),
    )
    title = f"{'least':>8}{'median':>8}{'slowest':>9}"
    return [
        "ms".ljust(24) + "".join(f"{name:>25}" for name in found),
        " ".ljust(24) + title * len(found),
        *(
            control.ljust(24)
            + "".join(
                f"{min(taken[control]):8.1f}{median(taken[control]):8.1f}{max(taken[control]):9.1f}"
                for taken in found.values()
            )
            for control in controls
        ),
        f"The aim is {AIM} ms for a click.",
    ]


if __name__ == "__main__":
    sys.exit(main())
