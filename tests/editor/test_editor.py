"""What an author sees in an editor: the language server of VS Code, Neovim and Helix over a new workspace.

The server is an npm package; `editor/package-lock.json` pins it and its parts by digest.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmops.cli.init import start_workspace
from llmops.kinds import KINDS, POLICY_KINDS
from tests.editor.language_server import LanguageServer, Suggestion, language_server

PACKAGE = Path(__file__).parent
SERVER = PACKAGE / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
SPEC = "specs/new.yaml"
HEAD = "apiVersion: llmops/v1\nkind: {kind}\nmetadata: {{name: a, owner: b}}\nspec:\n  "


@pytest.fixture(scope="module")
def command() -> list[str]:
    """The language server's command line; its packages are fetched once."""
    node, npm = (Path(sys.executable).with_name(name) for name in ("node", "npm"))
    if not SERVER.exists():
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PACKAGE, check=True, capture_output=True)
    return [str(node), str(SERVER)]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("editor") / "workspace"
    start_workspace(root, "assistant")
    return root


@pytest.fixture(scope="module")
def editor(command: list[str], workspace: Path) -> Iterator[LanguageServer]:
    """An editor with the settings that `llmops init` wrote."""
    schemas = json.loads((workspace / ".vscode" / "settings.json").read_text())["yaml.schemas"]
    yaml = {"validate": True, "hover": True, "completion": True, "schemas": schemas, "schemaStore": {"enable": False}}
    with language_server(command, workspace, {"yaml": yaml}) as server:
        yield server


def complete(editor: LanguageServer, text: str, file: str = SPEC) -> dict[str, Suggestion]:
    """The suggestions at the mark `|`, by their label."""
    return {found.label: found for found in editor.complete(file, *_at_mark(text))}


def hover(editor: LanguageServer, text: str, file: str = SPEC) -> str:
    return editor.hover(file, *_at_mark(text))


def _at_mark(text: str) -> tuple[str, int, int]:
    before, _, after = text.partition("|")
    return before + after, before.count("\n"), len(before) - before.rfind("\n") - 1


def test_an_empty_file_offers_a_whole_document_of_every_kind(editor: LanguageServer) -> None:
    offered = complete(editor, "|")
    assert {label.partition(":")[0] for label in offered if ": " in label} == {*KINDS, *POLICY_KINDS}
    model = offered["Model: a chat model behind an endpoint"]
    assert model.text.startswith("apiVersion: llmops/v1\nkind: Model\nmetadata:\n  name: ${1:")
    assert "  name: support-llm" in model.documentation and "${" not in model.documentation


def test_a_second_document_is_completed_too(editor: LanguageServer, workspace: Path) -> None:
    """A first line that names the schema would not reach it; the settings of the workspace do."""
    first = (workspace / "specs" / "quality.yaml").read_text()
    assert "Model" in complete(editor, f"{first}---\napiVersion: llmops/v1\nkind: |")
    assert editor.diagnostics(SPEC, f"{first}---\napiVersion: llmops/v1\nkind: Monitr\n") != []


def test_kinds_are_explained(editor: LanguageServer) -> None:
    offered = complete(editor, "apiVersion: llmops/v1\nkind: |")
    assert list(offered) == [*KINDS, *POLICY_KINDS]
    assert offered["SafetyPolicy"].documentation.startswith("What an application may take in and say")
    assert all(suggestion.documentation.endswith(".") for suggestion in offered.values())


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Model", {"task", "provider", "context_window", "dimension", "data_residency"}),
        ("Prompt", {"version", "variables", "messages"}),
        ("Dataset", {"path", "format", "licence"}),
        ("RetrievalSource", {"documents", "chunking", "store", "retrieve"}),
        ("SafetyPolicy", {"engines", "rules"}),
        ("Evaluation", {"dataset", "metrics", "sample"}),
        ("Monitor", {"signals", "window_hours"}),
        ("Application", {"model", "prompt", "disclosure", "logging", "tools"}),
        ("Deployment", {"application", "replicas", "rollout"}),
        ("Policy", {"why", "match", "assert", "tests"}),
        ("Waiver", {"policy", "target", "expires"}),
        ("PolicyPack", {"version", "licence"}),
    ],
)
def test_the_fields_of_each_kind_are_offered_and_explained(editor: LanguageServer, kind: str, fields: set[str]) -> None:
    offered = complete(editor, HEAD.format(kind=kind) + "|")
    assert fields <= set(offered)
    assert all(offered[field].documentation.rstrip("`.") for field in fields)
    assert not {"apiVersion", "metadata"} & set(offered)


