"""The numbers in the notes' prose: a number that changes breaks a test.

What the code of a note prints is tested by running it. A number in the words around it has to stand
in that code or its output as well; those that cannot are in `note_numbers.toml`, each with what it
is. The Chinese pages have the numbers of the English ones, passage by passage; those of a page that
is not translated are recorded in the same file.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTES = ROOT / "notes"
LISTED = tomllib.loads((ROOT / "tests" / "note_numbers.toml").read_text(encoding="utf-8"))
GIVEN, RECORDED = LISTED["given"], LISTED["recorded"]

ENGLISH = sorted(page.name for page in NOTES.glob("*.md"))
TWINS = sorted({page.name for page in (NOTES / "zh").glob("*.md")} - {"08-oracle.md"})
"""The pages that are translated. Of note 8 the Chinese is a page that links it."""

CODE = re.compile(r"^ *```[\s\S]*?^ *```$|^ {4,}.*$", re.MULTILINE)
"""A fenced block, or a line that is indented: examples, their output, formulas, commands."""

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)*"
IN_PROSE = re.compile(rf"(?:(?<![A-Za-z_\d.])(?<![A-Za-z]-)|(?<=\dx)){NUMBER}")
"""Not the 32 of float32, nor the 50 of ResNet-50; both numbers of 3x3."""
IN_CODE = re.compile(NUMBER.replace(",", "[,_]"))

LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
ORDINAL = re.compile(r"^(#+ |\*\*|)\d\d?\.(?= |\*\*)", re.MULTILINE)
"""Of a heading, a question, an item of a list."""


def read(page: str) -> str:
    """The text of a page of the notes, by its path there."""
    return (NOTES / page).read_text(encoding="utf-8")


def passages(text: str) -> list[str]:
    """The words between one piece of code and the next, links without where they lead."""
    return CODE.split(LINK.sub(r"[\1]", text))


def plain(number: str) -> str:
    """1,024 and 1_024 as 1024, and 25.0 as 25."""
    return re.sub(r"^(\d+)\.0$", r"\1", re.sub("[,_]", "", number))


def numbers(words: str) -> Counter[str]:
    """Each number in the words, and how often."""
    return Counter(plain(number) for number in IN_PROSE.findall(words))


def unproven(text: str) -> set[str]:
    """The numbers in the words of a page that are in none of its code."""
    code = "\n".join(CODE.findall(text))
    proven = {plain(number) for number in IN_CODE.findall(code)}
    words = ORDINAL.sub("", CODE.sub("", LINK.sub("", text)))
    return set(numbers(words)) - proven


def test_numbers_are_read_and_names_are_not() -> None:
    text = (
        "1. 1,024 of 3x5 float32 in ResNet-50 v1.5, 0.25 [note 7](07-speed.md)\n\n    >>> 2**10\n"
    )
    assert numbers("1,024 of 3x5 float32 in ResNet-50, 0.25") == Counter(["1024", "3", "5", "0.25"])
    assert unproven(text) == {"1024", "3", "5", "0.25"}
    assert unproven(text + "    1024\n    >>> 3, 5\n    (3, 5)\n") == {"0.25"}


@pytest.mark.parametrize("page", ENGLISH)
def test_a_number_in_the_words_is_in_the_code_or_is_given_with_what_it_is(page: str) -> None:
    given = [number for listed in GIVEN.get(page, {}).values() for number in listed.split()]
    assert len(given) == len(set(given))
    assert unproven(read(page)) == set(given)


def test_what_is_given_says_what_it_is_and_names_the_command_that_measures_it() -> None:
    for page, reasons in GIVEN.items():
        for reason in reasons:
            assert len(reason.split()) > 2, reason
            for command in re.findall("`([^`]+)`", reason):
                assert command in read(page), f"{page} does not name {command}"


@pytest.mark.parametrize("page", TWINS)
def test_each_chinese_passage_has_the_numbers_of_the_english_one(page: str) -> None:
    for english, chinese in zip(passages(read(page)), passages(read(f"zh/{page}")), strict=True):
        assert numbers(chinese) == numbers(english), f"{chinese}\n\nis of\n\n{english}"


@pytest.mark.parametrize("page", sorted({*ENGLISH} - {*TWINS}))
def test_a_page_without_a_twin_has_the_numbers_that_are_recorded(page: str) -> None:
    found = {}
    for section in re.split("^#+ ", read(page), flags=re.MULTILINE):
        told = [number for words in passages(section) for number in IN_PROSE.findall(words)]
        if told:
            found[section.split("\n")[0]] = " ".join(told)
    assert found == RECORDED[page]


@pytest.mark.parametrize("page", [*ENGLISH, *(f"zh/{page}" for page in TWINS)])
def test_a_link_that_says_a_note_leads_to_that_note(page: str) -> None:
    for label, to in LINK.findall(read(page)):
        said = re.fullmatch(r"(?:note |第 ?)?(\d+)(?: ?篇)?(?:\. .*)?", label)
        assert not said or to.startswith(f"{int(said[1]):02}-"), f"[{label}]({to})"


def test_the_lessons_of_the_teacher_take_the_minutes_that_they_promise() -> None:
    ten, forty_five = (
        read("teacher.md").split("\n## Ten minutes\n")[1].split("## Forty-five minutes")
    )
    assert sum(int(minutes) for minutes in re.findall(r"\((\d+) minutes?\)", ten)) == 10
    spans = re.findall(r"^\| (\d+) to (\d+) \|", forty_five, re.MULTILINE)
    assert (spans[0][0], spans[-1][1]) == ("0", "45")
    assert all(end == start for (_, end), (start, _) in pairwise(spans))
