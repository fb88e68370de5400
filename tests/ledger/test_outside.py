"""JSON from outside: too deep or too long is refused in a sentence, and never takes the process with it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InputError
from ledger.outside import MOST_DEPTH, json_of, read_json

DEEP = 200_000


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
@pytest.mark.parametrize("before", ["", '["\\"[", ', '{"]": [], "b": '])
def test_two_hundred_thousand_brackets_are_refused_by_name(opening: str, before: str) -> None:
    with pytest.raises(InputError, match="brackets inside brackets"):
        json_of(before + opening * DEEP)


def test_it_holds_where_another_library_has_raised_the_limit_of_the_reader(tmp_path: Path) -> None:
    file = tmp_path / "deep.json"
    file.write_text("[" * DEEP, encoding="utf-8")
    program = """
        import sys
        from pathlib import Path
        from ledger.errors import InputError
        from ledger.outside import read_json
        sys.setrecursionlimit(1_000_000)
        try:
            read_json(Path(sys.argv[1]))
        except InputError as refused:
            print(refused)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "brackets inside brackets" in done.stdout


def test_one_bracket_more_than_the_most_is_refused_and_the_most_is_read() -> None:
    assert json_of("[" * MOST_DEPTH + "]" * MOST_DEPTH)
    with pytest.raises(InputError, match="brackets inside brackets"):
        json_of("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1))


def test_a_long_text_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="longer than 10 bytes"):
        json_of("[1,2,3,4,5]", most_bytes=10)
    file = tmp_path / "long.json"
    file.write_text("[1,2,3,4,5]", encoding="utf-8")
    with pytest.raises(InputError, match="longer than 10 bytes"):
        read_json(file, most_bytes=10)


@pytest.mark.parametrize(
    "content", ["", "{", '{"a": NaN}', "[Infinity]", '"\\', '["' + '\\"' * DEEP, b"\xff", b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_is_refused(content: str | bytes) -> None:
    with pytest.raises(InputError, match="no JSON"):
        json_of(content)


def test_brackets_inside_a_text_do_not_count() -> None:
    text = "[" * DEEP + '"'
    assert json_of(json.dumps({text: [text]})) == {text: [text]}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
        max_leaves=20,
    )
)
def test_whatever_is_written_is_read_back(content: object) -> None:
    assert json_of(json.dumps(content)) == content
    assert json_of(json.dumps(content, ensure_ascii=False, indent=1).encode()) == content
