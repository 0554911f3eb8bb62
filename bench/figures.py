"""A figure: what was measured, beside its limit and its aim."""

from typing import Literal

from msgspec import Struct, field

Sense = Literal["more", "less"]


class Figure(Struct, kw_only=True):
    """One number of a scenario. `sense` says which way is better; `limit` is the same with no gateway between.

    `cpu` and `limit_cpu` are the cores that each group of processes kept busy; `rounds` and `limit_rounds` the values
    that the medians were taken from.
    """

    scenario: str
    name: str
    unit: str
    value: float
    sense: Sense = "more"
    aim: float | None = None
    limit: float | None = None
    rounds: list[float] = field(default_factory=list)
    limit_rounds: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    limit_cpu: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.sense == "more" else self.value <= self.aim

    @property
    def share(self) -> float | None:
        """The value as a share of the limit (for rates, the part of the possible that is reached)."""
        return self.value / self.limit if self.limit else None
