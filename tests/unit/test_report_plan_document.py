"""The plan as JSON: written and read again, and whatever is no plan refused with a reason, by both validators alike."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops.errors import UsageError
from llmops.plan.classes import BREAKING_FIELDS
from llmops.report.plans import PLAN_FORMATS, document
from llmops.report.plans.document import MOST_CHARACTERS, read_plan, write_plan
from llmops.report.plans.markdown import LIMIT, MARKER
from llmops.report.plans.outline import SECTIONS
from llmops.report.plans.sections import MOST_ROWS
from llmops.report.plans.text import report
from llmops.report.plans.values import LONGEST
from tests.conftest import ROOT
from tests.unit.plan_samples import EVIL, Plan, blocked, change, everything, field, huge, nothing, promotion, small

SCHEMA = json.loads(Path(document.__file__).with_name("schema.json").read_text("utf-8"))
REFERENCE = jsonschema.Draft202012Validator(SCHEMA)
PAGE = (ROOT / "docs" / "plan.md").read_text("utf-8")
FAST = jsonschema_rs.validator_for(SCHEMA)
SAMPLES: list[Callable[[], Plan]] = [small, everything, promotion, nothing, blocked]


def refusal(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_plan(text)
    return caught.value


def changed(plan: Plan, path: str, value: Any) -> str:
    """The plan's JSON with another value at a path such as `changes/0/class`."""
    spoilt = copy.deepcopy(plan)
    *parents, last = path.split("/")
    holder: Any = spoilt
    for step in parents:
        holder = holder[int(step) if isinstance(holder, list) else step]
    holder[int(last) if isinstance(holder, list) else last] = value
    return json.dumps(spoilt)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_names_every_field_that_the_samples_have() -> None:
    assert list(SCHEMA["properties"]) == list(everything()) == SCHEMA["required"]


def parts_of(schema: Any) -> list[dict[str, Any]]:
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return [*([schema] if isinstance(schema, dict) else []), *(part for value in inner for part in parts_of(value))]


def test_nothing_in_the_schema_is_open_or_without_an_end() -> None:
    for part in parts_of(SCHEMA):
        if part.get("type") == "object":
            assert "additionalProperties" in part
            assert part["additionalProperties"] is False or "maxProperties" in part
        if part.get("type") == "array":
            assert "maxItems" in part
        if part.get("type") == "string":
            assert "maxLength" in part or "pattern" in part


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_plan_is_read_as_it_was_written(sample: Callable[[], Plan]) -> None:
    text = write_plan(sample())
    assert read_plan(text) == sample()
    assert list(read_plan(text)) == list(sample()), "in the order given"
    assert text.startswith('{\n  "plan_version": 1,\n') and text.endswith("}\n")


@pytest.mark.parametrize("name", PLAN_FORMATS)
def test_every_form_reports(name: str) -> None:
    text = import_module(PLAN_FORMATS[name]).report(everything(), colour=True, width=80)
    assert text.endswith("\n") and "handbook-answer" in text


def test_the_json_form_is_the_document() -> None:
    assert import_module(PLAN_FORMATS["json"]).report(small(), colour=True, width=80) == write_plan(small())


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "nul", '{"a": NaN}', "\x1b[2J", "{'a': 1}", '"\\ud800"'])
def test_what_is_no_json_is_refused(text: str) -> None:
    error = refusal(text)
    assert str(error).startswith("The plan is no JSON: ") and error.hint and "\x1b" not in str(error)


@pytest.mark.parametrize("value", [None, 1, "plan", [], [{"plan_version": 1}], {}, {"version": 1}])
def test_what_is_no_plan_is_refused(value: Any) -> None:
    assert str(refusal(json.dumps(value))) == "This is no plan: it has no plan_version"


@pytest.mark.parametrize("version", [0, 2, 1.5, "1", None, [1], {"a": EVIL}])
def test_another_version_is_refused(version: Any) -> None:
    assert str(refusal(changed(small(), "plan_version", version))) == "Plans of version 1 are read, and this one is of another"


def test_a_plan_that_is_too_large_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orjson, "loads", lambda _: pytest.fail("it was parsed"))
    error = refusal("[" * (MOST_CHARACTERS + 1))
    assert str(error) == "The plan has 5,000,001 characters; 5,000,000 are read"
    assert "--env" in error.hint


def test_a_plan_of_a_thousand_changes_can_be_read() -> None:
    rows = [change(f"Prompt/p{i}@1.0.0", fields=[field("spec.x", "a" * 300, "b" * 300)]) for i in range(1000)]
    text = write_plan({**small(), "changes": rows})
    assert 500_000 < len(text) < MOST_CHARACTERS and len(read_plan(text)["changes"]) == 1000


