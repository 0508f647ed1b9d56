"""Predict, then reveal: the page tells no answer before its question is revealed."""

import re

import numpy as np
import pytest
from browser import ALL_DRAWN, MINUS, cell, counted, stages_of, sums_of

from refconv import count
from refconv.walk.lesson import layer_of, lesson


def test_point_9_predict_then_reveal(tab):
    (stage,) = stages_of("2 groups")
    tab.click(cell("y", 0, 1, 1, 1, shape=stage.y.shape))
    tab.check("#predicting")
    answer = int(stage.y[0, 1, 1, 1])
    asked = cell("y", 0, 1, 1, 1, shape=stage.y.shape)
    assert tab.inner_text(asked) == sums_of(tab) == "?"
    assert str(answer) not in tab.inner_text("#sentence")
    form = "form[data-name=y]"
    tab.fill(f"{form} input", str(answer + 1))
    tab.click(f"{form} [type=submit]")
    assert "is not it" in tab.inner_text(f"{form} .verdict")
    assert tab.inner_text(asked) == "?"
    tab.fill(f"{form} input", str(answer))
    tab.keyboard.press("Enter")
    assert tab.inner_text(f"{form} .verdict").startswith(f"Right: {answer}.")
    assert tab.inner_text(asked) == str(answer)
    tab.hover(cell("y", 0, 2, 1, 1, shape=stage.y.shape))
    assert "?" in tab.inner_text(cell("y", 0, 1, 1, 2, shape=stage.y.shape))  # no peeping
    tab.click("[data-go=on]")
    tab.click("[data-go=on]")
    assert tab.inner_text(cell("y", 0, 1, 1, 2, shape=stage.y.shape)) == "?"
    assert tab.inner_text(f"{form} .verdict") == ""


TOLD = """() => {
    const told = [document.body.innerText];
    for (const element of document.querySelectorAll("body *:not(script)")) {
        told.push(element.ariaLabel, element.title, element.getAttribute("aria-valuetext"));
        if (element.matches("progress:not([hidden])")) told.push(element.value, element.max);
    }
    return told.join(" ");
}"""

ASKED = layer_of("g2mb2ic6ih5iw7oc10kh3kw3ph1")  # its answers are no other numbers on the page


def answers_of(structure):
    """By question: its answer, and every text on the page that would tell it."""
    work = next(w for w in lesson(ASKED) if w.structure.name == structure)
    g, counts = work.stages[0].geometry, work.structure.counts
    ratio = work.structure.promised
    return {
        "taps": (f"{g.K}", [f"{g.K}"] if g.K > 9 else []),
        "macs": (f"{counts.macs:,}", [f"{counts.macs:,}", f"{counts.effective_macs:,}"]),
        "parameters": (f"{counts.parameters:,}", [f"{counts.parameters:,}"]),
        "ratio": (f"{ratio}", [] if ratio == 1 else [f"{ratio}", f"{float(ratio):.4f}"]),
    }


def tells(tab, texts):
    counted(tab)
    said = tab.evaluate(TOLD)
    alone = r"(?<![\d,.\[]){}(?!\d|,\d|\])"
    return [text for text in texts if re.search(alone.format(re.escape(text)), said)]


@pytest.mark.parametrize("structure", ["standard", "2 groups", "separable"])
def test_point_9_an_answer_is_nowhere_until_its_question_is_revealed(opened, structure):
    """In no text and in no label: what is hidden by colour is read aloud, and printed."""
    answers = answers_of(structure)
    tab = opened(ASKED)
    tab.add_style_tag(content=ALL_DRAWN)
    tab.click(f"[data-structure='{structure}'] button")
    for answer, texts in answers.values():
        assert tells(tab, texts) == texts, answer  # unless they are hidden
    tab.check("#predicting")
    assert tab.inner_text("#counter") == "1"
    assert [texts for _, texts in answers.values() if tells(tab, texts)] == []
    revealed = set()
    for name, (answer, _) in answers.items():
        tab.click(f"[data-reveal={name}]")
        revealed.add(name)
        assert tab.inner_text(f"[data-answer={name}]") == answer
        for other, (_, texts) in answers.items():
            if other not in revealed:
                assert tells(tab, texts) == [], f"{name} tells {other}"
    for key in ("[data-go=on]", "[data-go=last]"):  # the counter runs into it
        tab.click(key)
        for name, (answer, _) in answers.items():
            if (structure, name) != ("separable", "taps"):  # of the other stage now
                assert tab.inner_text(f"[data-answer={name}]") == answer


@pytest.mark.parametrize(
    ("name", "guess", "verdict"),
    [
        ("macs", "{macs:,}", "Right: "),
        ("macs", " {macs} ", "Right: "),
        ("macs", "many", "Type a whole number."),
        ("macs", "", "Type a whole number."),
        ("y", "{minus}{positive}", "Right: "),
        ("y", "-{positive}", "Right: "),
        ("ratio", "1/2", "Right: "),
        ("ratio", "12/24", "Right: "),
        ("ratio", "2", "2 is not it"),
        ("ratio", "1/0", "Type a fraction."),
    ],
)
def test_point_9_a_guess_may_be_spelled_as_the_page_spells_numbers(tab, name, guess, verdict):
    (stage,) = stages_of("2 groups")
    negative = int(np.argmin(stage.y[0]))
    tab.click(cell("y", *np.unravel_index(negative, stage.y.shape), shape=stage.y.shape))
    tab.check("#predicting")
    spelled = guess.format(macs=count(stage.geometry).macs, minus=MINUS, positive=-stage.y[0].min())
    tab.fill(f"[data-name={name}] input", spelled)
    tab.keyboard.press("Enter")
    assert tab.inner_text(f"[data-name={name}] .verdict").startswith(verdict)


def test_point_9_a_step_leaves_what_is_typed_into_the_other_questions(tab):
    tab.check("#predicting")
    for name in ("y", "macs"):
        tab.fill(f"[data-name={name}] input", "7")
    tab.select_option("#unit", "output")
    for _ in range(2):
        tab.click("[data-go=on]")
    assert tab.input_value("[data-name=macs] input") == "7"
    assert tab.input_value("[data-name=y] input") == ""  # of another output now


@pytest.mark.parametrize("order", [("unit", "groups"), ("groups", "unit")])
def test_point_9_one_sum_is_walked_from_its_first_product(tab, order):
    for what in order:
        if what == "unit":
            tab.select_option("#unit", "mac")
        else:
            tab.click("#divisors button:nth-child(1)")
    assert tab.inner_text("#counter") == "1"
    tab.click("[data-go=on]")
    assert tab.inner_text("#counter") == "2"
