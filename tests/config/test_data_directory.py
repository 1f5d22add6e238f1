"""Where decisions are kept is found in one way by whoever writes them and whoever reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout.config.load import find_data_directory, load_config

SOUND = "targets: {m: {provider: ollama, model: small}}\nproviders: {ollama: {}}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (SOUND, Path(".turnout")),
        (SOUND + "ledger: {directory: kept}\n", Path("kept")),
        ("ledger: {directory: kept}\ntargets: {m: {provider: nowhere}}\n", Path("kept")),
        ("ledger: [", Path(".turnout")),
        ("ledger: {}", Path(".turnout")),
        ("- a list", Path(".turnout")),
    ],
)
def test_a_reader_finds_it_be_the_configuration_sound_or_not(
    text: str, found: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "turnout.yaml").write_text(text, encoding="utf-8")
    assert find_data_directory(env={}).absolute() == tmp_path / found
    assert find_data_directory("given", env={}) == Path("given")


def test_it_is_relative_to_the_configuration_for_the_writer_too(tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(SOUND + "ledger: {directory: kept}\n", encoding="utf-8")
    assert load_config(file, env={}).data_directory() == tmp_path / "kept"
    assert load_config(file, env={}).data_directory("given") == Path("given")
