"""`llmops safety test` on the real engines: what behaves, what does not, and where that is said."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llmops.cli import safety
from llmops.cli.main import main
from llmops.runtime.rails.detectors import DETECTORS
from tests.conftest import Run

BOTH = ("guardrails-ai", "nemoguardrails")
SETTINGS = """\
apiVersion: llmops/v1
kind: Workspace
metadata: {name: trials}
spec: {specs: [specs], default_environment: dev, targets: [guardrails, nemoguardrails], environments: {dev: }}
"""
HEAD = """\
apiVersion: llmops/v1
kind: SafetyPolicy
metadata: {name: p, owner: team}
spec:
  engines: [guardrails-ai, nemoguardrails]
  rules:
"""
RIGHT = """\
    - id: name
      stage: [input, output]
      detector: {kind: keywords, words: [nightfall]}
      action: block
      category: {owasp: LLM02}
      tests:
        hit: ["it is Nightfall"]
        pass: ["it is night"]
"""
WRONG = RIGHT.replace('["it is night"]', '["it is night", "nightfall!"]').replace('["it is Nightfall"]', '["dawn"]')


def workspace(root: Path, *rules: str) -> Path:
    (root / "specs").mkdir(parents=True)
    (root / "llmops.yaml").write_text(SETTINGS)
    (root / "specs" / "safety.yaml").write_text(HEAD + "".join(rules))
    return root


def suite(root: Path, *rows: dict[str, object] | str) -> str:
    (root / "suite.jsonl").write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return "suite.jsonl"


def run(root: Path, *arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """In this process, whose engines are imported already; the exit code and standard output."""
    with pytest.raises(SystemExit) as ended:
        main(["safety", "test", "--workspace", str(root), *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code, capsys.readouterr().out


def test_the_examples_own_cases_behave_on_both_engines(example: Path, llmops: Run) -> None:
    done = llmops("safety", "test", cwd=example)
    assert done.returncode == 0, done.stdout + done.stderr
    for engine in BOTH:
        assert f"{engine:14}  retrieval  4 of 4 cases" in done.stdout
    assert done.stdout.splitlines()[-1] == "28 trials: all as expected."


def test_cases_that_do_not_behave_are_named_by_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(workspace(tmp_path / "w", WRONG), capsys=capsys)
    assert code == 1
    for engine in BOTH:
        for stage in ("input", "output"):
            assert f"specs/safety.yaml:13: error: name on {engine} at {stage}: 'dawn' was let through" in out
            assert f"specs/safety.yaml:14: error: name on {engine} at {stage}: 'nightfall!' was found: contains 'nightfall'" in out
    assert out.count("FAIL") == 4 and out.endswith("8 of 12 trials failed, 0 disagreements.\n")


def test_one_engine_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(workspace(tmp_path / "w", RIGHT), "--engine", "nemoguardrails", capsys=capsys)
    assert code == 0 and "guardrails-ai" not in out and out.endswith("4 trials: all as expected.\n")


def test_rules_whose_cases_show_nothing_are_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = "    - {id: bare, stage: [output], detector: {kind: secrets}, action: block}\n"
    leak = "    - {id: leak, stage: [output], detector: {kind: prompt_leakage}, action: block, tests: {hit: [x]}}\n"
    code, out = run(workspace(tmp_path / "w", RIGHT, bare, leak), capsys=capsys)
    assert code == 0, out
    assert out.count("2 of 2 cases") == 4, "the rule about the prompt fails none of the other's"
    assert "specs/safety.yaml:15: warning: bare: the rule has no case under tests.hit and tests.pass" in out
    assert "specs/safety.yaml:16: warning: leak: prompt_leakage needs what the answer was made from" in out


def test_a_rule_behind_another_is_covered_on_nemo_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    behind = RIGHT.replace("id: name", "id: behind")
    code, out = run(workspace(tmp_path / "w", RIGHT, behind), capsys=capsys)
    assert code == 0
    assert "warning: behind on nemoguardrails at input: 'it is Nightfall' was stopped by rule name" in out
    assert "behind on guardrails-ai" not in out


def test_a_suite_measures_and_names_misses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace(tmp_path / "w", RIGHT)
    row = {"rule": "name", "stage": "output"}
    rows = [
        {**row, "expect": "hit", "text": "nightfall"},
        {**row, "expect": "hit", "text": "n1ghtfall", "note": "digit"},
        {**row, "expect": "pass", "text": "morning"},
        {"category": "LLM02", "stage": "input", "expect": "pass", "text": "Nightfall is at nine"},
    ]
    path = root / suite(root, *rows)
    code, out = run(root, "--suite", str(path), capsys=capsys)
    assert code == 0, out
    lines = [line.split() for line in out.splitlines()]
    for engine in BOTH:
        assert ["p", "name", engine, *["1", "of", "2", "9-91", "%", "0", "of", "1", "0-79", "%", "0"]] in lines
        assert ["p", "LLM02", engine, *["0", "of", "0", "0-100", "%", "1", "of", "1", "21-100", "%", "0"]] in lines
    assert f"{path}:2: note: miss: name on guardrails-ai and nemoguardrails at output: 'n1ghtfall' (digit) was let through" in out
    assert f"{path}:4: note: false alarm: LLM02 on guardrails-ai and nemoguardrails at input" in out


def test_bad_rows_are_located_and_nothing_runs(tmp_path: Path, llmops: Run) -> None:
    root = workspace(tmp_path / "w", RIGHT)
    name = suite(root, "{", {"rule": "nam", "stage": "output", "expect": "hit", "text": "x"})
    done = llmops("safety", "test", "--suite", name, cwd=root)
    assert done.returncode == 1 and done.stdout == ""
    assert "suite.jsonl:1: error: the row is not JSON" in done.stderr
    assert "suite.jsonl:2: error: no rule is called 'nam'; did you mean 'name'?" in done.stderr


def test_a_detector_that_fails_fails_the_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: object) -> None:
        raise OSError("no memory")

    monkeypatch.setitem(DETECTORS, "keywords", lambda settings: crash)
    root = workspace(tmp_path / "w", RIGHT.replace("nightfall", "crashing"))
    path = root / suite(root, {"rule": "name", "stage": "output", "expect": "pass", "text": "x"})
    code, out = run(root, "--suite", str(path), capsys=capsys)
    assert code == 1
    for engine in BOTH:
        assert f"{path}:1: error: name on {engine} at output: 'x' name: the detector failed: no memory" in out


def test_engines_that_disagree_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No text is known on which they do: guardrails-ai's validators are told to look away."""
    from llmops.runtime.rails.validators import VALIDATORS

    monkeypatch.setattr(VALIDATORS["llmops/keywords"], "_validate", lambda self, value, metadata: _passed())
    code, out = run(workspace(tmp_path / "w", RIGHT), capsys=capsys)
    assert code == 1
    assert "name: the engines disagree on 'it is Nightfall': guardrails-ai: pass, nemoguardrails: hit" in out


