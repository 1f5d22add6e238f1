"""The query hash: the same for the same conversation, nothing to whoever lacks the key."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import ConfigError
from turnout.features.query_hash import load_or_create_key, query_hash
from turnout.types.request import Said

KEY = b"k" * 32


def test_it_is_the_hmac_of_the_canonical_messages() -> None:
    said = (Said("system", "Be kind."), Said("user", "Grüße"))
    canonical = json.dumps([["system", "Be kind."], ["user", "Grüße"]], separators=(",", ":"), ensure_ascii=False)
    assert query_hash(said, KEY) == hmac.new(KEY, canonical.encode(), hashlib.sha256).hexdigest()


_TURNS = st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text(max_size=5)), max_size=4)


@given(_TURNS, _TURNS)
def test_it_is_equal_exactly_for_equal_conversations(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    hashes = [query_hash([Said(*turn) for turn in turns], KEY) for turns in (one, other)]
    assert (hashes[0] == hashes[1]) == (one == other)


def test_another_key_gives_another_hash() -> None:
    assert query_hash([Said("user", "hi")], KEY) != query_hash([Said("user", "hi")], b"x" * 32)


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "data" / "query-hash.key"
    key = load_or_create_key(file)
    assert len(key) == 32
    assert load_or_create_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["query-hash.key"]


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from turnout.features.query_hash import load_or_create_key as key;"
    script += "sys.stdin.read(); print(key(Path(sys.argv[1])).hex())"
    file = str(tmp_path / "query-hash.key")
    started = [
        subprocess.Popen([sys.executable, "-c", script, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    keys = set()
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    for process in started:
        assert process.stdout is not None
        keys.add(process.stdout.read())
        process.stdout.close()
        assert process.wait() == 0
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64


@pytest.mark.parametrize("content", ["", "not hexadecimal", "abcd\n", "\xff"])
def test_a_file_that_holds_no_key_is_an_error_and_is_left_alone(tmp_path: Path, content: str) -> None:
    file = tmp_path / "query-hash.key"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(ConfigError, match="does not hold a key"):
        load_or_create_key(file)
    assert file.read_text(encoding="latin-1") == content


def test_a_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be kept.*ledger\.directory"):
        load_or_create_key(tmp_path / "file" / "data" / "key")
