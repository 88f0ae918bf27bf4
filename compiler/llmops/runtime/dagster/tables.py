"""Rows as Dagster shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

CELL = 300
"""Longest text of a cell, in characters: Dagster keeps all metadata in its event log."""

Value = str | float | int | bool


def table(rows: Sequence[Mapping[str, Value]], columns: Sequence[str]) -> dg.TableMetadataValue:
    """A table with these columns; long texts are cut. It may have no rows."""
    schema = dg.TableSchema([dg.TableColumn(name) for name in columns])
    records = [dg.TableRecord({name: _cell(row[name]) for name in columns}) for row in rows]
    return dg.MetadataValue.table(records, schema)


def _cell(value: Value) -> Value:
    return f"{value[: CELL - 1]}…" if isinstance(value, str) and len(value) > CELL else value