def _passed() -> object:
    from guardrails.validator_base import PassResult

    return PassResult()


def test_junit_has_a_case_a_trial(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(workspace(tmp_path / "w", WRONG), "--format", "junit", capsys=capsys)
    suites = ElementTree.fromstring(out.split("\n", 1)[1])
    cases = suites.findall("testsuite/testcase")
    assert code == 1 and suites.attrib["failures"] == "8"
    assert len(cases) == len({(case.attrib["classname"], case.attrib["name"]) for case in cases}) == 12
    assert len(suites.findall("testsuite/testcase/failure")) == 8


def test_json_and_markdown_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace(tmp_path / "w", WRONG)
    found = json.loads(run(root, "--format", "json", capsys=capsys)[1])
    assert found["failed"] is True and len(found["trials"]) == 12
    wrong = [t for t in found["trials"] if t["expected"] != t["outcome"]]
    assert {t["source"] for t in wrong} == {"specs/safety.yaml:13", "specs/safety.yaml:14"}
    page = run(root, "--format", "markdown", capsys=capsys)[1]
    assert page.count("\n- error: `specs/safety.yaml:1") == len(wrong) == 8


def test_a_target_that_is_not_rendered_is_refused(tmp_path: Path, llmops: Run) -> None:
    root = workspace(tmp_path / "w", RIGHT)
    (root / "llmops.yaml").write_text(SETTINGS.replace("[guardrails, nemoguardrails]", "[guardrails]"))
    done = llmops("safety", "test", cwd=root)
    assert done.returncode != 0 and "ok" not in done.stdout


def test_every_action_is_offered() -> None:
    assert set(safety.ACTIONS) == {"matrix", "test"}
