"""The plan's document as a text: written as JSON, and read again with nothing taken on trust.

A plan that is read may come from a stranger's fork. What `schema.json` beside this file does not allow is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from llmops.errors import UsageError
from llmops.report.excerpt import plain

if TYPE_CHECKING:
    import jsonschema_rs

PLAN_VERSION = 1
MOST_CHARACTERS = 5_000_000
"""Of a plan that is read. A plan of a thousand changed resources has about one million."""
_HINT = "Read a file that `llmops plan --format json` wrote."
_LONGEST_MESSAGE = 200


def write_plan(plan: Mapping[str, Any]) -> str:
    """The document with its keys and lists in the order given."""
    return orjson.dumps(plan, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def read_plan(text: str) -> dict[str, Any]:
    """The document that `write_plan` wrote. Raises `UsageError` for any other text, of whatever size or depth."""
    if len(text) > MOST_CHARACTERS:
        raise UsageError(f"The plan has {len(text):,} characters; {MOST_CHARACTERS:,} are read", "Plan fewer environments, with --env.")
    plan = _parsed(text)
    if plan["plan_version"] != PLAN_VERSION:
        raise UsageError(f"Plans of version {PLAN_VERSION} are read, and this one is of another", "Make and read it with the same llmops.")
    error = next(iter(_validator().iter_errors(plan)), None)
    if error is not None:
        place = plain("".join(f"/{step}" for step in error.instance_path))[:_LONGEST_MESSAGE]
        raise UsageError(f"The plan is wrong at {place or '/'}: {plain(error.message)[:_LONGEST_MESSAGE]}", _HINT)
    return plan


def _parsed(text: str) -> dict[str, Any]:
    try:
        plan = orjson.loads(text)
        orjson.dumps(plan)  # refuses what is nested too deeply for a report
    except orjson.JSONDecodeError as error:
        raise UsageError(f"The plan is no JSON: {plain(error.msg)}", _HINT) from error
    except orjson.JSONEncodeError as error:
        raise UsageError("The plan is nested too deeply", _HINT) from error
    if not isinstance(plan, dict) or "plan_version" not in plan:
        raise UsageError("This is no plan: it has no plan_version", _HINT)
    return plan


@cache
def _validator() -> jsonschema_rs.Validator:
    import jsonschema_rs  # only where a plan is read

    schema = orjson.loads(Path(__file__).with_name("schema.json").read_bytes())
    return jsonschema_rs.validator_for(schema, mask="the value")
