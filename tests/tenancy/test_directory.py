"""Keys as they are presented, and who is known to hold them."""

from __future__ import annotations

import re
import sqlite3
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.errors import InvalidRequest, Overloaded, TenancyError, Unauthenticated
from turnout.tenancy.desk import Desk, Made
from turnout.tenancy.directory import Directory
from turnout.tenancy.keys import Key, new_id, new_secret, read, written
from turnout.tenancy.store import TenancyStore
from turnout.testing import FrozenClock
from turnout.types.tenant import Tenant

HOUR = timedelta(hours=1)


class Setting:
    """A store with the tenants `acme` and `globex`, and a directory that knows them."""

    def __init__(self, data: Path) -> None:
        self.clock = FrozenClock()
        self.store = TenancyStore(data)
        self.desk = Desk(self.store, self.clock)
        self.directory = Directory(self.store, self.clock)
        self.file = data / "tenants" / "tenants.sqlite3"
        for name in ("acme", "globex"):
            self.desk.create_tenant(Tenant(name=name, tier="gold"))
        self.directory.known = self.directory.draft(None)

    async def made(self, lasting: timedelta | None = None, **wanted: object) -> Made:
        fields = {"id": "", "created": 0.0, "tenant": "acme", **wanted}
        made = self.desk.create_key(Key(**fields), lasting)  # type: ignore[arg-type] # as the tests say
        await self.directory.refresh()
        return made

    def refusal(self, presented: str) -> str:
        with pytest.raises(Unauthenticated) as refused:
            self.directory.identify(presented)
        return refused.value.message


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


@given(st.text(max_size=80))
def test_what_is_no_key_is_never_read_as_one(text: str) -> None:
    found = read(text)
    assert found is None or written(*found) == text


def test_a_key_is_read_back_as_it_was_written() -> None:
    for _ in range(200):
        parts = (new_id(), new_secret())
        assert read(written(*parts)) == parts


async def test_a_key_tells_whose_it_is(setting: Setting) -> None:
    made = await setting.made(project="web", user="ann", routes=("support", "gpt-*"))
    holder = setting.directory.identify(made.presented)
    assert (holder.tenant.name, holder.tenant.tier, holder.project, holder.user) == ("acme", "gold", "web", "ann")
    assert holder.key == made.key.id
    assert [holder.may(route) for route in ("support", "gpt-4o", "contracts", "supporter")] == [
        True,
        True,
        False,
        False,
    ]


async def test_a_tenants_routes_bound_those_of_its_keys(setting: Setting) -> None:
    setting.desk.set_tenant("acme", routes=("support", "faq"))
    made = await setting.made(routes=("support", "contracts"))
    holder = setting.directory.identify(made.presented)
    assert [holder.may(route) for route in ("support", "faq", "contracts")] == [True, False, False]


async def test_another_secret_under_a_known_id_is_unknown(setting: Setting) -> None:
    made = await setting.made()
    told = setting.refusal(written(made.key.id, new_secret()))
    assert told == setting.refusal(written(new_id(), new_secret()))
    assert told == setting.refusal("tk_nonsense")


async def test_an_expired_key_is_refused_and_says_so_to_its_holder_only(setting: Setting) -> None:
    made = await setting.made(HOUR)
    setting.clock.advance(3_599)
    assert setting.directory.identify(made.presented).key == made.key.id
    setting.clock.advance(1)
    assert setting.refusal(made.presented) == f"The API key {made.key.id} has expired."
    assert "expired" not in setting.refusal(written(made.key.id, new_secret()))


async def test_both_secrets_work_while_a_rotation_overlaps(setting: Setting) -> None:
    made = await setting.made()
    rotated = setting.desk.rotate_key(made.key.id, HOUR)
    await setting.directory.refresh()
    assert rotated.presented != made.presented
    for presented in (made.presented, rotated.presented):
        assert setting.directory.identify(presented).key == made.key.id
    setting.clock.advance(3_600)
    assert "has been rotated" in setting.refusal(made.presented)
    assert setting.directory.identify(rotated.presented).key == made.key.id


