"""Numbers of a metric as people read them: as many digits as say something, the unit, a sign where one is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any

Row = Mapping[str, Any]

NOTHING = "nothing was measured"
UNKNOWN = "not known"
_DOLLARS = 3
"""Digits of the larger amount of dollars that are shown."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Writes the numbers of one metric with the same number of `decimals`."""

    unit: str
    decimals: int

    def value(self, number: float | None) -> str:
        """`0.412`, `1,234 ms`, `312 tokens`, `$0.000412`."""
        return self._with_unit(number, "")

    def signed(self, number: float | None) -> str:
        """A difference; zero has no sign."""
        return self._with_unit(number, "+")

    def change(self, base: float | None, head: float | None) -> str:
        """`0.512 → 0.412`, with the unit once."""
        return f"{self.bare(base) if self.unit in ('ms', 'tokens') else self.value(base)} → {self.value(head)}"

    def interval(self, row: Row, sign: str = "") -> str:
        """`[0.310, 0.514]`, without the unit."""
        return f"[{self.bare(row['low'], sign)}, {self.bare(row['high'], sign)}]"

    def bare(self, number: float | None, sign: str = "") -> str:
        """Without the unit; `sign` is a plus that stands before what is above zero."""
        if number is None or not isfinite(number):
            return UNKNOWN
        text = f"{number:,.{self.decimals}f}"
        is_zero = not text.strip("-0.,")
        return text.removeprefix("-") if is_zero else f"{sign if number > 0 else ''}{text}"

    def _with_unit(self, number: float | None, sign: str) -> str:
        text = self.bare(number, sign)
        if text == UNKNOWN or not self.unit:
            return text
        if self.unit == "USD":
            mark = text[0] if text[0] in "+-" else ""
            return f"{mark}${text.removeprefix(mark)}"
        return f"{text} {self.unit}"


def figures(metric: Row) -> Figures:
    """The form that a metric's numbers have: three decimals for a score, whole milliseconds."""
    unit = metric["unit"]
    largest = max((abs(side["value"]) for side in (metric["head"], metric["base"]) if side), default=0.0)
    if unit == "USD":
        return Figures(unit, max(2, _DOLLARS - 1 - floor(log10(largest))) if 0 < largest < float("inf") else 2)
    return Figures(unit, {"": 3, "ms": 0}.get(unit, 0 if largest >= 100 else 1))


def probability(p: float | None) -> str:
    """`0.040`; what is smaller than it can show is `below 0.001`."""
    if p is None or not isfinite(p):
        return UNKNOWN
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds: float) -> str:
    """`12.3 s`, `4 min 12 s`."""
    if not isfinite(seconds):
        return UNKNOWN
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:,.0f} min {seconds % 60:.0f} s"
