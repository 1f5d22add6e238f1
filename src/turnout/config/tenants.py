"""Tenants, as a configuration has them: each by its name, or all of them in the store."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from turnout.config.budgets import BudgetList, budgets_of
from turnout.config.rates import RateLimitConfig
from turnout.config.values import Label, Section, Texts, Wrong
from turnout.tenancy.desk import NAME_RULE, is_name
from turnout.types.tenant import Tenant

_FROM: Final = "from"


class TenantConfig(Section):
    """An account."""

    tier: Label | None = Field(None, description="What it has bought, for rules: `when: {tier: gold}`.")
    tags: dict[str, str] = Field(default_factory=dict, description="Labels.")
    routes: Texts = Field(
        default_factory=list, description="The routes that its keys may ask for, as names or globs; by default all."
    )
    revenue: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)] | None = Field(
        None,
        description="What it pays in a month, in USD; a month of the `timezone` of its monthly budget, else of UTC.",
    )

    budgets: BudgetList = Field(
        default_factory=list,
        description="What it may spend.",
        examples=[[{"usd": 50, "per": "day"}]],
    )
    limit: RateLimitConfig = Field(
        default_factory=RateLimitConfig,
        description="How fast it may ask, over all of its keys.",
        examples=[{"requests_per_minute": 600, "tokens_per_minute": 200_000, "concurrent": 20}],
    )

    def named(self, name: str) -> Tenant:
        """The tenant of that name."""
        return Tenant(
            name=name,
            tier=self.tier,
            tags=dict(self.tags),
            budgets=budgets_of(self.budgets, name),
            limit=self.limit.limit(),
            routes=tuple(self.routes),
            revenue_usd=self.revenue,
        )


class StoredTenants(Section):
    """Tenants stand in the store of the data directory, where `turnout tenants` and `/admin` change them."""

    source: Literal["store"] = Field(alias=_FROM, description="Where tenants stand.")

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, value: Any) -> Any:
        others = sorted(str(key) for key in value if key != _FROM)
        if others:
            raise Wrong(
                f"tenants stand in the store, and here as well ({', '.join(others)}).",
                "Keep one: remove `from: store`, or put them into the store by `turnout tenants create`.",
            )
        return value


def _named(value: Any) -> Any:
    return {name: {} if told is None else told for name, told in value.items()} if isinstance(value, dict) else value


def _name(value: str) -> str:
    if not is_name(value):
        raise Wrong(f"'{value}' is no tenant's name. {NAME_RULE}", "Give it another.")
    return value


def _source(value: Any) -> str:
    stored = isinstance(value, StoredTenants) or (isinstance(value, dict) and _FROM in value)
    return "<store>" if stored else "<tenants>"


TenantsSpec = Annotated[
    Annotated[dict[Annotated[str, AfterValidator(_name)], TenantConfig], BeforeValidator(_named), Tag("<tenants>")]
    | Annotated[StoredTenants, Tag("<store>")],
    Discriminator(_source),
]


def tenant_names(given: Any) -> frozenset[str] | None:
    """The names that a file gives to its tenants; None where it does not have them."""
    if not isinstance(given, dict) or _FROM in given:
        return None
    return frozenset({"default", *(name for name in given if isinstance(name, str))})
