"""Rules that a schema cannot say: schedules, patterns, paths, fields that belong together."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._utils.schedules import is_valid_cron_schedule
from hypothesis import given
from hypothesis import strategies as st

from llmops.validate.explain import Mistake
from llmops.validate.formats import FORMATS, KIND_RULES, LOCAL_EMBEDDERS, check_formats

BASE = Path(__file__).parents[1] / "golden" / "_base" / "specs"
SPECS: dict[str, dict[str, Any]] = {
    d["kind"]: d for file in sorted(BASE.glob("*.yaml"), reverse=True) for d in yaml.safe_load_all(file.read_text())
}
HERE = ("spec", "x")


def found(name: str, value: Any) -> list[Mistake]:
    return list(FORMATS[name](HERE, value))


@pytest.mark.parametrize(
    "value", ["* * * * *", "0 3 * * *", "*/15 * * * *", "0 0 1,15 * *", "0 9-17 * * 1-5", "5-10/2 * * * *", "0 0 * * 7", "59 23 31 12 0"]
)
def test_schedules(value: str) -> None:
    assert found("cron", value) == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "hourly",
        "@daily",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 * ",
        "* * * * 8",
        "10-5 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "-1 * * * *",
        "1, * * * *",
        "٣ * * * *",
        "1.5 * * * *",
        "* * * * MON",
    ],
)
def test_no_schedules(value: str) -> None:
    mistakes = found("cron", value)
    assert mistakes and {m.code for m in mistakes} == {"LLM0211"}


PART = st.sampled_from(["*", "0", "5", "1-5", "5-1", "*/2", "*/0", "1,3", "59", "60", "31", "12", "13", "7", "8", "24"])


@given(st.lists(PART, min_size=5, max_size=5))
def test_what_passes_is_a_schedule_for_dagster_too(parts: list[str]) -> None:
    """The other way round need not hold: Dagster also takes names and six fields."""
    value = " ".join(parts)
    if not found("cron", value):
        assert is_valid_cron_schedule(value)


@pytest.mark.parametrize("pattern", ["a", r"\bx\b", "(?i)a{1,3}", "[[a]", "é", ""])
def test_patterns(pattern: str) -> None:
    assert found("regex", [pattern]) == []


@pytest.mark.parametrize(
    "pattern", ["(", "[a", "*", "a{99999999999999999999}", "(?P<a>x)(?P<a>y)", "(" * 5_000 + ")" * 5_000, "\bword\b", "\\"]
)
def test_no_patterns(pattern: str) -> None:
    (mistake,) = found("regex", ["fine", pattern])
    assert mistake.code == "LLM0212" and mistake.path == (*HERE, 1) and mistake.hint


@given(st.text(max_size=20))
def test_any_text_is_a_pattern_or_a_mistake(pattern: str) -> None:
    assert len(found("regex", [pattern])) <= 1


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("a.md", True),
        ("../docs/**/*.md", True),
        ("a b.md", True),
        ("/a", False),
        ("~/a", False),
        ("C:/a", False),
        ("c:a", False),
        ("a\\b", False),
        ("https://a", False),
        ("a\0", False),
    ],
)
def test_paths(value: str, right: bool) -> None:
    assert [m.code for m in found("path", value)] == ([] if right else ["LLM0213"])


def test_formats_are_looked_for_where_the_schema_says() -> None:
    for kind, path, value in (
        ("Monitor", ("schedule",), "never"),
        ("Evaluation", ("schedule",), "never"),
        ("RetrievalSource", ("refresh",), {"schedule": "never"}),
        ("RetrievalSource", ("documents", "paths"), ["/x"]),
        ("RetrievalSource", ("documents", "exclude"), ["/x"]),
        ("Dataset", ("path",), "/x"),
        ("Prompt", ("messages",), [{"role": "user", "content_file": "/x"}]),
        ("SafetyPolicy", ("rules", 0, "detector", "patterns"), ["("]),
    ):
        data = copy.deepcopy(SPECS[kind])
        part: Any = data["spec"]
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        assert [m.code for m in check_formats(data)] in (["LLM0211"], ["LLM0212"], ["LLM0213"]), (kind, path)


@pytest.mark.parametrize(
    ("kind", "change", "code", "path"),
    [
        ("Model", {"provider": "llama.cpp", "endpoint": {"url": "http://127.0.0.1:18181/v1"}}, "LLM0214", ("spec", "provider")),
        ("Model", {"provider": "llama.cpp", "weights": {}}, "LLM0217", ("spec", "endpoint", "url")),
        ("Model", {"provider": "onnx", "weights": {}, "model": "bert"}, "LLM0217", ("spec", "model")),
        ("Model", {"provider": "openai", "weights": {}}, "LLM0214", ("spec", "weights")),
        ("Model", {"provider": "openai", "chat_template": "x"}, "LLM0214", ("spec", "chat_template")),
        ("Prompt", {"messages": [{"role": "user"}]}, "LLM0214", ("spec", "messages", 0)),
        ("Prompt", {"messages": [{"role": "user", "content": "a", "content_file": "b"}]}, "LLM0214", ("spec", "messages", 0)),
        ("RetrievalSource", {"chunking": {"length": 10, "overlap": 10}}, "LLM0215", ("spec", "chunking", "overlap")),
        ("Evaluation", {"metrics": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, "LLM0216", ("spec", "metrics", 2, "name")),
        ("Monitor", {"signals": [{"name": "a", "max": 1}, {"name": "a", "min": 1}]}, "LLM0216", ("spec", "signals", 1, "name")),
        ("Monitor", {"signals": [{"name": "a"}]}, "LLM0214", ("spec", "signals", 0)),
        (
            "Application",
            {"prompt": "x", "variants": [{"prompt": "a@1.0.0", "weight": 50}, {"prompt": "b@1.0.0", "weight": 50}]},
            "LLM0214",
            ("spec", "variants"),
        ),
        ("Deployment", {"replicas": {"min": 3, "max": 2}}, "LLM0215", ("spec", "replicas", "min")),
        ("Deployment", {"replicas": {"min": 2}}, "LLM0215", ("spec", "replicas", "min")),
    ],
)
def test_fields_that_belong_together(kind: str, change: dict[str, Any], code: str, path: tuple[Any, ...]) -> None:
    spec = {**SPECS.get(kind, {"spec": {}})["spec"], **change}
    assert [(m.code, m.path) for m in KIND_RULES[kind](spec)] == [(code, path)]


def test_an_application_needs_a_prompt() -> None:
    spec = {key: value for key, value in SPECS["Application"]["spec"].items() if key != "prompt"}
    assert [m.message for m in KIND_RULES["Application"](spec)] == ["The application has neither `prompt` nor `variants`"]


def test_an_embedding_endpoint_is_needed_by_its_provider() -> None:
    assert [m.code for m in KIND_RULES["Model"]({"task": "embedding", "provider": "openai"})] == ["LLM0214"]
    assert [m.code for m in KIND_RULES["Model"]({"task": "embedding", "provider": "onnx", "model": LOCAL_EMBEDDERS[0]})] == ["LLM0214"]
