"""Every mistake in a configuration is told with its line, its key and what to change; all of them at once."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.configs import BASE, ENV, with_routes
from turnout.config.load import load_config, load_config_text
from turnout.errors import ConfigError, ConfigErrors


def errors_of(text: str, env: dict[str, str] | None = None) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(ConfigErrors) as raised:
        load_config_text(text, ENV if env is None else env)
    return [(error.line, error.key, f"{error.problem} {error.fix}".strip()) for error in raised.value.errors]


POLICY = (
    "a policy is a target's name, a list, or a mapping with one key: rules, weighted, fastest, cheapest, best, "
    "fallback, cascade, classifier, budget, flag, explore. Write a target's name, [first, second], or one of the keys."
)

IN_ROUTE = [
    (
        "policy: {cascade: [{use: haiku, accept: {confidence: 1}}, {use: sonnet, accept: {confidence: 1}}]}",
        10,
        "policy",
        "the last stage cannot be refused. Remove its `accept`: nothing would answer after it.",
    ),
    (
        "policy: haiku\nlists: {faq: {file: /no/such.txt}}",
        11,
        "lists.faq",
        "the phrase list /no/such.txt cannot be read: No such file or directory. It was looked for at /no/such.txt.",
    ),
    # a route's lines (the first is line 9), then each error: line, key below the route, what is told
    ("policy: haku", 10, "policy", "unknown target 'haku'. Did you mean 'haiku'?"),
    ("polcy: haiku\npolicy: haiku", 10, "polcy", "unknown key 'polcy'. Did you mean 'policy'?"),
    ("baseline: haiku", 9, "policy", "'policy' is missing. Add it."),
    ("policy: []", 10, "policy", "it needs 1 or more. Add what is missing."),
    ("policy:\n  - sonnet\n  - gpt-4", 12, "policy.1", "unknown target 'gpt-4'. Did you mean 'gpt-4o'?"),
    ("policy: {rules: [{name: a}]}", 10, "policy.rules.0.use", "'use' is missing. Add it."),
    (
        "policy: {rules: [{name: a, use: haiku}, {name: a, use: haiku}]}",
        10,
        "policy",
        "two rules are called 'a'. Give each rule a name of its own: records tell them apart by it.",
    ),
    (
        "policy: {dearest: [haiku]}",
        10,
        "policy",
        POLICY,
    ),
    (
        "policy: {fallback: [haiku], rules: []}",
        10,
        "policy",
        POLICY,
    ),
    (
        "policy: {weighted: [{use: haiku, weight: 0}]}",
        10,
        "policy",
        "no branch has a weight above 0 of its own. Give at least one a number above 0.",
    ),
    (
        "policy: {weighted: [{use: haiku, weight: much}]}",
        10,
        "policy.weighted.0.weight",
        "it should be a valid number. Write a number.",
    ),
    (
        "policy: {cascade: [{use: haiku, accept: {by: c.json}}, {use: sonnet}]}",
        10,
        "policy.cascade.0.accept",
        (
            "it takes one of `confidence` and `worth`. Write {confidence: 0.85}, or {worth: 0.01, by: "
            "calibrations/ROUTE.json}."
        ),
    ),
    (
        "policy: {cascade: [{use: haiku, accept: {worth: 0.01}}, {use: sonnet}]}",
        10,
        "policy.cascade.0.accept",
        (
            "`worth` needs `by`: what a better answer costs is told by a calibration. Make one: turnout calibrate "
            "ROUTE --labels FILE --quality-loss 0.02 --by gain."
        ),
    ),
    (
        (
            "policy: {cascade: [{use: haiku, accept: {worth: 0.01, by: c.json, gate: {by: g.json, release: 0.9}}}, "
            "{use: sonnet}]}"
        ),
        10,
        "policy.cascade.0.accept",
        "`gate` goes with `confidence`, and not with `worth`. Remove one of them.",
    ),
    (
        (
            "policy: {cascade: [{use: haiku, accept: {worth: 0.01, by: c.json}}, {use: gpt-4o, accept: "
            "{confidence: 0.9}}, {use: sonnet}], escalate: {at_most: 0.1}}"
        ),
        10,
        "policy",
        (
            "under a bound on escalations all stages judge alike: by `confidence`, or by `worth`. Give every `accept` "
            "the same one, or remove `escalate`."
        ),
    ),
    (
        "policy: {cascade: [{use: haiku}, {use: sonnet}]}",
        10,
        "policy",
        "a stage before the last needs `accept`. Write accept: {confidence: 0.85}; else its answer is always kept.",
    ),
    (
        "policy: {cascade: [{use: haiku, accept: {confidence: 85}}, {use: sonnet}]}",
        10,
        "policy.cascade.0.accept.confidence",
        "it should be less than or equal to 1.",
    ),
    (
        "policy: haiku\ntimeouts:\n  total: 120",
        12,
        "timeouts.total",
        "a duration is a number with a unit (ms, s, m, h or d). Write it like 120s or 800ms.",
    ),
    (
        "policy: haiku\ntimeouts: {frist_token: 5s}",
        11,
        "timeouts.frist_token",
        "unknown key 'frist_token'. Did you mean 'first_token'?",
    ),
    (
        "policy: haiku\ncommit: never",
        11,
        "commit",
        "it should be 'first_token' or 'finish'. Write one of them.",
    ),
    ("policy: haiku\ncommit: {tokens: 0}", 11, "commit.tokens", "it should be greater than or equal to 1."),
    ("policy: haiku\nlists: {faq: hello}", 11, "lists.faq", "it should be a valid list. Write a list: [one, two]."),
    ("policy: haiku\nlists: {faq: [' ']}", 11, "lists.faq.0", "it is empty. Write something, or remove it."),
]


@pytest.mark.parametrize(("lines", "line", "key", "told"), IN_ROUTE, ids=[case[0] for case in IN_ROUTE])
def test_a_mistake_in_a_route_is_told_at_its_line(lines: str, line: int, key: str, told: str) -> None:
    text = with_routes("r:\n" + "".join(f"  {each}\n" for each in lines.splitlines()))
    expected = (line, f"routes.r.{key}", told)
    # Without a file there is no line 1 to fall back to, and lines are the text's own.
    assert errors_of(text) == [expected]


WHEN = [
    ("latency_budget: {}", "latency_budget", "a range needs a bound. Give `min`, `max` or both."),
    ("latency_budget: {max: 0s}", "latency_budget.max", "a duration is more than 0. Write it like 5s or 800ms."),
    ("tokens: 200", "tokens", "a range is needed, not a number. Write {max: 200} or {min: 200}."),
    ("tokens: {}", "tokens", "a range needs a bound. Give `min`, `max` or both."),
    ("tokens: {max: many}", "tokens.max", "it should be a valid integer. Write a whole number."),
    ("tokns: {max: 1}", "tokns", "unknown key 'tokns'. Did you mean 'tokens'?"),
    ("matches: fqa", "matches", "unknown phrase list 'fqa'. Did you mean 'faq'?"),
    ("matches: [faq, other]", "matches.1", "unknown phrase list 'other'. Known: faq."),
    ("not: {flag: x}", "not.flag", "unknown flag 'x'. Declare it under `flags`."),
    (
        "any: [{budget_left: {}}]",
        "any.0.budget_left",
        "a range needs a bound. Give `min`, `max` or both: {max: 20%}.",
    ),
    (
        "latency_budget: {max: 800}",
        "latency_budget.max",
        "a duration is a number with a unit (ms, s, m, h or d). Write it like 800s or 800ms.",
    ),
    ("hour: 24", "hour", "an hour is 0 to 23, or a range of two that differ. Write it like 9-17 or 22-6."),
    ("hour: 9-9", "hour", "an hour is 0 to 23, or a range of two that differ. Write it like 9-17 or 22-6."),
    (
        "hour: {in: 9-17, timezone: Berlin}",
        "hour",
        "unknown time zone 'Berlin'. Use a name such as UTC or Europe/Berlin.",
    ),
    ("language: english", "language", "a language is an ISO 639-1 code. Write two lower-case letters: en, de, fr."),
    ("images: some", "images", "it should be a mapping. Write `key: value` lines, indented."),
]


@pytest.mark.parametrize(("when", "key", "told"), WHEN, ids=[case[0] for case in WHEN])
def test_a_mistake_in_a_condition_is_told_at_its_line(when: str, key: str, told: str) -> None:
    text = with_routes(
        f"""\
        r:
          lists: {{faq: [hello]}}
          policy:
            rules:
              - name: first
                when: {{{when}}}
                use: haiku
        """
    )
    assert errors_of(text) == [(14, f"routes.r.policy.rules.0.when.{key}", told)]


WHOLE = [
    (
        "providers:\n  x: {dialect: openai, base_url: 'http://[oops/v1'}\ntargets:\n  a: {provider: x}\n",
        0,
        2,
        "providers.x.base_url",
        "not a base URL. Write http:// or https://, a host and a path; no key, query or fragment belongs in it.",
    ),
    (
        f"{BASE}  ? [a, b]\n  : {{policy: haiku}}\n",
        0,
        9,
        "routes",
        "a key must be plain text. Quote it if it starts with [ or {.",
    ),
    (
        f"{BASE}  r: {{policy: haiku, <<: [1]}}\n",
        0,
        9,
        "routes.r",
        "'<<' takes a mapping, or a list of them. Name an anchor: `<<: *name`.",
    ),
    ("", 0, None, "targets", "'targets' is missing. Add it."),
    ("- a\n", 0, None, None, "a configuration is a mapping. Start with `targets:`."),
    (f"{BASE}  r: {{policy: haiku}}\nservr: {{}}\n", 0, 10, "servr", "unknown key 'servr'. Did you mean 'server'?"),
    (
        f"{BASE}  r: {{policy: haiku}}\n  r: {{policy: sonnet}}\n",
        0,
        10,
        "routes.r",
        "'r' is given twice; the first is on line 9. Remove one of them.",
    ),
    (
        "providers:\n  antropic: {}\ntargets:\n  a: {provider: antropic}\n",
        0,
        2,
        "providers.antropic",
        "the provider 'antropic' is not a known one, so it needs `dialect` and `base_url`. Did you mean 'anthropic'?",
    ),
    (
        "targets:\n  a: {provider: openai}\n",
        0,
        2,
        "targets.a.provider",
        "unknown provider 'openai'. Add `openai: {}` under providers.",
    ),
    (
        "providers:\n  x: {dialect: openai, base_url: llama:8000}\ntargets:\n  a: {provider: x}\n",
        0,
        2,
        "providers.x.base_url",
        "not a base URL. Write http:// or https://, a host and a path; no key, query or fragment belongs in it.",
    ),
    (
        "providers:\n  azure: {}\ntargets:\n  a: {provider: azure}\n",
        0,
        2,
        "providers.azure",
        "the provider 'azure' needs `base_url`. Everyone has their own there.",
    ),
    (
        "providers:\n  groq: {}\ntargets:\n  a: {provider: groq}\n",
        0,
        2,
        "providers.groq",
        "the provider 'groq' has no key. Set GROQ_API_KEY, or give `api_key`.",
    ),
    (
        f"{BASE}  r: {{policy: haiku}}\nserver:\n  port: ${{PORT}}\n",
        0,
        11,
        "server.port",
        "the environment variable PORT is not set. Set it, or give a default: ${PORT:-...}.",
    ),
    (
        f"{BASE}  r: {{policy: '${{oops'}}\n",
        0,
        9,
        "routes.r.policy",
        "'${' does not begin a variable. Write ${NAME}, or $${ for a plain ${.",
    ),
    (
        "targets:\n  ${NAME}: {provider: openai}\nproviders: {openai: {}}\n",
        0,
        2,
        "targets",
        "a key cannot hold an environment variable. Write the key out.",
    ),
    (
        f"{BASE}  r: {{policy: haiku}}\nserver: {{limits: {{max_body: 10 apples}}}}\n",
        0,
        10,
        "server.limits.max_body",
        "a size is a number of bytes with a unit (kB, MB, GB, KiB, MiB, GiB). Write it like 32MB.",
    ),
    (
        f"{BASE}  r: {{policy: haiku}}\nserver:\n  admin_keys:\n    - {{name: ops, key: short}}\n",
        0,
        12,
        "server.admin_keys.0.key",
        "an admin key has 16 characters or more. Make one: `openssl rand -hex 24`.",
    ),
    (
        f"{BASE}  r: {{policy: haiku}}\nserver: {{keys: [{'k' * 16}], admin_keys: [{{name: ops, key: {'k' * 16}}}]}}\n",
        0,
        10,
        "server",
        "a key is in both keys and admin_keys. Callers and admins need keys of their own.",
    ),
    (
        (
            f"{BASE}  r: {{policy: haiku}}\n"
            f"server: {{admin_keys: [{{name: ops, key: {'k' * 16}}}, {{name: ops, key: {'l' * 16}}}]}}\n"
        ),
        0,
        10,
        "server",
        "two admin_keys have the same name or key. Give each holder a name and a key of their own.",
    ),
    (
        f"{BASE}  r: {{policy: !!python/name:os.system haiku}}\n",
        0,
        9,
        "routes.r.policy",
        "the tag tag:yaml.org,2002:python/name:os.system is not supported. Remove it.",
    ),
    (
        f"{BASE}  r: !route {{policy: haiku}}\n",
        0,
        9,
        "routes.r",
        "the tag !route is not supported. Remove it.",
    ),
]


@pytest.mark.parametrize(("text", "index", "line", "key", "told"), WHOLE, ids=[case[0] or "empty" for case in WHOLE])
def test_a_mistake_anywhere_is_told_at_its_line(text: str, index: int, line: int | None, key: str, told: str) -> None:
    assert errors_of(text)[index] == (line, key, told)


SYNTAX = [
    ("targets: [a\n", 2, "expected"),
    ("targets:\n\tsonnet: {}\n", 2, "tabs"),
    ("targets:\n  a: {}\n b: {}\n", 3, "indented otherwise"),
    ("server: {keys: [${KEY}]}\n", 1, "a variable needs quotes"),
    ("targets: 'open\n", 2, "quote"),
    ("targets:\n  a: b: c\n", 2, "mapping values"),
    ("targets: *nowhere\n", 1, "undefined alias"),
    ("a: \x07\n", None, "character"),
]


@pytest.mark.parametrize(("text", "line", "word"), SYNTAX)
def test_what_is_not_yaml_is_told_at_its_line(text: str, line: int | None, word: str) -> None:
    ((found, _, told),) = errors_of(text)
    assert found == line
    assert word in told


def test_all_mistakes_are_told_in_one_pass_in_the_order_of_the_lines(tmp_path: Path) -> None:
    file = tmp_path / "turnout.yaml"
    file.write_text(
        with_routes(
            """\
            r:
              baseline: sonet
              policy: {rules: [{name: a, when: {tokens: 5, matches: none}, use: haku}]}
              timeouts: {connect: 1}
            """
        )
        + "server: {prot: 1, port: x}\n"
    )
    with pytest.raises(ConfigErrors) as raised:
        load_config(file, ENV)
    told = str(raised.value).splitlines()
    assert [line.partition(": ")[0] for line in told] == [f"{file}:{line}" for line in (10, 11, 11, 11, 12, 13, 13)]
    assert told[0] == f"{file}:10: routes.r.baseline: unknown target 'sonet'. Did you mean 'sonnet'?"


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: there is no such file\..*turnout init .*none\.yaml"):
        load_config(tmp_path / "none.yaml", {})
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="it is not UTF-8 text"):
        load_config(tmp_path / "latin.yaml", {})
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path, {})


CANARY = "sk-canary-7f3a"


@pytest.mark.parametrize(
    "text",
    [
        f"{BASE}  r: {{policy: '${{SECRET}}'}}\n",
        f"{BASE}  r: {{policy: haiku, baseline: '${{SECRET}}', timeouts: {{total: '${{SECRET}}'}}}}\n",
        f"{BASE}  r: {{policy: haiku, commit: '${{SECRET}}'}}\nserver: {{port: '${{SECRET}}', keys: '${{SECRET}}'}}\n",
        f"{BASE}  r: {{policy: {{rules: [{{name: a, when: {{matches: '${{SECRET}}'}}, use: haiku}}]}}}}\n",
        (
            "providers: {x: {dialect: '${SECRET}', base_url: '${SECRET}', api_key: "
            "['${SECRET}']}}\ntargets: {a: {provider: '${SECRET}'}}\n"
        ),
        f"providers: {{openai: {{api_key: {{a: {CANARY}}}}}}}\ntargets: {{a: {{provider: openai}}}}\n",
        f"providers: {{openai: {{base_url: 'http://u:{CANARY}@host'}}}}\ntargets: {{a: {{provider: openai}}}}\n",
    ],
)
def test_no_error_repeats_a_secret(text: str) -> None:
    with pytest.raises(ConfigErrors) as raised:
        load_config_text(text, {**ENV, "SECRET": CANARY})
    assert CANARY not in str(raised.value) + repr(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_an_alias_of_itself_and_a_bomb_of_aliases_are_refused() -> None:
    assert "endless" in errors_of("targets: &a\n  b: *a\n")[0][2]
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert any("far too large" in told for _, _, told in errors_of(bomb))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_no_text_whatever_raises_anything_but_a_configuration_error(text: str) -> None:
    with contextlib.suppress(ConfigError):
        load_config_text(text, ENV)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["haiku", "sonnet", "openai", "5s", "x"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["policy", "rules", "when", "use", "name", "not", "any", "hour", "in", "lists", "matches",
                             "weighted", "weight", "cascade", "accept", "timeouts", "total", "commit", "file", "header",
                             "tokens", "max", "fallback", "language", "images"]), inner, max_size=4),
    ),
    max_leaves=25,
)  # fmt: skip


@given(_JSON, _JSON)
def test_no_shape_whatever_raises_anything_but_a_configuration_error(route: object, provider: object) -> None:
    import json

    text = json.dumps({"providers": {"openai": {}, "x": provider}, "targets": {"haiku": {"provider": "openai"}}})
    text = f"{text[:-1]}, {json.dumps({'routes': {'r': route}})[1:]}"
    with contextlib.suppress(ConfigError):
        load_config_text(text, ENV)