async def test_a_second_rotation_never_makes_the_first_secret_last_longer(setting: Setting) -> None:
    made = await setting.made()
    second = setting.desk.rotate_key(made.key.id, HOUR)
    setting.clock.advance(3_000)
    setting.desk.rotate_key(made.key.id, 2 * HOUR)
    await setting.directory.refresh()
    setting.clock.advance(600)
    assert "has been rotated" in setting.refusal(made.presented)
    assert setting.directory.identify(second.presented).key == made.key.id


async def test_secrets_that_no_longer_work_are_forgotten_with_the_next_rotation(setting: Setting) -> None:
    made = await setting.made()
    for _ in range(5):
        setting.desk.rotate_key(made.key.id, HOUR)
        setting.clock.advance(3_601)
    assert len(setting.desk.key(made.key.id).secrets) == 2


async def test_a_revoked_key_is_refused_for_ever(setting: Setting) -> None:
    made = await setting.made()
    revoked = setting.desk.revoke_key(made.key.id)
    setting.clock.advance(60)
    assert setting.desk.revoke_key(made.key.id) == revoked
    await setting.directory.refresh()
    assert setting.refusal(made.presented) == f"The API key {made.key.id} has been revoked."
    with pytest.raises(InvalidRequest, match="does not work any more"):
        setting.desk.rotate_key(made.key.id, HOUR)


async def test_the_keys_of_a_removed_tenant_stop_working(setting: Setting) -> None:
    made = await setting.made()
    kept = await setting.made(tenant="globex")
    assert setting.desk.remove_tenant("acme") == 1
    await setting.directory.refresh()
    assert "Unknown" in setting.refusal(made.presented)
    assert setting.directory.identify(kept.presented).tenant.name == "globex"


async def test_a_key_whose_tenant_the_configuration_has_dropped_is_refused(setting: Setting) -> None:
    made = await setting.made()
    setting.directory.known = setting.directory.draft({"globex": Tenant(name="globex")})
    assert "tenant" in setting.refusal(made.presented)


async def test_the_store_and_its_copies_hold_no_secret(setting: Setting, tmp_path: Path) -> None:
    made = await setting.made()
    setting.desk.rotate_key(made.key.id, HOUR)
    secret = made.presented.rpartition("_")[2]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes()
            assert file.stat().st_mode & 0o077 == 0
    assert secret not in repr(setting.desk.keys())