@pytest.mark.parametrize("depth", [255, 800, 100_000])
def test_a_value_that_is_nested_deeply_is_refused(depth: int) -> None:
    text = write_plan({**small(), "changes": [change(fields=[field("spec.x", None, "HERE")])]})
    error = refusal(text.replace('"HERE"', "[" * depth + "]" * depth))
    assert "nested" in str(error) or "depth" in str(error)


def test_a_value_that_is_nested_less_can_be_reported() -> None:
    value: Any = "x"
    for _ in range(200):
        value = [value]
    plan = read_plan(write_plan({**small(), "changes": [change(fields=[field("spec.x", None, value)])]}))
    for name in PLAN_FORMATS.values():
        assert import_module(name).report(plan)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("summary/class", "urgent"),
        ("summary/changes", -1),
        ("summary/changes", 1.5),
        ("base/commit", "HEAD"),
        ("base/name", ""),
        ("environments", ["dev", "dev"]),
        ("environments/0", "Dev"),
        ("environments/0", "a" * 64),
        ("changes/0/class", None),
        ("changes/0/operation", "rename"),
        ("changes/0/resource", "Prompt/../../etc"),
        ("changes/0/resource", "Prompt/a\nb"),
        ("changes/0/resource", "@acme/docs"),
        ("changes/0/was", "x"),
        ("changes/0/owner", ""),
        ("changes/0/owner", "a" * 255),
        ("changes/0/file", "a" * 1001),
        ("changes/0/line", "2"),
        ("changes/0/fields", {}),
        ("changes/0/extra", 1),
        ("changes/2/fields/0/note", None),
        ("changes/2/fields/0/operation", "set"),
        ("changes/2/fields/1/words/0", ["same"]),
        ("changes/2/fields/1/words/0", ["same", "a", "b"]),
        ("changes/2/fields/1/words/0", ["moved", "a"]),
        ("changes/2/fields/1/words/0", ["same", 1]),
        ("reach/0/through", ["x"]),
        ("applications/0/environments/dev", {"before": None}),
        ("applications/0/environments/dev/after", "sha256:abc"),
        ("applications/0/environments/P R O D", {"before": None, "after": None}),
        ("indexes/0/mode", "some"),
        ("indexes/0/chunks", None),
        ("indexes/0/seconds", -1),
        ("indexes/0/dollars", "1"),
        ("evaluations/0/blocking", 1),
        ("findings/new/0/severity", "fatal"),
        ("findings/new/0/because", ""),
        ("findings/new/0/code", "LLM"),
        ("findings/new/0/message", "x" * 20_001),
        ("policies/0/starts", None),
        ("costs/0/before", {}),
        ("prices/digest", "c"),
        ("prices/models/Model", {}),
        ("reviewers/0/handle", ""),
        ("matrix/0/values", []),
        ("promotion", {}),
        ("lock/published", [""]),
        ("lock/other", []),
        ("evidence/0/release", None),
        ("evidence/0/entries", [{}]),
        ("evidence/0/entries", [{"evaluation": 1}]),
        ("blocked", None),
        ("unknown", 1),
    ],
)
def test_what_the_schema_does_not_allow_is_refused(path: str, value: Any) -> None:
    text = changed(everything(), path, value)
    error = refusal(text)
    assert str(error).startswith("The plan is wrong at /") and len(str(error)) < 500
    assert not REFERENCE.is_valid(json.loads(text))


@pytest.mark.parametrize("key", list(everything()))
def test_every_field_is_needed(key: str) -> None:
    plan = everything()
    del plan[key]
    assert key in str(refusal(json.dumps(plan)))
    assert not REFERENCE.is_valid(plan)


@pytest.mark.parametrize("value", [EVIL, "x" * 100_000, "\x1b[2J\u202e", "AKIA" + "A" * 16])
def test_a_refusal_repeats_nothing_that_harms(value: str) -> None:
    for text in (changed(small(), "workspace", [value]), changed(small(), f"lock/{value.replace('/', ' ')}", 1)):
        error = str(refusal(text))
        assert len(error) < 500 and "\x1b" not in error and "\u202e" not in error and "AKIA" not in error


