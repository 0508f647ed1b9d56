"""The notes as a course: links lead somewhere, answers run, Chinese pages have the same code.

That the code gives what is printed under it is tested by running the notes themselves.
"""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTES = ROOT / "notes"
CHINESE = NOTES / "zh"

COURSE = [
    "01-definition.md", "02-im2col.md", "03-group.md", "04-depthwise-separable.md",
    "05-counting.md", "06-the-source.md", "07-speed.md", "09-networks.md",
]  # fmt: skip
QUESTIONED = [*COURSE, "11-gradients.md"]
TRANSLATED = ["README.md", *QUESTIONED, "teacher.md"]
"""The notes that have the same code in Chinese. Of note 8 the Chinese is a page that links it."""

PAGES = [ROOT / "README.md", *sorted(NOTES.glob("**/*.md"))]

LINK = re.compile(r"(!?)\[([^\]]+)\]\(([^)\s]+)\)")
ANSWER = re.compile(r"<details>.*?</details>", re.DOTALL)
FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^ {4,}.*$", re.MULTILINE)
CHINESE_CHARACTER = re.compile(r"[\u4e00-\u9fff]")


def name_of(page: Path) -> str:
    """The page's path in the project, as a test's name."""
    return page.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """The text without its blocks of code."""
    return INDENTED.sub("", FENCE.sub("", text))


def examples(text: str) -> list[tuple[str, str]]:
    """Each example: its source, and what it prints."""
    return [(e.source, e.want) for e in doctest.DocTestParser().get_examples(text)]


def pictures(text: str) -> list[str]:
    """The names of the pictures that the page shows."""
    return [Path(to).name for shown, _, to in LINK.findall(text) if shown]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_to_files(page: Path) -> None:
    text = prose(page.read_text(encoding="utf-8"))
    for shown, label, to in LINK.findall(text):
        assert "://" not in to, f"{to} is not of this project"
        assert (page.parent / to).exists(), f"{name_of(page)} links {to}, which does not exist"
        assert not shown or len(label) > 10, f"{to} needs a text that says what it shows"


def test_every_page_can_be_reached() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = LINK.findall(prose(page.read_text(encoding="utf-8")))
        linked = {(page.parent / to).resolve() for _, _, to in links if to.endswith(".md")}
        waiting += linked - reached
    assert set(PAGES) <= reached


@pytest.mark.parametrize("note", [*QUESTIONED, "08-oracle.md"])
def test_a_note_has_a_picture_and_questions_whose_answers_run(note: str) -> None:
    text = (NOTES / note).read_text(encoding="utf-8")
    assert pictures(text)
    answers = ANSWER.findall(text)
    assert len(re.findall(r"^\*\*\d\.\*\* ", text, re.MULTILINE)) == len(answers)
    assert 4 <= len(answers) <= 6
    for answer in answers:
        assert examples(answer), f"nothing runs in {answer}"


@pytest.mark.parametrize("folder", [NOTES, CHINESE], ids=name_of)
def test_each_note_ends_with_the_next_one(folder: Path) -> None:
    for note, following in pairwise([*COURSE, "README.md"]):
        last = (folder / note).read_text(encoding="utf-8").strip().split("\n\n")[-1]
        assert f"]({following})" in last, f"{note} ends with {last!r}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_whoever_is_told_to_install_is_told_to_make_an_environment_first(page: Path) -> None:
    """Debian's own Python refuses to be installed into, and a bare Debian has no `python`."""
    for commands in CONSOLE.findall(page.read_text(encoding="utf-8")):
        before, install, _ = commands.partition("$ python -m pip install")
        assert not install or before == "$ python3 -m venv .venv && . .venv/bin/activate\n"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blank_lines_stand_around_what_opens_and_closes(page: Path) -> None:
    """Without them Markdown would show the answer's code as plain text."""
    lines = page.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines):
        if "<details>" in line or "</details>" in line:
            assert lines[number - 1] == lines[number + 1] == "", f"line {number + 1}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_formula_is_taken_for_markup(page: Path) -> None:
    """A line that begins with a plus is a list, and the stars of 2*3*4 are emphasis: use `code`."""
    text = re.sub(r"`[^`]*`", "", prose(page.read_text(encoding="utf-8")))
    assert not re.search(r"^\+ .*", text, re.MULTILINE)
    assert not re.search(r"[A-Za-z0-9)]\*[A-Za-z0-9(].*", text)


@pytest.mark.parametrize("note", TRANSLATED)
def test_the_chinese_page_has_the_same_code(note: str) -> None:
    english, chinese = ((folder / note).read_text(encoding="utf-8") for folder in (NOTES, CHINESE))
    assert examples(chinese) == examples(english)
    assert INDENTED.findall(chinese) == INDENTED.findall(english)
    assert FENCE.findall(chinese) == FENCE.findall(english)
    assert pictures(chinese) == pictures(english)
    assert len(ANSWER.findall(chinese)) == len(ANSWER.findall(english))
    for answer, original in zip(ANSWER.findall(chinese), ANSWER.findall(english), strict=True):
        assert examples(answer) == examples(original)


@pytest.mark.parametrize("page", sorted(CHINESE.glob("*.md")), ids=name_of)
def test_the_chinese_page_is_chinese(page: Path) -> None:
    text = prose(page.read_text(encoding="utf-8"))
    for paragraph in re.sub(r"<[^>]+>|\|[-:| ]+\||`[^`]*`", "", text).split("\n\n"):
        words = re.findall(r"[A-Za-z]{3,}", LINK.sub("", paragraph))
        assert len(words) < 4 or CHINESE_CHARACTER.search(paragraph), paragraph


def test_no_two_terms_of_the_glossary_have_one_word_in_chinese() -> None:
    glossary = (NOTES / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| (?!English|---)[^|]+ \| ([^|]+) \|", glossary, re.MULTILINE)
    words = [word for term in terms for word in re.split(", ", term.strip()) if word]
    assert len(words) > 80
    assert {word for word in words if words.count(word) > 1} == set()


def test_both_tables_of_contents_list_the_same_notes() -> None:
    english, chinese = ((folder / "README.md").read_text(encoding="utf-8")
                        for folder in (NOTES, CHINESE))  # fmt: skip
    listed, translated = (
        {number for number, _ in re.findall(r"\[(\d+)\. [^]]+\]\(([^)]+)\)", text)}
        for text in (english, chinese)
    )
    assert listed == translated == {path.name[:2].lstrip("0") for path in NOTES.glob("[0-9]*.md")}


def test_the_english_notes_run_and_the_chinese_ones_do_not() -> None:
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "notes"]
    found = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for note in TRANSLATED:
        assert f"notes/{note}::{note}" in found
    assert "notes/zh" not in found