@pytest.mark.parametrize(
    ("kind", "text", "value", "meaning"),
    [
        ("Model", "task: chat\n  provider: |", "llama.cpp", "llmops starts it on this machine"),
        ("Model", "task: embedding\n  provider: |", "onnx", "Runs in the process that needs it"),
        ("RetrievalSource", "retrieve:\n    mode: |", "hybrid", "Both, joined by reciprocal rank."),
        ("RetrievalSource", "store:\n    kind: |", "pgvector", "any Postgres with the pgvector extension"),
        ("SafetyPolicy", "rules:\n    - id: a\n      action: |", "redact", "What was found is removed"),
        ("SafetyPolicy", "rules:\n    - id: a\n      detector:\n        kind: |", "groundedness", "the passages do not carry"),
        (
            "SafetyPolicy",
            "rules:\n    - id: a\n      detector:\n        kind: pii\n        entities:\n          - |",
            "US_SSN",
            "Social security",
        ),
        ("Evaluation", "metrics:\n    - name: |", "abstention", "does not know"),
        ("Monitor", "signals:\n    - name: |", "latency_p95_ms", "in milliseconds"),
        ("Application", "risk: |", "high", "Annex III"),
        ("Policy", "severity: |", "critical", "Harms somebody."),
    ],
)
def test_each_value_says_what_it_means(editor: LanguageServer, kind: str, text: str, value: str, meaning: str) -> None:
    offered = complete(editor, HEAD.format(kind=kind) + text)
    assert meaning in offered[value].documentation


def test_only_the_fields_of_the_chosen_variant_are_offered(editor: LanguageServer) -> None:
    chat, embedding = (set(complete(editor, HEAD.format(kind="Model") + f"task: {task}\n  |")) for task in ("chat", "embedding"))
    assert "chat_template" in chat and "dimension" not in chat
    assert "dimension" in embedding and "chat_template" not in embedding
    store = complete(editor, HEAD.format(kind="RetrievalSource") + "store:\n    kind: embedded\n    |")
    assert "dimension" in store and "connection" not in store


def test_a_field_with_parts_brings_the_required_ones(editor: LanguageServer) -> None:
    offered = complete(editor, HEAD.format(kind="RetrievalSource") + "|")
    assert offered["chunking"].text.startswith("chunking:\n  by: ${1:word}\n  length: ")
    assert offered["store"].text.startswith("store:\n")


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("RetrievalSource", "retrieve:\n    to|p_k: 3", ["Number of passages given to the prompt", "Default: `4`."]),
        ("Model", "task: chat\n  prov|ider: openai", ["* `openai`: Any OpenAI-compatible endpoint", "* `llama.cpp`: llmops starts it"]),
        ("Application", "disclo|sure: A machine", ["What users are told", "`llmops ask` shows it"]),
        ("Application", "logging: {reten|tion_days: 30}", ["Days after which an interaction is deleted"]),
        ("Policy", "ass|ert: 'true'", ["CEL, true or false: what must hold"]),
    ],
)
def test_a_field_is_explained_where_the_pointer_rests(editor: LanguageServer, kind: str, text: str, shown: list[str]) -> None:
    said = hover(editor, HEAD.format(kind=kind) + text)
    assert all(part in said for part in shown), said
    assert r"\`" not in said, "code is shown as code"


def test_a_misspelt_field_is_underlined(editor: LanguageServer) -> None:
    found = editor.diagnostics(SPEC, HEAD.format(kind="Monitor") + "signals: [{name: error_rate, max: 0.1}]\n  shedule: '0 * * * *'\n")
    assert found == ["Property shedule is not allowed."]


def test_a_wrong_value_is_underlined_with_those_allowed(editor: LanguageServer) -> None:
    (found,) = editor.diagnostics(SPEC, HEAD.format(kind="Monitor") + "signals: [{name: error-rate, max: 0.1}]\n")
    assert '"error_rate"' in found and '"latency_p95_ms"' in found


def test_new_files_of_a_workspace_are_clean(editor: LanguageServer, workspace: Path) -> None:
    files = [*workspace.rglob("specs/*.yaml"), *workspace.rglob("environments/**/*.yaml"), workspace / "llmops.yaml"]
    found = {file.name: editor.diagnostics(str(file.relative_to(workspace)), file.read_text()) for file in files}
    assert len(files) == 8 and not any(found.values()), found


def test_policies_are_completed_in_their_folder(editor: LanguageServer) -> None:
    offered = complete(editor, HEAD.format(kind="Policy") + "match:\n    |", "policies/new.yaml")
    assert {"kinds", "labels", "environments", "on"} <= set(offered)


def test_settings_and_patches_have_schemas_of_their_own(editor: LanguageServer) -> None:
    patch = complete(editor, "target:\n  kind: |", "environments/prod/new.yaml")
    assert list(patch) == list(KINDS) and patch["Dataset"].documentation
    assert "Patch: another value in this environment" in complete(editor, "|", "environments/prod/new.yaml")
