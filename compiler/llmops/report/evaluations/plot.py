"""Where an interval lies, as shares of a line's length, for a strip of characters as for a drawing.

A difference is turned so that right of zero is better, whichever way its metric counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

Row = Mapping[str, Any]

CELLS = 25
"""Characters of a strip; an odd number, so that zero has one in the middle."""
_AIR = 1.1
"""The line is as much longer than what it shows."""


@dataclass(frozen=True, slots=True)
class Plot:
    """Shares from 0 (left) to 1. `marks` are the margin on either side of zero, or the limit of a value; it may be empty."""

    low: float
    value: float
    high: float
    zero: float | None
    marks: tuple[float, ...]


def difference_plot(metric: Row) -> Plot | None:
    """Head less base between the margins, zero in the middle; None where nothing was compared."""
    row = metric["difference"]
    if not row or not _known(row):
        return None
    sign = -1.0 if metric["direction"] == "lower" else 1.0
    low, high = sorted((sign * row["low"], sign * row["high"]))
    margin = metric["margin"]
    extent = _AIR * max(abs(low), abs(high), margin) or 1.0
    at = [_share(number, -extent, extent) for number in (low, sign * row["value"], high)]
    marks = tuple(_share(number, -extent, extent) for number in (-margin, margin))
    return Plot(at[0], at[1], at[2], 0.5, marks)


def value_plot(metric: Row) -> Plot | None:
    """Head's value beside its limit: scores between 0 and 1, amounts from 0 on; None where nothing was measured."""
    row = metric["head"]
    if not row or not _known(row):
        return None
    limit = metric["limit"]
    end = _AIR * max(row["high"], limit or 0.0) if metric["unit"] else 1.0
    low, value, high = (_share(row[name], 0.0, end or 1.0) for name in ("low", "value", "high"))
    return Plot(low, value, high, None, () if limit is None else (_share(limit, 0.0, end or 1.0),))


def _known(row: Row) -> bool:
    return all(row[name] is not None and isfinite(row[name]) for name in ("low", "value", "high"))


def _share(number: float, start: float, end: float) -> float:
    return min(1.0, max(0.0, (number - start) / (end - start)))


def strip(plot: Plot) -> str:
    """`──[━━●━━]─┊──│──┊──`: the interval, the margins and zero; what is nearer to the reader's question stands on top."""
    line = ["─"] * CELLS
    for mark in plot.marks:
        line[_cell(mark)] = "┊"
    if plot.zero is not None:
        line[_cell(plot.zero)] = "│"
    low, value, high = map(_cell, (plot.low, plot.value, plot.high))
    for cell in range(low + 1, high):
        line[cell] = "┃" if line[cell] == "│" else "╏" if line[cell] == "┊" else "━"
    line[low], line[high], line[value] = "[", "]", "●"
    return "".join(line)


def _cell(share: float) -> int:
    return round(share * (CELLS - 1))
