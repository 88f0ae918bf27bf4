"""The files of the two guardrail targets, without the engines."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson
import pytest
import yaml

from llmops.errors import LlmopsError
from llmops.render import guardrails_ai, nemoguardrails
from llmops.resources import Graph
from tests.policies_graph import example, policy_of, rule

REGEX = {"kind": "regex", "patterns": ["secret \\w+"]}
SWEARING = {"kind": "profanity"}
GROUNDED = {"kind": "groundedness", "threshold": 0.5}


def files(graph: Graph) -> dict[str, Any]:
    artifacts = [*guardrails_ai.render(graph), *nemoguardrails.render(graph)]
    return {a.path: orjson.loads(a.content) if a.path.endswith(".json") else yaml.safe_load(a.content) for a in artifacts}


def test_the_example_renders_one_guard_a_stage_and_two_configurations() -> None:
    assert sorted(files(example())) == [
        "guardrails/public-assistant/input.json",
        "guardrails/public-assistant/output.json",
        "guardrails/public-assistant/retrieval.json",
        "guardrails/public-assistant/rules.json",
        "nemoguardrails/public-assistant/conversation/config.yml",
        "nemoguardrails/public-assistant/retrieval/config.yml",
        "nemoguardrails/public-assistant/rules.json",
    ]


def test_a_stage_without_rules_has_no_file() -> None:
    rendered = files(policy_of([rule("r", REGEX)]))
    assert "guardrails/p/output.json" in rendered and "guardrails/p/input.json" not in rendered
    assert "nemoguardrails/p/conversation/config.yml" in rendered and "nemoguardrails/p/retrieval/config.yml" not in rendered
    assert list(rendered["nemoguardrails/p/conversation/config.yml"]["rails"]) == ["config", "output"]


def test_only_the_engines_of_the_policy_are_rendered() -> None:
    assert all(path.startswith("guardrails/") for path in files(policy_of([rule("r", REGEX)], ["guardrails-ai"])))
    assert all(path.startswith("nemoguardrails/") for path in files(policy_of([rule("r", REGEX)], ["nemoguardrails"])))


def test_a_guard_writes_out_every_keyword_and_looks_at_the_whole_text() -> None:
    guard = files(example())["guardrails/public-assistant/input.json"]
    patterns = [r"(?i)\bignore\b.{0,30}\b(instructions|rules)\b", r"(?i)\breveal\b.{0,20}\bsystem prompt\b"]
    assert guard["name"] == "public-assistant-input" and guard["output_schema"] == {"type": "string"}
    assert guard["validators"] == [
        {"id": "llmops/regex", "on": "$", "onFail": "noop", "kwargs": {"rule": "injection-phrases", "patterns": patterns}},
        {"id": "guardrails/valid_length", "on": "$", "onFail": "noop", "kwargs": {"min": 1, "max": 600}},
    ]


def test_only_enforced_redaction_fixes_and_it_comes_last() -> None:
    cut = rule("cut", REGEX, action="redact")
    watched = rule("watched", {"kind": "pii", "entities": ["US_SSN"]}, action="redact", mode="monitor")
    guard = files(policy_of([cut, watched, rule("stop", REGEX)]))["guardrails/p/output.json"]
    assert [(v["kwargs"]["rule"], v["onFail"]) for v in guard["validators"]] == [("watched", "noop"), ("stop", "noop"), ("cut", "fix")]


def test_two_rules_with_an_equal_native_validator_share_it() -> None:
    rendered = files(policy_of([rule("note", SWEARING, action="flag"), rule("stop", SWEARING)], ["guardrails-ai"]))
    assert len(rendered["guardrails/p/output.json"]["validators"]) == 1
    announced = rendered["guardrails/p/rules.json"]["stages"]["output"]
    assert announced == {
        "validators": ["guardrails/profanity_free"],
        "checks": [{"rule": "note", "validator": 0}, {"rule": "stop", "validator": 0}],
        "holdback": None,
    }


def test_equal_detectors_of_ours_stay_apart_by_their_rule() -> None:
    guard = files(policy_of([rule("a", REGEX), rule("b", REGEX)]))["guardrails/p/output.json"]
    assert [v["kwargs"]["rule"] for v in guard["validators"]] == ["a", "b"]


def test_rules_json_carries_what_the_verdict_needs() -> None:
    announced = files(example())["guardrails/public-assistant/rules.json"]
    assert announced["engines"] == ["guardrails-ai", "nemoguardrails"] and announced["source"] == "specs/safety.yaml:2"
    assert announced["rules"][2] == {
        "id": "pii-out",
        "action": "redact",
        "mode": "enforce",
        "on_error": "block",
        "severity": "high",
        "category": {"owasp": "LLM02"},
        "message": "Personal data removed",
        "source": "specs/safety.yaml:2",
    }
    assert announced["stages"]["output"] == {"validators": ["llmops/pii"], "checks": [{"rule": "pii-out", "validator": 0}], "holdback": 320}


def test_nemo_patterns_go_to_its_own_flow_and_the_rest_to_ours() -> None:
    config = files(example())["nemoguardrails/public-assistant/conversation/config.yml"]
    assert config["rails"]["input"]["flows"] == ["regex check input", 'llmops check input $rule="question-length"']
    assert len(config["rails"]["config"]["regex_detection"]["input"]["patterns"]) == 2
    assert config["custom_data"]["llmops"]["rules"]["pii-out"] == {
        "detector": {"kind": "pii", "entities": ["EMAIL_ADDRESS", "CREDIT_CARD"], "threshold": 0.35},
        "action": "redact",
        "on_error": "block",
    }
    assert config["models"] == [] and config["colang_version"] == "1.0"


def test_nemo_reads_passages_as_input() -> None:
    rendered = files(example())
    assert rendered["nemoguardrails/public-assistant/retrieval/config.yml"]["rails"]["input"] == {"flows": ["regex check input"]}
    announced = rendered["nemoguardrails/public-assistant/rules.json"]["stages"]["retrieval"]
    assert (announced["config"], announced["direction"]) == ("retrieval/config.yml", "input")


def test_nemo_rules_that_share_the_regex_flow_keep_their_patterns() -> None:
    other = {"kind": "regex", "patterns": ["other", "secret \\w+"]}
    rendered = files(policy_of([rule("a", REGEX), rule("b", other)]))
    config = rendered["nemoguardrails/p/conversation/config.yml"]
    assert config["rails"]["config"]["regex_detection"]["output"]["patterns"] == ["secret \\w+", "other"]
    checks = rendered["nemoguardrails/p/rules.json"]["stages"]["output"]["checks"]
    assert [(c["rule"], c["patterns"]) for c in checks] == [("a", ["secret \\w+"]), ("b", ["other", "secret \\w+"])]


def test_a_rule_that_monitors_never_stops_nemo() -> None:
    config = files(policy_of([rule("m", REGEX, mode="monitor")]))["nemoguardrails/p/conversation/config.yml"]
    assert config["custom_data"]["llmops"]["rules"]["m"]["action"] == "log"
    assert config["custom_data"]["llmops"]["rules"]["m"]["on_error"] == "log"


def test_a_rule_for_one_engine_is_missing_in_the_other() -> None:
    rendered = files(policy_of([rule("g", GROUNDED, engines=["guardrails-ai"]), rule("r", REGEX)]))
    assert [r["id"] for r in rendered["guardrails/p/rules.json"]["rules"]] == ["g", "r"]
    assert [r["id"] for r in rendered["nemoguardrails/p/rules.json"]["rules"]] == ["r"]


def test_a_gap_is_never_rendered() -> None:
    with pytest.raises(LlmopsError, match="nemoguardrails cannot enforce rule g at stage output") as error:
        files(policy_of([rule("g", GROUNDED)]))
    assert "engines: [guardrails-ai]" in error.value.hint


def test_the_same_policy_gives_the_same_bytes() -> None:
    first, second = ([(a.path, a.content) for a in target(example())] for target in (nemoguardrails.render, nemoguardrails.render))
    assert first == second and len(first) == 3


def test_rendering_imports_no_engine() -> None:
    program = (
        "import sys; from tests.policies_graph import example; from llmops.render import guardrails_ai, nemoguardrails\n"
        "list(guardrails_ai.render(example())), list(nemoguardrails.render(example()))\n"
        "print(sorted({'guardrails', 'nemoguardrails', 'presidio_analyzer', 'llmops.runtime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"
