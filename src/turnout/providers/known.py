"""The providers that turnout knows by name: what differs between them is data, and here it is.

A configuration may name a provider from this table and say nothing else; whatever it does say overrules the row.
A server that is not on the table needs its dialect and base URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from turnout.types.dialect import DialectName, Need


class AuthStyle(StrEnum):
    """How a provider wants its key."""

    AUTHORIZATION_BEARER = "authorization_bearer"
    X_API_KEY = "x_api_key"
    X_GOOG_API_KEY = "x_goog_api_key"
    API_KEY = "api_key"

    def headers(self, key: str) -> dict[str, str]:
        """The header that carries `key`."""
        if self is AuthStyle.AUTHORIZATION_BEARER:
            return {"authorization": f"Bearer {key}"}
        return {self.replace("_", "-"): key}


class KnownProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, as far as it is the same for everyone.

    Attributes:
        name: what a configuration calls it.
        dialect: what it speaks.
        base_url: what the dialect's official SDK would be given; None where everyone has their own.
        key_env: the environment variables that hold its key, the usual one first.
        auth: how it wants the key.
        headers: sent with every call.
        deployment_query: added to the URL of a call where the base URL names a deployment (`/deployments/NAME`).
        needs_key: whether it answers nobody without a key.
        stream_usage: whether it can be asked for a stream's usage (`stream_options.include_usage`). A server that
            refuses the question may still report usage unasked, and is then believed.
        lacks: what its API cannot say though its dialect can; members of `Need`.
        price_provider: its key in the price list; None where it is not listed, or charges nothing by the token.
    """

    name: str
    dialect: DialectName = DialectName.OPENAI_CHAT
    base_url: str | None = None
    key_env: tuple[str, ...] = ()
    auth: AuthStyle = AuthStyle.AUTHORIZATION_BEARER
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    deployment_query: Mapping[str, str] = msgspec.field(default_factory=dict)
    needs_key: bool = True
    stream_usage: bool = True
    lacks: frozenset[str] = frozenset()
    price_provider: str | None = None


def _lacks(*needs: Need) -> frozenset[str]:
    return frozenset(needs)


_ROWS: Final = (
    KnownProvider(
        name="openai",
        base_url="https://api.openai.com/v1",
        key_env=("OPENAI_API_KEY",),
        price_provider="openai",
    ),
    KnownProvider(
        name="anthropic",
        dialect=DialectName.ANTHROPIC_MESSAGES,
        base_url="https://api.anthropic.com",
        key_env=("ANTHROPIC_API_KEY",),
        auth=AuthStyle.X_API_KEY,
        headers={"anthropic-version": "2023-06-01"},
        price_provider="anthropic",
    ),
    # The base URL ends in /openai/v1, where `model` names the deployment, or in /openai/deployments/NAME.
    KnownProvider(
        name="azure",
        key_env=("AZURE_OPENAI_API_KEY",),
        auth=AuthStyle.API_KEY,
        deployment_query={"api-version": "2024-10-21"},
        price_provider="azure",
    ),
    KnownProvider(
        name="cerebras",
        base_url="https://api.cerebras.ai/v1",
        key_env=("CEREBRAS_API_KEY",),
        lacks=_lacks(Need.LOGIT_BIAS, Need.PENALTIES),
        price_provider="cerebras",
    ),
    KnownProvider(
        name="deepseek",
        base_url="https://api.deepseek.com",
        key_env=("DEEPSEEK_API_KEY",),
        lacks=_lacks(Need.JSON_SCHEMA, Need.LOGIT_BIAS, Need.MANY_CHOICES),
        price_provider="deepseek",
    ),
    KnownProvider(
        name="fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        key_env=("FIREWORKS_API_KEY",),
        price_provider="fireworks",
    ),
    KnownProvider(
        name="gemini",
        dialect=DialectName.GEMINI,
        base_url="https://generativelanguage.googleapis.com",
        key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        auth=AuthStyle.X_GOOG_API_KEY,
        price_provider="google",
    ),
    KnownProvider(
        name="groq",
        base_url="https://api.groq.com/openai/v1",
        key_env=("GROQ_API_KEY",),
        lacks=_lacks(Need.LOGIT_BIAS, Need.LOGPROBS, Need.MANY_CHOICES),
        price_provider="groq",
    ),
    # It refuses every field it does not know, `stream_options`, `seed`, `logprobs` and `logit_bias` among them.
    KnownProvider(
        name="mistral",
        base_url="https://api.mistral.ai/v1",
        key_env=("MISTRAL_API_KEY",),
        stream_usage=False,
        lacks=_lacks(Need.LOGIT_BIAS, Need.LOGPROBS, Need.SEED),
        price_provider="mistral",
    ),
    KnownProvider(
        name="nvidia",
        base_url="https://integrate.api.nvidia.com/v1",
        key_env=("NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"),
    ),
    KnownProvider(
        name="openrouter",
        base_url="https://openrouter.ai/api/v1",
        key_env=("OPENROUTER_API_KEY",),
        price_provider="openrouter",
    ),
    # It reports usage in every chunk, asked or not.
    KnownProvider(
        name="perplexity",
        base_url="https://api.perplexity.ai",
        key_env=("PERPLEXITY_API_KEY", "PPLX_API_KEY"),
        stream_usage=False,
        price_provider="perplexity",
    ),
    KnownProvider(
        name="together",
        base_url="https://api.together.xyz/v1",
        key_env=("TOGETHER_API_KEY",),
        price_provider="together",
    ),
    KnownProvider(
        name="xai",
        base_url="https://api.x.ai/v1",
        key_env=("XAI_API_KEY",),
        lacks=_lacks(Need.LOGIT_BIAS),
        price_provider="x-ai",
    ),
    # Servers of one's own, where each listens by default.
    KnownProvider(name="llamacpp", base_url="http://localhost:8080/v1", key_env=("LLAMA_API_KEY",), needs_key=False),
    KnownProvider(name="lmstudio", base_url="http://localhost:1234/v1", needs_key=False),
    KnownProvider(
        name="ollama",
        base_url="http://localhost:11434/v1",
        key_env=("OLLAMA_API_KEY",),
        needs_key=False,
        lacks=_lacks(Need.LOGIT_BIAS, Need.MANY_CHOICES),
    ),
    KnownProvider(name="vllm", base_url="http://localhost:8000/v1", key_env=("VLLM_API_KEY",), needs_key=False),
)

KNOWN_PROVIDERS: Final[Mapping[str, KnownProvider]] = MappingProxyType({row.name: row for row in _ROWS})
