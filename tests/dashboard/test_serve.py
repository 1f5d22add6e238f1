"""The dashboard of `turnout serve`, as a user starts it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlencode

from tests.dashboard.seeded import look
from tests.dashboard.test_pages import LOCKED, VIEWER_KEY
from tests.processes import gateway_process


def test_every_worker_has_the_pages_and_knows_whoever_has_signed_in_at_another(tmp_path: Path) -> None:
    with gateway_process(LOCKED, tmp_path, "--workers", "2") as gateway:
        assert f"dashboard: {gateway.url}/dashboard{os.linesep}" in gateway.said
        entered = look(gateway, "/dashboard/sign-in", form=urlencode({"key": VIEWER_KEY}))
        cookie = entered.headers["set-cookie"].partition(";")[0]
        assert {look(gateway, "/dashboard/targets", cookie=cookie).status for _ in range(12)} == {200}