async def test_the_known_are_served_while_the_store_cannot_be_read(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    made = await setting.made()
    whole = setting.file.read_bytes()
    setting.file.write_bytes(b"not a database" * 100)
    for _ in range(2):
        await setting.directory.refresh()
    assert len(caplog.records) == 1
    assert setting.directory.identify(made.presented).key == made.key.id
    with pytest.raises(Overloaded) as refused:
        setting.directory.identify(written(new_id(), new_secret()))
    assert refused.value.retry_after_s
    assert "Unknown" in setting.refusal("tk_nonsense")
    with pytest.raises(TenancyError):
        setting.desk.revoke_key(made.key.id)
    setting.file.write_bytes(whole)
    await setting.directory.refresh()
    assert "Unknown" in setting.refusal(written(new_id(), new_secret()))


async def test_a_file_that_another_process_has_just_made_is_empty(tmp_path: Path) -> None:
    (tmp_path / "tenants").mkdir()
    sqlite3.connect(tmp_path / "tenants" / "tenants.sqlite3").close()
    (tmp_path / "tenants" / "tenants.sqlite3").touch()
    directory = Directory(TenancyStore(tmp_path), FrozenClock())
    directory.known = directory.draft(None)
    assert not directory.known.tenants
    Desk(TenancyStore(tmp_path), FrozenClock()).create_tenant(Tenant(name="acme"))
    await directory.refresh()
    assert directory.tenant("acme") is not None


async def test_who_is_known_is_read_again_only_after_a_change(setting: Setting) -> None:
    before = setting.directory.known
    await setting.directory.refresh()
    assert setting.directory.known is before
    setting.desk.set_tenant("acme", tier="silver")
    await setting.directory.refresh()
    tenant = setting.directory.tenant("acme")
    assert tenant is not None
    assert tenant.tier == "silver"


async def test_a_key_is_found_soon_however_many_there_are(setting: Setting) -> None:
    """The figure is below 5 µs; the bound leaves room for a slow machine, and none for a search."""
    made = await setting.made()
    with setting.store.change() as change:
        for _ in range(2_000):
            change.put_key(Key(id=new_id(), tenant="acme", created=0.0))
    await setting.directory.refresh()
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(1_000):
            setting.directory.identify(made.presented)
        rounds.append((time.perf_counter() - began) * 1_000)
    assert min(rounds) < 50, f"{min(rounds):.1f} µs"


async def test_a_wrong_first_letter_takes_as_long_as_a_wrong_last_one(setting: Setting) -> None:
    made = await setting.made()
    key_id, secret = made.key.id, made.presented[len(made.key.id) + 1 :]
    first = written(key_id, ("A" if secret[0] != "A" else "B") + secret[1:])
    last = written(key_id, secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    taken: dict[str, list[int]] = {first: [], last: []}
    for _ in range(2_000):
        for presented, times in taken.items():
            began = time.perf_counter_ns()
            with pytest.raises(Unauthenticated):
                setting.directory.identify(presented)
            times.append(time.perf_counter_ns() - began)
    one, other = (statistics.median(times) for times in taken.values())
    assert abs(one - other) < 0.25 * max(one, other)


REFUSED: list[tuple[Callable[[Desk], object], int, str]] = [
    (lambda desk: desk.create_tenant(Tenant(name="acme")), 409, "already"),
    (lambda desk: desk.create_tenant(Tenant(name="a/b")), 400, "no tenant's name"),
    (lambda desk: desk.create_tenant(Tenant(name="turnout:probe")), 400, "no tenant's name"),
    (lambda desk: desk.set_tenant("nobody", tier="gold"), 404, "no tenant 'nobody'"),
    (lambda desk: desk.remove_tenant("nobody"), 404, "no tenant 'nobody'"),
    (lambda desk: desk.tenant("nobody"), 404, "no tenant 'nobody'"),
    (lambda desk: desk.create_key(Key(id="", tenant="nobody", created=0)), 404, "no tenant 'nobody'"),
    (lambda desk: desk.key("tk_0"), 404, "no key 'tk_0'"),
    (lambda desk: desk.rotate_key("tk_0", HOUR), 404, "no key 'tk_0'"),
    (lambda desk: desk.revoke_key("' OR 1=1--"), 404, "no key"),
]


@pytest.mark.parametrize(("change", "status", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    setting: Setting, change: Callable[[Desk], object], status: int, said: str
) -> None:
    before = setting.store.read()
    with pytest.raises(InvalidRequest, match=re.escape(said)) as refused:
        change(setting.desk)
    assert refused.value.status == status
    assert setting.store.read() == before


def test_tenants_of_the_configuration_are_changed_there(setting: Setting) -> None:
    desk = Desk(setting.store, setting.clock, {"initech": Tenant(name="initech")})
    assert [tenant.name for tenant in desk.tenants()] == ["initech"]
    with pytest.raises(InvalidRequest, match="stand in the configuration"):
        desk.create_tenant(Tenant(name="hooli"))
    with pytest.raises(InvalidRequest, match="stand in the configuration"):
        desk.set_tenant("acme", tier="x")
    assert desk.create_key(Key(id="", tenant="initech", created=0)).key.tenant == "initech"
    assert [key.tenant for key in desk.keys("initech")] == ["initech"]
    assert desk.remove_tenant("acme") == 0
