"""Text files of descriptors: what is read comes back, and what is wrong is one line."""

import os
import re

import pytest

from refconv import Geometry
from refconv.networks.files import MOST_BYTES, NetworkError, read

FIRST, SECOND = "g2mb3ic4ih11iw9oc6kh3kw2sh2sw1ph1pw0", "ic6ih12oc5kh4dh1ph2"


def written(folder, content):
    file = folder / "nets.v2.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_a_layer_for_each_descriptor_in_the_files_order(tmp_path):
    network = read(written(tmp_path, f"{FIRST}\n{SECOND}"))
    assert network.name == "nets.v2"
    assert [layer.geometry for layer in network.layers] == [
        Geometry.from_descriptor(FIRST),
        Geometry.from_descriptor(SECOND),
    ]
    assert not any(layer.bias or layer.batch_norm for layer in network.layers)
    assert network.macs == 3 * 6 * 6 * 8 * 2 * 3 * 2 + 5 * 10 * 10 * 6 * 4 * 4


LINES = {
    "a comment line": f"# both\n{FIRST}",
    "a comment behind": f"{FIRST} # first",
    "a comment right behind": f"{FIRST}#first",
    "empty lines and space": f"\n  \n\t{FIRST}  \n\n",
    "the ends of Windows": f"# one\r\n{FIRST}\r\n",
    "a mark in front": f"\ufeff{FIRST}\n",
    "a comment in another script": f"# свёртка\n{FIRST}",
}


@pytest.mark.parametrize("text", LINES.values(), ids=LINES)
def test_what_says_nothing_is_left_out(tmp_path, text):
    (layer,) = read(written(tmp_path, text)).layers
    assert layer.geometry == Geometry.from_descriptor(FIRST)


NAMES = {
    "in quotes": ('_n"stage 2, first"', "stage 2, first"),
    "with a mark in it": ('_n"conv#1"  # the first', "conv#1"),
    "without quotes": ("_nresnet:conv1*2", "resnet:conv1*2"),
    "with an n in it": ('n"in n"', "in n"),
    "empty": ('_n""', "line3"),
    "left out": ("", "line3"),
}


@pytest.mark.parametrize(("suffix", "name"), NAMES.values(), ids=NAMES)
def test_a_layer_has_the_name_that_its_descriptor_gives_it(tmp_path, suffix, name):
    (layer,) = read(written(tmp_path, f"# a\n\n{FIRST}{suffix}\n")).layers
    assert layer.name == name


BAD = {
    "no descriptor": (f"{FIRST}\n# two\nhello\n", r"line 3: descriptor 'hello' cannot be read"),
    "an impossible one": (f"\n{FIRST}\ng5ic4ih9oc5kh3", "line 3: x has 4 channels, which 5 groups"),
    "two on a line": (f"{FIRST} {SECOND}", "line 1: .* cannot be read from ' ic6"),
    "a quote without its twin": (f'{FIRST}_n"a # b\n', "line 1: .* cannot be read from"),
    "empty": ("", "holds no descriptor$"),
    "comments alone": ("# one\n\n  # two\n", "holds no descriptor$"),
    "bytes that are no text": (
        FIRST.encode() + b"\n#\n\x80\xff",
        "line 3: byte 0x80 is not UTF-8 text$",
    ),
    "zero bytes": (
        f"{FIRST}\n".encode() + b"\0" * 900,
        "line 2 holds characters that are not text$",
    ),
    "a program": (b"\x7fELF\x02\x01\x01\0\n\n", "line 1 holds characters that are not"),
    "a long one": ("ic4" * 300, r"line 1: descriptor 'ic4.*\.\.\.' gives ic twice$"),
    "a line of a megabyte": (
        FIRST + "\n" + "ic4" * 333_334,
        r"line 2 has 1,000,002 characters, but at most 1,000 are read$",
    ),
    "a line too long by one": ("#" * 1001, "line 1 has 1,001 characters"),
}


@pytest.mark.parametrize(("content", "match"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_line_that_names_it(tmp_path, content, match):
    file = written(tmp_path, content)
    with pytest.raises(NetworkError, match=match) as caught:
        read(file)
    message = str(caught.value)
    assert message.startswith(repr(str(file)))
    assert message.isprintable()
    assert len(message) < len(str(file)) + 500


def test_the_longest_line_is_read(tmp_path):
    line = FIRST + " #"
    (layer,) = read(written(tmp_path, line + "x" * (1000 - len(line)))).layers
    assert layer.geometry == Geometry.from_descriptor(FIRST)


def test_a_text_file_of_100_mb_is_refused_unread(tmp_path):
    file = tmp_path / "long.txt"
    with file.open("wb") as sparse:
        sparse.truncate(100_000_000)
    with pytest.raises(NetworkError, match=r"has 100,000,000 bytes, but at most 4,194,304"):
        read(file)


def test_the_limit_itself_is_read(tmp_path):
    comments = ("#" * 999 + "\n") * (MOST_BYTES // 1000 - 1)
    text = f"{FIRST}\n{comments}"
    text += "\n" * (MOST_BYTES - len(text))
    assert len(read(written(tmp_path, text)).layers) == 1
    with pytest.raises(NetworkError, match="has 4,194,305 bytes"):
        read(written(tmp_path, text + "\n"))


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing.txt")
    for path, match in (
        (tmp_path, "is not a file$"),
        (tmp_path / "pipe", "is not a file$"),
        (tmp_path / "missing.txt", "cannot be read: No such file or directory$"),
        (tmp_path / "nowhere", "cannot be read: No such file or directory$"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long$"),
    ):
        with pytest.raises(NetworkError, match=match) as caught:
            read(path)
        assert str(caught.value).startswith(repr(str(path)))


def test_a_path_with_a_line_end_makes_one_line(tmp_path):
    with pytest.raises(NetworkError, match=re.escape(r"two\nlines.txt' cannot be read")):
        read(tmp_path / "two\nlines.txt")