def test_texts_of_any_sort_pass_where_texts_may_stand() -> None:
    plan = everything()
    plan["changes"][2]["fields"][0].update({"path": EVIL, "old": {EVIL: [EVIL]}, "new": EVIL, "note": EVIL})
    plan["reviewers"][0].update({"owner": EVIL[:200], "handle": EVIL[:200], "why": [EVIL]})
    plan["findings"]["new"][0].update({"message": EVIL, "hint": EVIL, "waived": EVIL, "file": EVIL})
    assert read_plan(write_plan(plan)) == plan


# Both validators

# No text ends in a newline: Python's `$` also matches before one, and ECMA's, which JSON Schema means, does not.
TEXTS = st.text(max_size=12).map(lambda text: text.rstrip("\n")) | st.sampled_from(
    ["Prompt/a@1.0.0", "dev", "breaking", "sha256:" + "a" * 64, "LLM0901", "a" * 40, "x" * 1001, "", "same"]
)
NUMBERS = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0, 1, -1, 1.0, 1e13])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def places_in(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places_in(inner, (*path, key)))]


@st.composite
def spoilt_plans(draw: st.DrawFn) -> Plan:
    """A plan with one to three of its values replaced, removed, or joined by an unknown field."""
    plan = copy.deepcopy(draw(st.sampled_from(SAMPLES))())  # samples share lists
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(places_in(plan)[1:] or [("changes",)]))
        holder: Any = plan
        for step in parents:
            holder = holder[step]
        operation = draw(st.sampled_from(["replace", "remove", "add"]))
        if operation == "replace":
            holder[last] = draw(VALUES)
        elif operation == "remove":
            holder.pop(last)
        elif isinstance(holder, dict):
            holder[draw(TEXTS)] = draw(VALUES)
    return plan


@pytest.mark.parametrize("sample", SAMPLES)
def test_both_accept_the_samples(sample: Callable[[], Plan]) -> None:
    assert FAST.is_valid(sample()) and REFERENCE.is_valid(sample())


@settings(max_examples=300)
@given(spoilt_plans())
def test_both_agree_on_spoilt_plans(plan: Plan) -> None:
    assert FAST.is_valid(plan) == REFERENCE.is_valid(plan)


@settings(max_examples=100)
@given(spoilt_plans())
def test_whatever_is_read_can_be_reported(plan: Plan) -> None:
    try:
        read = read_plan(json.dumps(plan))
    except UsageError:
        return
    for name in PLAN_FORMATS.values():
        assert import_module(name).report(read)


# The page


def test_the_page_names_every_field_of_the_document() -> None:
    table = PAGE.partition("## The document")[2]
    named = [name for row in re.findall(r"^\| (`.+?`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    assert named == list(SCHEMA["properties"])
    words = set(re.findall(r"`(\w+)`", table))
    for part in ("change", "field", "index", "evaluation"):
        assert set(SCHEMA["$defs"][part]["properties"]) - {"source", "evaluation", "resource", "environments"} <= words


def test_the_page_names_every_section_in_order() -> None:
    named = re.findall(r"\*\*([^*]+)\*\*", PAGE.partition("## What a plan says")[2].partition("\n## ")[0])
    assert named == list(SECTIONS)


def test_the_page_shows_the_first_lines_of_a_plan() -> None:
    quoted = re.search(r"```text\n(.+?)```", PAGE, re.DOTALL)
    assert quoted and report(small()).startswith(quoted[1])


def test_the_page_names_the_breaking_fields() -> None:
    rows = dict(re.findall(r"^\| (\w+)(?: with `task: embedding`)? \| (`.+?) \|$", PAGE.partition("Breaking fields")[2], re.MULTILINE))
    for kind, patterns in BREAKING_FIELDS.items():
        assert [name for name in re.findall(r"`([\w.]+)`", rows[kind]) if name != "description"] == [".".join(p) for p in patterns]


def test_the_page_names_the_limits() -> None:
    for limit in (f"{LIMIT:,} characters", f"{MOST_ROWS} rows", f"{MOST_CHARACTERS:,} characters", f"{LONGEST} characters", MARKER):
        assert limit in PAGE


# The rest


def test_huge_plans_are_refused_by_their_size() -> None:
    assert "characters; 5,000,000 are read" in str(refusal(write_plan(huge(100))))


def test_writing_and_showing_a_plan_loads_no_validator() -> None:
    probe = (
        "import sys; from llmops.report.plans import PLAN_FORMATS; from importlib import import_module\n"
        "modules = [import_module(name) for name in PLAN_FORMATS.values()]\n"
        "print(sorted({'jsonschema_rs', 'jsonschema', 'pydantic', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT / "compiler")}
    )
    assert done.stdout.strip() == "[]"
