"""The limit of open files: raised as far as the machine lets, and a line that says so where that is too little."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import gateway_process
from turnout.server.open_files import PLENTY

CONFIG = """
providers: {own: {dialect: openai, base_url: "http://127.0.0.1:1/v1"}}
targets: {model: {provider: own}}
"""
TOO_FEW = """\
1000 files may be open, and 1200 requests in a worker need 2656: raise the hard limit (`ulimit -Hn`; LimitNOFILE= of \
systemd; ulimits of a container), or lower server.limits.max_in_flight
1000
"""
PROGRAM = """
import logging, resource, sys
from turnout.server.open_files import allow_open_files
logging.basicConfig(format="%(message)s", stream=sys.stdout)
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_open_files({requests})
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(
    ("soft", "hard", "requests", "said"),
    [
        (256, 4_000, 1_200, "4000\n"),
        (2_000, 2_000, 500, "2000\n"),
        (
            256,
            1_000,
            1_200,
            TOO_FEW,
        ),
    ],
)
def test_it_is_raised_and_too_little_is_told_with_its_fix(soft: int, hard: int, requests: int, said: str) -> None:
    program = PROGRAM.format(soft=soft, hard=hard, requests=requests)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == said


def test_a_gateway_has_room_for_as_many_callers_as_the_machine_lets_it(tmp_path: Path) -> None:
    with gateway_process(CONFIG, tmp_path) as gateway:
        soft, hard = resource.prlimit(gateway.child.pid, resource.RLIMIT_NOFILE)
    own_soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == max(own_soft, min(hard, PLENTY) if hard != resource.RLIM_INFINITY else PLENTY)
