"""Packs: folders of the workspace and of installed packages, their versions, and what the workspace changes of them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from llmops.diagnostics import Diagnostic
from llmops.pipeline import check_workspace, open_policies
from tests.policy_texts import document, policy

PACK = document("PolicyPack", {"name": "acme-rules", "owner": "risk"}, {"version": "1.4.2"})


def settings(root: Path, entries: str) -> Path:
    file = root / "llmops.yaml"
    file.write_text(f"{file.read_text().rstrip()}\n  policies: {entries}\n")
    return root


def found(root: Path) -> list[Diagnostic]:
    return list(check_workspace(root).diagnostics)


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package whose folder is a pack. Importing it fails the test."""
    package = tmp_path / "site" / "acme_policies"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('a pack was imported')\n")
    (package / "pack.yaml").write_text(PACK)
    (package / "pinned.yaml").write_text(policy())
    monkeypatch.syspath_prepend(str(package.parent))
    return package


def test_a_package_is_read_and_not_imported(base: Path, acme: Path) -> None:
    violations = found(settings(base, "[{package: acme_policies}]"))
    assert [d.code for d in violations] == ["LLM0901", "LLM0901"]
    assert violations[0].locations[-1].file == "acme_policies/pinned.yaml"
    assert "acme_policies" not in sys.modules


def test_a_folder_inside_a_package_is_a_pack_too(base: Path, acme: Path) -> None:
    (acme / "strict").mkdir()
    (acme / "strict/pack.yaml").write_text(PACK)
    (acme / "strict/other.yaml").write_text(policy("other"))
    front = open_policies(settings(base, "[{package: acme_policies.strict}]"))
    assert [rule.name for rule in front.packs.rules] == ["other"]


@pytest.mark.parametrize(("wanted", "fits"), [("1", True), ("1.4", True), ("1.4.2", True), ("1.5", False), ("2", False), ("1.4.21", False)])
def test_the_version_is_held(base: Path, acme: Path, wanted: str, fits: bool) -> None:
    codes = {d.code for d in found(settings(base, f'[{{package: acme_policies, version: "{wanted}"}}]'))}
    assert ("LLM0909" in codes) is not fits


def test_a_package_without_a_version_is_refused(base: Path, acme: Path) -> None:
    (acme / "pack.yaml").unlink()
    assert "LLM0909" in {d.code for d in found(settings(base, "[{package: acme_policies}]"))}


def test_the_starter_pack_is_a_package(base: Path) -> None:
    front = open_policies(settings(base, '[{package: llmops.packs.starter, version: "1"}]'))
    assert len(front.packs.rules) >= 25
    assert not [d for d in front.diagnostics if d.code.startswith("LLM09")]


def test_the_usual_folder_is_taken_where_none_is_named(base: Path) -> None:
    (base / "policies").mkdir()
    (base / "policies/pinned.yaml").write_text(policy())
    assert len(found(base)) == 2
    assert not found(settings(base, "[]"))


def test_several_packs_are_added_up(base: Path, acme: Path) -> None:
    (base / "rules").mkdir()
    (base / "rules/other.yaml").write_text(policy("other"))
    front = open_policies(settings(base, "[{path: rules}, {package: acme_policies}]"))
    assert [rule.name for rule in front.packs.rules] == ["other", "pinned-revision"]


def test_the_workspace_changes_enforcement(base: Path, acme: Path) -> None:
    violations = found(settings(base, "[{package: acme_policies, enforcement: {pinned-revision: {dev: audit}}}]"))
    assert {d.severity for d in violations} == {"note"}
    assert {d.severity for d in check_workspace(base, "prod").diagnostics} == {"error"}


def test_a_broken_policy_is_an_error_and_the_rest_is_evaluated(base: Path, acme: Path) -> None:
    (acme / "broken.yaml").write_text("kind: [\n")
    codes = sorted(d.code for d in found(settings(base, "[{package: acme_policies}]")))
    assert codes == ["LLM0002", "LLM0901", "LLM0901"]


def test_a_pack_of_links_that_lead_out_is_refused(base: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(policy())
    (base / "policies").mkdir()
    os.symlink(outside, base / "policies/pinned.yaml")
    assert "LLM0103" in {d.code for d in found(base)}


def test_two_descriptions_of_one_pack_are_a_mistake(base: Path, acme: Path) -> None:
    (acme / "pack2.yaml").write_text(PACK)
    assert "LLM0909" in {d.code for d in found(settings(base, "[{package: acme_policies}]"))}


@pytest.mark.parametrize("name", ["acme_policies.nothing", "os", "nowhere.at.all"])
def test_what_is_no_folder_of_a_package_is_not_found(base: Path, acme: Path, name: str) -> None:
    (missing,) = found(settings(base, f"[{{package: {name}}}]"))
    assert missing.code == "LLM0909"
    assert name in missing.message
