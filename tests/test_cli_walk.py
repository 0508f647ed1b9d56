"""`refconv walk`: what a person who typed something wrong is told."""

import re

import pytest

from refconv.cli import main
from refconv.walk.lesson import LIMITS, layer_of

WORKS = "g2ic4ih5iw6oc8kh3"


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """The exit status, output and errors of the command, in a folder with a file and a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("here before")
    (tmp_path / "folder.png").mkdir()

    def run(*arguments):
        try:
            status = main(["walk", *arguments])
        except SystemExit as stop:  # argparse
            status = stop.code
        return status, *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "descriptor 'nonsense' lacks ic, ih, oc, kh"),
        ([""], "descriptor '' lacks ic"),
        (["ic4ih5oc6"], "descriptor 'ic4ih5oc6' lacks kh"),
        (["ic4ih5oc6kh3sh0"], "sh and sw must be at least 1"),
        (["ic4ih5oc6kh3dh-1"], "cannot be read from 'dh-1' on: it must be like"),
        (["two\nlines"], r"descriptor 'two\\nlines'"),
        (["g3ic4ih5oc6kh3"], "x has 4 channels, which 3 groups do not divide"),
        (["g4ic4ih5oc6kh3"], "weight has 6 output channels, which 4 groups do not divide"),
        (["ic4ih2oc4kh5"], "weight spans 5 cells along H .* but x has 2 there"),
        (["mb0ic4ih5oc6kh3"], "N is 0, but a walkthrough needs at least 1"),
        (["ic0ih5oc6kh3"], "C is 0, but a walkthrough needs at least 1"),
        (["ic4ih5oc0kh3"], "F is 0, but a walkthrough needs at least 1"),
        (["ic4ih0iw3oc6kh3ph2"], "H is 0, but a walkthrough needs at least 1"),
        (["ic4ih3iw0oc6kh3pw2"], "W is 0, but a walkthrough needs at least 1"),
        (
            ["ic512ih14oc512kh3ph1"],
            "C is 512, but a walkthrough shows at most 16; 'refconv compare' takes it",
        ),
        (["ic4ih5oc6kh3ph5"], "pt is 5, but a walkthrough shows at most 4"),
        (["ic4ih1000000000oc6kh3"], "H is 1000000000, but a walkthrough shows at most 16"),
        (["nonsense", "--html", "a.html"], "descriptor 'nonsense' lacks"),
        (["nonsense", "--steps"], "descriptor 'nonsense' lacks"),
        ([WORKS, "another"], "unrecognized arguments: another"),
        (["--html"], "argument --html: expected one argument"),
        (["--html", "folder.png"], "'folder.png' is a folder, but must be a file"),
        (["--html", ""], r"'\.' is a folder, but must be a file"),
        (["--html", "no/a.html"], "'no/a.html' must be in a folder, but 'no' is none"),
        (["--html", "file/a.html"], "'file/a.html' must be in a folder, but 'file' is none"),
        (["--photo", "folder.png"], "'folder.png' is a folder, but must be a file"),
        (["--photo", "no/a.png"], "'no/a.png' must be in a folder, but 'no' is none"),
        (["--photo", "no\nline/a.png"], r"'no\\nline/a.png' must be in a folder"),
        (["--pictures", "file"], "'file' is a file, but must be a folder"),
        ([WORKS, "--photo", "a.png"], "a descriptor does not go with --pictures or --photo"),
        ([WORKS, "--pictures", "a"], "a descriptor does not go with --pictures or --photo"),
        (["--steps", "--html", "a.html"], "argument --html: not allowed with argument --steps"),
        (["--html", "a", "--photo", "b.png"], "argument --photo: not allowed with .* --html"),
    ],
    ids=lambda value: " ".join(value).replace("\n", "/") if isinstance(value, list) else "",
)
def test_a_wrong_use_is_one_line(run, tmp_path, arguments, message):
    status, out, errors = run(*arguments)
    assert (status, out, errors.count("\n")) == (2, "", 1)
    assert re.search(message, errors)
    assert errors.startswith("refconv")
    # Nothing was written, and nothing was changed.
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.png"}
    assert (tmp_path / "file").read_text() == "here before"


ONE_TOO_MANY = {
    "N": "mb3ic1ih2oc1kh1",
    "C": "ic17ih2oc1kh1",
    "F": "ic1ih2oc25kh1",
    "H": "ic1ih17iw2oc1kh1",
    "W": "ic1ih2iw17oc1kh1",
    "KH": "ic1ih7iw3oc1kh6kw2",
    "KW": "ic1ih3iw7oc1kh2kw6",
    "sh": "ic1ih7oc1kh1sh5sw2",
    "sw": "ic1ih7oc1kh1sh2sw5",
    "dh": "ic1ih7oc1kh2dh4dw0",
    "dw": "ic1ih7oc1kh2dh0dw4",
    "pt": "ic1ih7oc1kh2ph5pw2",
    "pb": "ic1ih3iw4oh8ow5oc1kh1ph0",
    "pl": "ic1ih7oc1kh2ph2pw5",
    "pr": "ic1ih4iw3oh5ow8oc1kh1ph0",
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_size_that_is_too_large_is_named_with_its_limit(run, name):
    status, out, errors = run(ONE_TOO_MANY[name])
    assert (status, out) == (2, "")
    found = f"{name} is {LIMITS[name] + 1}, but a walkthrough shows at most {LIMITS[name]}"
    assert errors == f"refconv walk: {found}; 'refconv compare' takes it\n"


def test_a_layer_as_large_as_can_be_is_taken():
    layer = layer_of("mb2ic16ih16iw16oc24kh5kw5sh4sw4dh3dw3ph4pw4")
    assert {name: getattr(layer, name) for name in LIMITS} == LIMITS
