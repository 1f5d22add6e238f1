from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import APIConnectionError, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from turnout.errors import MissingExtra
from turnout.testing import local_model
from turnout.testing.local_model import LOCAL_MODEL, LocalModelFailed, installed_weights, running_local_model

try:
    installed_weights()
except MissingExtra:  # `make test` installs it; a bare development environment may lack it
    pytest.skip("the local model is not installed", allow_module_level=True)

ASKED: list[ChatCompletionMessageParam] = [{"role": "user", "content": "How do I reset my password?"}]


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_local_model(tmp_path_factory.mktemp("model") / "log") as url:
        yield url


@pytest.fixture(scope="module")
def client(base_url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        yield client


def test_a_real_model_answers(client: OpenAI) -> None:
    answer = client.chat.completions.create(model=LOCAL_MODEL, messages=ASKED, max_tokens=40)
    assert answer.model == LOCAL_MODEL
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 40
    assert answer.usage.prompt_tokens > 5


def test_it_streams_and_reports_the_usage_when_asked(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model=LOCAL_MODEL,
        messages=ASKED,
        max_tokens=10,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens <= 10


def test_its_log_probabilities_are_those_of_a_model(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=LOCAL_MODEL,
        messages=ASKED,
        max_tokens=5,
        logprobs=True,
        top_logprobs=2,
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in logprobs.content)


def test_it_is_gone_when_the_block_ends(tmp_path: Path) -> None:
    with running_local_model(tmp_path / "log") as url:
        pass
    with OpenAI(base_url=url, api_key="none", max_retries=0) as client, pytest.raises(APIConnectionError):
        client.models.list()


def test_it_ends_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from turnout.testing.local_model import running_local_model\n"
        "with running_local_model(Path(sys.argv[1])) as url:\n"
        "    print(url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        os.kill(parent.pid, signal.SIGKILL)
    with OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                client.models.list()
            except APIConnectionError:
                return
            time.sleep(0.1)
    pytest.fail("the model outlived its parent")


def test_a_model_that_cannot_start_says_where_its_log_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not weights")
    monkeypatch.setattr(local_model, "installed_weights", lambda: broken)
    with pytest.raises(LocalModelFailed) as failed, running_local_model(tmp_path / "log"):
        pass
    assert failed.value.log == tmp_path / "log"
    assert failed.value.log.read_text()


def test_without_its_weights_it_names_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_model, "_WEIGHTS", "no-such-distribution")
    with pytest.raises(MissingExtra, match=r"turnout\[demo\]"):
        installed_weights()
