"""Feature flags: who gets what, and what stays where it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policy.deciding import NOON
from turnout.types.flag import Audience, Flag, FlagMode, Setting, bucket, evaluate
from turnout.types.request import Caller

PLAIN = Flag(name="f")
STYLES = Flag(name="style", variants=("control", "terse", "long"), default="control")


def seen(
    setting: Setting, flag: Flag = PLAIN, draw: float = 0.5, user: str | None = None, tenant: str = "default"
) -> tuple[str, str]:
    value = evaluate(flag, setting, Caller(user=user, tenant=tenant), NOON, draw)
    return value.variant, value.reason


@pytest.mark.parametrize(
    ("setting", "user", "told"),
    [
        (Setting(), "u", ("off", "default")),
        (Setting(share={"on": 1.0}), "u", ("on", "in_share")),
        (Setting(share={"on": 1.0}), "", ("on", "in_share")),
        (Setting(share={"on": 0.0}), "u", ("off", "not_in_share")),
        (Setting(share={"on": 1.0}, killed=True), "u", ("off", "killed")),
        (Setting(share={"on": 1.0}, mode=FlagMode.OFF), "u", ("off", "off")),
        (Setting(share={"on": 1.0}, from_=NOON + timedelta(seconds=1)), "u", ("off", "not_yet")),
        (Setting(share={"on": 1.0}, from_=NOON), "u", ("on", "in_share")),
        (Setting(share={"on": 1.0}, until=NOON), "u", ("off", "over")),
        (Setting(lists={"on": Audience(users=frozenset({"u"}))}), "u", ("on", "user_listed")),
        (Setting(lists={"on": Audience(users=frozenset({"u"}))}), "v", ("off", "default")),
        (Setting(lists={"on": Audience(tenants=frozenset({"default"}))}), "v", ("on", "tenant_listed")),
        (Setting(share={"on": 1.0}, lists={"off": Audience(frozenset({"u"}))}), "u", ("off", "user_listed")),
    ],
)
def test_what_a_flag_is_follows_from_its_setting_alone(setting: Setting, user: str, told: tuple[str, str]) -> None:
    assert seen(setting, user=user) == told


def test_a_users_own_place_in_a_list_goes_before_its_tenants() -> None:
    lists = {"on": Audience(tenants=frozenset({"acme"})), "off": Audience(users=frozenset({"bob"}))}
    assert seen(Setting(lists=lists), user="bob", tenant="acme") == ("off", "user_listed")
    assert seen(Setting(lists=lists), user="ann", tenant="acme") == ("on", "tenant_listed")


def test_what_is_observed_is_evaluated_and_not_applied() -> None:
    value = evaluate(PLAIN, Setting(mode=FlagMode.OBSERVE, share={"on": 1.0}), Caller(user="u"), NOON, 0.5)
    assert (value.variant, value.seen, value.recorded) == ("off", "on", "observe:on")


@given(user=st.text(), small=st.floats(0, 1), more=st.floats(0, 1), draws=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_share_that_grows_takes_nobody_out_again(
    user: str, small: float, more: float, draws: tuple[float, float]
) -> None:
    small, more = sorted((small, more))
    before = seen(Setting(share={"on": small}), user=user or "u", draw=draws[0])
    after = seen(Setting(share={"on": more}), user=user or "u", draw=draws[1])
    assert before[0] == "off" or after[0] == "on"


@given(name=st.text(min_size=1), keys=st.sets(st.text(), min_size=2, max_size=2))
def test_a_place_is_in_range_and_depends_on_the_flag_and_the_key(name: str, keys: set[str]) -> None:
    one, other = keys
    assert 0 <= bucket(name, one) < 1
    assert len({bucket(name, one), bucket(name, other), bucket(f"{name}+", one)}) == 3


def test_shares_are_what_they_say_and_independent_between_flags() -> None:
    users = [f"user-{number}" for number in range(20_000)]
    setting = Setting(share={"terse": 0.2, "long": 0.3})
    counts = dict.fromkeys(STYLES.variants, 0)
    both = 0
    for user in users:
        counts[seen(setting, STYLES, user=user)[0]] += 1
        both += bucket("f", user) < 0.5 and bucket("g", user) < 0.5
    # Six standard deviations of a binomial count of 20,000 are below 430.
    assert counts["terse"] == pytest.approx(4_000, abs=430)
    assert counts["long"] == pytest.approx(6_000, abs=430)
    assert both == pytest.approx(5_000, abs=430)


def test_a_tenant_stays_together_and_a_request_is_drawn_for_itself() -> None:
    setting = Setting(share={"on": 0.5})
    by_tenant, by_request = Flag(name="f", by="tenant"), Flag(name="f", by="request")
    draws = [number / 200 for number in range(200)]
    for tenant in ("a", "b", "c"):
        assert len({seen(setting, by_tenant, draw, tenant=tenant, user=str(draw)) for draw in draws}) == 1
    assert {seen(setting, by_request, draw, user="u")[0] for draw in draws} == {"off", "on"}
    assert {seen(setting, PLAIN, draw)[0] for draw in draws} == {"off", "on"}
