"""What a sound configuration means."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.configs import BASE, ENV, loaded, with_routes
from turnout.config.load import load_config, load_config_text
from turnout.config.policies import Chain
from turnout.errors import ConfigError, ConfigErrors
from turnout.types.dialect import DialectName


def test_a_known_provider_needs_no_more_than_its_name() -> None:
    providers = load_config_text(BASE + "  r: {policy: haiku}\n", ENV).providers
    assert providers["anthropic"].dialect is DialectName.ANTHROPIC_MESSAGES
    assert providers["anthropic"].base_url == "https://api.anthropic.com"
    assert providers["anthropic"].api_key == "sk-ant-canary"
    assert providers["anthropic"].key_from == "ANTHROPIC_API_KEY"
    assert "canary" not in repr(providers)


def test_what_the_configuration_says_of_a_known_provider_overrules_the_table() -> None:
    text = """\
        providers: {openai: {base_url: "http://127.0.0.1:9/v1/", api_key: "${MINE}", stream_usage: false}}
        targets: {a: {provider: openai}}
    """
    provider = load_config_text(text, {**ENV, "MINE": "mine"}).providers["openai"]
    assert (provider.base_url, provider.api_key, provider.stream_usage) == ("http://127.0.0.1:9/v1", "mine", False)
    assert provider.key_from is None


def test_a_server_of_ones_own_is_called_as_its_dialect_is() -> None:
    text = """\
        providers:
          local: {dialect: anthropic, base_url: http://127.0.0.1:9}
          open: {dialect: openai, base_url: http://127.0.0.1:9/v1, api_key: "${NONE:-}"}
        targets: {a: {provider: local}, b: {provider: open}}
    """
    providers = load_config_text(text, {}).providers
    assert providers["local"].known.auth.headers("k") == {"x-api-key": "k"}
    assert providers["open"].api_key is None


def test_variables_are_put_into_values_and_stay_text_when_escaped() -> None:
    text = (
        BASE + "  r: {policy: '${WHO:-haiku}'}\nserver: {port: '${PORT}', host: '${EMPTY:-::1}', keys: ['a$${b}$']}\n"
    )
    config = load_config_text(text, {**ENV, "PORT": "81", "EMPTY": ""}).config
    assert config.routes["r"].policy == "haiku"
    assert (config.server.port, config.server.host) == (81, "::1")
    assert [each.key.get_secret_value() for each in config.server.callers] == ["a${b}$"]


def test_words_that_yaml_takes_for_something_else_stay_words() -> None:
    config = loaded(
        """\
        on:
          lists: {no: [yes, off, "22:30"]}
          policy: {rules: [{name: "1", when: {matches: no, language: no, hour: 22-6}, use: haiku}]}
        """
    ).config
    assert config.routes["on"].phrases() == {"no": ("yes", "off", "22:30")}


def test_anchors_and_merges_work_and_own_keys_come_first() -> None:
    config = loaded(
        """\
        a: &base {policy: haiku, timeouts: &t {connect: 2s}, baseline: sonnet}
        b: {<<: *base, policy: sonnet, timeouts: {<<: *t, total: 9s}}
        """
    ).config
    b = config.routes["b"]
    assert (b.policy, b.baseline, b.timeouts.connect, b.timeouts.total) == ("sonnet", "sonnet", 2.0, 9.0)


def test_phrase_files_are_read_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "faq.txt").write_text("# what people ask\nopening hours\n\n  reset my password  \n", encoding="utf-8")
    (tmp_path / "t.yaml").write_text(with_routes("r: {policy: haiku, lists: {faq: {file: faq.txt}}}\n"))
    assert load_config(tmp_path / "t.yaml", ENV).config.routes["r"].phrases() == {
        "faq": ("opening hours", "reset my password")
    }


def test_the_file_is_the_one_named_else_the_variables_else_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("turnout", "named", "variable"):
        (tmp_path / f"{name}.yaml").write_text(with_routes(f"{name}: {{policy: haiku}}\n"))
    assert list(load_config(None, ENV).config.routes) == ["turnout"]
    env = {**ENV, "TURNOUT_CONFIG": "variable.yaml"}
    assert list(load_config(None, env).config.routes) == ["variable"]
    assert list(load_config("named.yaml", env).config.routes) == ["named"]


def test_without_a_file_the_keys_in_the_environment_make_a_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    both = load_config(None, ENV)
    assert both.file is None
    policy = both.config.routes["auto"].policy
    assert isinstance(policy, Chain)
    used = [both.config.targets[str(target)].provider for target in policy.root]
    assert used == ["anthropic", "openai"]
    only = load_config(None, {"OPENAI_API_KEY": "k"}).config
    assert list(only.providers) == ["openai"]
    assert only.routes["gpt-*"].policy == "openai-any"
    assert only.targets["openai-any"].model is None


def test_without_a_file_or_a_key_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no provider's key.*ANTHROPIC_API_KEY.*turnout init"):
        load_config(None, {})


def test_a_provider_that_no_target_uses_may_lack_its_key() -> None:
    text = "providers: {openai: {}, groq: {}}\ntargets: {a: {provider: openai}}\n"
    assert load_config_text(text, {"OPENAI_API_KEY": "k"}).providers["groq"].api_key is None
    with pytest.raises(ConfigErrors, match="OPENAI_API_KEY"):
        load_config_text(text, {})


def test_versions_follow_what_decisions_depend_on_and_nothing_else(tmp_path: Path) -> None:
    from turnout.config.compile import compile_routes

    def versions(routes: str, env: dict[str, str] = ENV) -> tuple[str, str]:
        config = loaded(routes, env)
        route = compile_routes(config).find("r")
        assert route is not None
        return config.version, route.policy_version

    plain = versions("r: {policy: haiku}")
    assert versions("r:\n  # said otherwise\n  policy: 'haiku'\n") == plain
    assert versions("r: {policy: haiku}", {**ENV, "OPENAI_API_KEY": "rotated"}) == plain
    timed = versions("r: {policy: haiku, timeouts: {total: 9s}}")
    assert timed[0] != plain[0]
    assert timed[1] == plain[1]
    listed = versions("r: {policy: haiku, lists: {a: [b]}}")
    assert listed[1] != plain[1]
    assert versions("r: {policy: haiku, lists: {a: [c]}}")[1] != listed[1]


def test_a_phrase_files_content_is_part_of_the_version(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(with_routes("r: {policy: haiku, lists: {faq: {file: faq.txt}}}\n"))
    versions = set()
    for phrase in ("one", "two"):
        (tmp_path / "faq.txt").write_text(phrase)
        versions.add(load_config(tmp_path / "t.yaml", ENV).version)
    assert len(versions) == 2


def test_sizes_are_bytes_with_or_without_a_unit() -> None:
    def limit(written: str) -> int:
        text = BASE + "  r: {policy: haiku}\nserver: {limits: {max_body: " + written + "}}\n"
        return load_config_text(text, ENV).config.server.limits.max_body

    assert [limit(written) for written in ("1024", "32MB", "1.5 KiB")] == [1024, 32_000_000, 1536]


def test_numbers_keep_their_value_in_every_notation() -> None:
    text = """\
        providers: {openai: {}}
        targets: {a: {provider: openai, context_tokens: 0x10, price: {input: 0.10, output: 1e-1}}}
        server: {port: +81}
    """
    config = load_config_text(text, ENV).config
    price = config.targets["a"].price
    assert price is not None
    assert (str(price.input), str(price.output)) == ("0.1", "0.1")
    assert (config.targets["a"].context_tokens, config.server.port) == (16, 81)


def test_the_data_directory_is_the_one_given_else_the_configured_one() -> None:
    config = load_config_text(BASE + "  r: {policy: haiku}\nledger: {directory: /data}\n", ENV)
    assert config.data_directory() == Path("/data")
    assert config.data_directory("/other") == Path("/other")
