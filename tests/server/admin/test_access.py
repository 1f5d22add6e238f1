"""Who is let in at `/admin`: by key, by session, or because they sit at the machine."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import SecretStr

from turnout.config.serving import AdminKeyConfig
from turnout.errors import PermissionDenied, Unauthenticated
from turnout.server.admin.access import COOKIE, SESSION_FOR, AdminAccess, Role
from turnout.testing import FrozenClock

ADMIN, VIEWER = "the-key-of-an-admin-of-the-test", "the-key-of-a-viewer-of-the-test"
KEYS = [
    AdminKeyConfig(name="ops", key=SecretStr(ADMIN), role="admin"),
    AdminKeyConfig(name="product", key=SecretStr(VIEWER)),
]
HERE = {"host": "localhost:8080"}


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def access(clock: FrozenClock) -> AdminAccess:
    return AdminAccess("0.0.0.0", b"s" * 32, clock, KEYS)


def cookie(set_cookie: str) -> dict[str, str]:
    return {**HERE, "cookie": f"theme=dark; {set_cookie.partition(';')[0]}"}


@pytest.mark.parametrize("form", ["authorization", "x-api-key"])
def test_a_key_has_its_role_in_either_header(access: AdminAccess, form: str) -> None:
    def headers(key: str) -> dict[str, str]:
        return {form: f"Bearer {key}" if form == "authorization" else key}

    assert access.check(headers(ADMIN), needs=Role.ADMIN) is Role.ADMIN
    assert access.check(headers(ADMIN), needs=Role.VIEWER) is Role.ADMIN
    assert access.check(headers(VIEWER), needs=Role.VIEWER) is Role.VIEWER
    with pytest.raises(PermissionDenied, match="takes the role 'admin', and this key has 'viewer'"):
        access.check(headers(VIEWER), needs=Role.ADMIN)
    with pytest.raises(Unauthenticated, match="Unknown admin key"):
        access.check(headers(ADMIN[:-1]), needs=Role.VIEWER)
    with pytest.raises(Unauthenticated, match=r"server\.admin_keys"):
        access.check(HERE, needs=Role.VIEWER)


def test_a_session_lasts_for_its_time_and_no_longer(access: AdminAccess, clock: FrozenClock) -> None:
    set_cookie = access.sign_in(VIEWER, secure=True)
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= {part.strip() for part in set_cookie.split(";")}
    assert VIEWER not in set_cookie
    assert "Secure" not in access.sign_in(VIEWER, secure=False)
    assert access.check(cookie(set_cookie), needs=Role.VIEWER) is Role.VIEWER
    with pytest.raises(PermissionDenied):
        access.check(cookie(set_cookie), needs=Role.ADMIN)
    clock.advance(SESSION_FOR / timedelta(seconds=1) - 1)
    access.check(cookie(set_cookie), needs=Role.VIEWER)
    clock.advance(2)
    with pytest.raises(Unauthenticated):
        access.check(cookie(set_cookie), needs=Role.VIEWER)
    assert "Max-Age=0" in access.sign_out(secure=False)


def test_another_worker_knows_the_session_and_another_installation_does_not(clock: FrozenClock) -> None:
    token = AdminAccess("0.0.0.0", b"s" * 32, clock, KEYS).sign_in(ADMIN, secure=False)
    assert AdminAccess("0.0.0.0", b"s" * 32, clock, KEYS).check(cookie(token), needs=Role.ADMIN) is Role.ADMIN
    with pytest.raises(Unauthenticated):
        AdminAccess("0.0.0.0", b"t" * 32, clock, KEYS).check(cookie(token), needs=Role.VIEWER)


def test_a_session_ends_with_its_key(access: AdminAccess) -> None:
    token = access.sign_in(ADMIN, secure=False)
    access.renew(KEYS[1:])
    with pytest.raises(Unauthenticated, match="no longer valid"):
        access.check(cookie(token), needs=Role.VIEWER)
    with pytest.raises(Unauthenticated, match="Unknown admin key"):
        access.sign_in(ADMIN, secure=False)


def test_a_session_that_was_tampered_with_is_none(access: AdminAccess) -> None:
    token = access.sign_in(ADMIN, secure=False).partition(";")[0].removeprefix(f"{COOKIE}=")
    said, _, signature = token.partition(".")
    for forged in ("", ".", token[:-1], f"{said}.", f".{signature}", f"A{token}", f"{said}.{signature}.{signature}"):
        with pytest.raises(Unauthenticated):
            access.check({"cookie": f"{COOKIE}={forged}"}, needs=Role.VIEWER)


def test_a_page_of_another_site_cannot_use_a_session(access: AdminAccess) -> None:
    ours = cookie(access.sign_in(ADMIN, secure=False))
    for theirs in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        with pytest.raises(PermissionDenied, match="another site"):
            access.check({**ours, **theirs}, needs=Role.VIEWER)
    access.check({**ours, "origin": "http://localhost:8080", "sec-fetch-site": "same-origin"}, needs=Role.ADMIN)


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:9", "[::1]:8080", "127.8.0.1"])
def test_without_keys_whoever_sits_at_the_machine_is_the_admin(clock: FrozenClock, host: str) -> None:
    assert AdminAccess("127.0.0.1", b"", clock).check({"host": host}, needs=Role.ADMIN) is Role.ADMIN


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "rebound.example"},
        {"host": "localhost.evil.example"},
        {"host": "[::1"},
        {"host": "evil.example@127.0.0.1.evil.example"},
        {**HERE, "x-forwarded-for": "203.0.113.9"},
        {**HERE, "forwarded": "for=203.0.113.9"},
        {**HERE, "origin": "https://evil.example"},
        {**HERE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        {**HERE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "origin": "null"},
    ],
)
def test_without_keys_nobody_else_is_let_in(clock: FrozenClock, headers: dict[str, str]) -> None:
    with pytest.raises(PermissionDenied):
        AdminAccess("127.0.0.1", b"", clock).check(headers, needs=Role.VIEWER)


def test_without_keys_a_public_address_lets_nobody_in(clock: FrozenClock) -> None:
    with pytest.raises(PermissionDenied, match="Add keys"):
        AdminAccess("0.0.0.0", b"", clock).check(HERE, needs=Role.VIEWER)


def test_a_link_from_elsewhere_may_be_followed(clock: FrozenClock) -> None:
    followed = {**HERE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert AdminAccess("127.0.0.1", b"", clock).check(followed, needs=Role.VIEWER)
