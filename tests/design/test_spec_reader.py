"""Reading a design file: YAML without its traps, and one message for each thing that can be wrong with a file."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navarch.design import DesignError, read_design
from navarch.design.reader import SIZE_LIMIT, read_mapping

GOOD = "name: A\nworkload:\n  model: llama3.1-8b\n"


def refused(tmp_path: Path, content: str | bytes) -> str:
    file = tmp_path / "design.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DesignError) as caught:
        read_design(file)
    assert str(caught.value).startswith(f"{file}: ")
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("012", 12),
        ("1e9", 1e9),
        ("-.5", -0.5),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("=", "="),
    ],
)
def test_words_are_what_they_look_like(written: str, read: object) -> None:
    content, lines = read_mapping(f"# a comment\nkey: {written}\n")
    assert content == {"key": read}
    assert type(content["key"]) is type(read)
    assert lines == {"key": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("[1, 2]", "holds a list"),
        ("just text", "holds a single value"),
        (GOOD + "name: B\n", "name: is given twice, in lines 1 and 4"),
        (GOOD + "site:\n  pue: 1.1\n  pue: 1.2\n", "site.pue: is given twice, in lines 5 and 6"),
        ("name: &a A\nsummary: *a\n", "name (line 1): YAML anchors and aliases"),
        ("&a name: A\n", "anchors and aliases"),
        ("name: !!python/object/apply:os.system [ls]\n", "the YAML tag !!python/object/apply:os.system is not allowed"),
        ("name: !secret A\n", "the YAML tag !secret is not allowed"),
        (GOOD + "---\nname: B\n", "line 4): a second document starts"),
        (GOOD + "<<: {a: 1}\n", "merge keys"),
        ("? [a, b]\n: c\n", "stands where a key should be"),
        ('name: "A\n', "line 2, column 1: not valid YAML"),
        ("name: A\n\tx: B\n", "line 2, column 1: not valid YAML"),
        ("name: {a: 1\n", "not valid YAML"),
        ("name: A\x00\n", "control character"),
        (b"name: \xff\n", "line 1: byte 0xff is not UTF-8"),
        ("[" * 100_000, "nested more than 16 deep"),
        ("name: " + "[" * 20 + "]" * 20, "nested more than 16 deep"),
        (GOOD + "site: {pue: [1]}\n", "site.pue (line 4): [1] is a list"),
        (GOOD + "colour: red\n", "colour (line 4): is not a known key"),
    ],
)
def test_a_bad_file_gets_one_message(tmp_path: Path, content: str | bytes, said: str) -> None:
    message = refused(tmp_path, content)
    assert said in message
    assert "Traceback" not in message


def test_a_large_file_is_refused_at_once(tmp_path: Path) -> None:
    begin = time.perf_counter()
    assert "is larger than 1 MB" in refused(tmp_path, "a: 1\n" * 2_000_000)
    assert time.perf_counter() - begin < 1
    assert len(GOOD + "#" * (SIZE_LIMIT - len(GOOD))) == SIZE_LIMIT
    file = tmp_path / "just.yaml"
    file.write_text(GOOD + "#" * (SIZE_LIMIT - len(GOOD)))
    assert read_design(file).name == "A"


def test_a_bomb_of_aliases_costs_nothing(tmp_path: Path) -> None:
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 20))
    assert "anchors and aliases" in refused(tmp_path, f"a0: &a0 x\n{levels}\n")


def test_what_is_no_readable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="there is no such file"):
        read_design(tmp_path / "none.yaml")
    with pytest.raises(DesignError, match="is a folder"):
        read_design(tmp_path)
    with pytest.raises(DesignError, match="is not a file name"):
        read_design("a\0b")
    with pytest.raises(DesignError, match="cannot be read"):
        read_design(tmp_path / ("x" * 5000))


def test_a_file_without_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    file = tmp_path / "secret.yaml"
    file.write_text(GOOD)
    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(DesignError, match="cannot be read: Permission denied"):
        read_design(file)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_design(file).name == "A"


@given(st.text(max_size=200))
def test_any_text_is_a_mapping_or_a_design_error(text: str) -> None:
    content: object = {}
    with contextlib.suppress(DesignError):
        content, _ = read_mapping(text)
    assert isinstance(content, dict)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_design_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("any") / "a.yaml"
    file.write_bytes(data)
    with pytest.raises(DesignError):
        read_design(file)
