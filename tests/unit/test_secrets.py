"""Secrets in specs are found wherever they stand, and no report repeats them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.load.source import Places, Source, load
from llmops.pipeline import check_workspace
from llmops.report.json import json_report
from llmops.report.text import text_report
from llmops.validate.secrets import HIDDEN, KNOWN, check_secrets, hide_secrets, holds_secret

# Put together here so that this file holds no secret of a known form.
SECRETS = {
    "sk-": "sk-" + "a1B2" * 8,
    "AKIA": "AKIA" + "A1B2" * 4,
    "ghp_": "ghp_" + "a1B2" * 9,
    "github_pat_": "github_pat_" + "a1B2" * 12,
    "xoxb-": "xoxb-" + "123-" * 8,
    "AIza": "AIza" + "a1B2_" * 7,
    "hf_": "hf_" + "aB12" * 9,
    "PRIVATE KEY-----": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "://": "postgres://" + "me:" + "pass@db",
    "eyJ": "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12,
}
HARMLESS = [
    "sk-short",
    "task-list",
    "https://example.org/a:b@c",
    "https://example.org:8080/x",
    "mail me@example.org",
    "eyJ.eyJ.x",
    "hf_model",
    '{"url":"http://localhost:80","mail":"a@b"}',
    "postgres://user:{password}@db",
    "s3://bucket/key",
    "https://user@host/x",
]


def findings(text: str) -> list[tuple[str, int, int, int]]:
    source = Source("a.yaml", text)
    documents, _ = load([source])
    return [(d.code, d.location.line, d.location.column, d.location.width) for d in check_secrets(documents, Places([source]))]


def test_there_is_a_sample_of_every_form() -> None:
    assert set(SECRETS) == set(KNOWN)


@pytest.mark.parametrize("form", KNOWN)
def test_known_forms(form: str) -> None:
    secret = SECRETS[form]
    assert holds_secret(secret) and holds_secret(f"x {secret} y")
    assert findings(f"a:\n  b: '{secret}'\n")[0][:2] == ("LLM0210", 2)
    hidden = hide_secrets(f"x {secret} y")
    assert HIDDEN in hidden and len(hidden) == len(f"x {secret} y") and not holds_secret(hidden)


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_texts(text: str) -> None:
    assert not holds_secret(text) and hide_secrets(text) == text


@pytest.mark.parametrize(
    "text",
    ["# {}\na: 1", "a: [1, {}]", "{}: 1", "a: |\n  line\n  {}\n", "a: [\n# {}", "é: {}", "a: 1\n---\nb: {}"],
)
def test_they_are_found_in_comments_names_and_broken_files(text: str) -> None:
    secret = SECRETS["sk-"]
    filled = text.replace("{}", secret)
    ((code, line, column, width),) = findings(filled)
    assert code == "LLM0210" and filled.split("\n")[line - 1][column - 1 : column - 1 + width] == secret


def test_every_one_of_a_file_is_found() -> None:
    assert len(findings("\n".join(f"a{i}: {secret}" for i, secret in enumerate(SECRETS.values())))) == len(SECRETS)


SPOTS = {
    "key": ("{env: LLM_API_KEY}", "{}"),
    "quoted key": ("{env: LLM_API_KEY}", "'{}'"),
    "key in a list": ("{env: LLM_API_KEY}", "[{}]"),
    "key over lines": ("{env: LLM_API_KEY}", "|\n      {}"),
    "name of the variable": ("LLM_API_KEY", "{}"),
    "task": ("task: chat", "task: {}"),
    "kind": ("kind: Model", "kind: {}"),
    "apiVersion": ("llmops/v1", "{}"),
    "name": ("name: chatter", "name: {}"),
    "field": ("  max_output_tokens", "  {}"),
    "number": ("2048", "{}"),
    "syntax": ("model: gpt-small", "model: {}: x"),
    "repeated": ("model: gpt-small", "{}: x\n  {}: y"),
    "anchor": ("model: gpt-small", "model: &{} x"),
    "tag": ("model: gpt-small", "model: !{} x"),
}


@pytest.mark.parametrize("spot", SPOTS)
def test_no_report_repeats_a_known_form(base: Path, spot: str) -> None:
    old, new = SPOTS[spot]
    secret = SECRETS["sk-"]
    file = base / "specs" / "model.yaml"
    file.write_text(file.read_text().replace(old, new.replace("{}", secret), 1))
    assert_not_repeated(base, secret)


FLOW = [
    "hunter2",
    "'hunter2'",
    '"hunter2 x"',
    "[hunter2]",
    "{key: hunter2}",
    "{env: hunter2}",
    "{hunter2}",
    "hunter2 # old: hunter2",
    "'a\n      hunter2'",
]
BLOCK = ["|\n      hunter2", ">\n      hunter2", "\n      key: hunter2", "\n      env: hunter2", "\n    - hunter2"]


@pytest.mark.parametrize(("value", "around"), [(v, "    api_key: {}\n") for v in FLOW + BLOCK] + [(v, "    {api_key: {}}\n") for v in FLOW])
def test_no_report_repeats_what_stands_in_a_field_for_secrets(base: Path, value: str, around: str) -> None:
    file = base / "specs" / "model.yaml"
    text = (
        file.read_text()
        .replace("    api_key: {env: LLM_API_KEY}\n", "")
        .replace("    url: https://llm.example.org/v1\n", around.replace("{}", value))
    )
    file.write_text(text)
    assert_not_repeated(base, "hunter2")


def assert_not_repeated(base: Path, secret: str) -> None:
    checked = check_workspace(base)
    assert checked.diagnostics
    for report in (text_report(checked.diagnostics, checked.places.text, colour=False), json_report(checked.diagnostics)):
        assert secret not in report
