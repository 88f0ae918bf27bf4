"""Policies over a small workspace: what they look at, what they say, where, and how hard."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from llmops.diagnostics import Diagnostic
from llmops.pipeline import check_workspace
from tests.policy_texts import policy, put, waiver

DAY = date(2026, 1, 15)


def found(root: Path, environment: str | None = None, today: date = DAY) -> list[Diagnostic]:
    return list(check_workspace(root, environment, today=today).diagnostics)


def names(diagnostics: list[Diagnostic]) -> list[str]:
    return sorted(d.message.partition(" ")[0] for d in diagnostics)


def test_every_resource_of_the_kind_is_looked_at(base: Path) -> None:
    violations = found(put(base, a=policy()))
    assert names(violations) == ["chatter", "embedder"]
    assert {d.code for d in violations} == {"LLM0901"}
    assert {d.policy for d in violations} == {"pinned-revision"}


def test_a_policy_that_holds_says_nothing(base: Path) -> None:
    assert not found(put(base, a=policy(**{"assert": "r.metadata.owner != ''"})))


def test_when_narrows(base: Path) -> None:
    assert names(found(put(base, a=policy(when="r.spec.task == 'chat'")))) == ["chatter"]


def test_labels_narrow(base: Path) -> None:
    file = base / "specs/model.yaml"
    file.write_text(file.read_text().replace("owner: ml}", 'owner: ml, labels: {tier: "1"}}'))
    match = {"kinds": ["Model"], "labels": {"tier": "1"}}
    assert names(found(put(base, a=policy(match=match)))) == ["chatter"]


def test_environments_narrow(base: Path) -> None:
    put(base, a=policy(match={"kinds": ["Model"], "environments": ["prod"]}))
    assert not found(base, "dev")
    assert len(found(base, "prod")) == 2


@pytest.mark.parametrize(("effect", "severity", "counts"), [("block", "error", True), ("warn", "warning", True), ("audit", "note", False)])
def test_enforcement_decides_the_severity(base: Path, effect: str, severity: str, counts: bool) -> None:
    for violation in found(put(base, a=policy(enforcement={"dev": effect}))):
        assert violation.severity == severity
        assert violation.counts is counts


def test_an_environment_that_is_not_named_blocks(base: Path) -> None:
    put(base, a=policy(enforcement={"prod": "audit"}))
    assert {d.severity for d in found(base, "dev")} == {"error"}


def test_off_is_silent_but_a_broken_rule_is_not(base: Path) -> None:
    put(base, a=policy(enforcement={"dev": "off"}))
    assert not found(base)
    put(base, a=policy(enforcement={"dev": "off"}, **{"assert": "r.spec.revison == ''"}))
    assert [d.code for d in found(base)] == ["LLM0902"]


def test_the_caret_stands_at_the_value(base: Path) -> None:
    file = base / "specs/model.yaml"
    file.write_text(file.read_text().replace("  model:", "  revision: latest\n  model:", 1))
    (violation,) = found(put(base, a=policy(when="r.spec.task == 'chat'")))
    place = violation.location
    assert (place.file, place.width) == ("specs/model.yaml", len("latest"))
    assert file.read_text().splitlines()[place.line - 1][place.column - 1 :] == "latest"
    assert violation.path == "spec.revision"
    assert violation.locations[-1].file == "policies/a.yaml"


def test_messages_are_filled_in(base: Path) -> None:
    message = "{{kind}} {{name}} in {{env}} has {{ value }}"
    put(base, a=policy(when="r.spec.task == 'chat'", message=message, at="spec.parameters"))
    assert found(base, "prod")[0].message == 'Model chatter in prod has {"temperature":0}'


def test_a_long_value_is_cropped(base: Path) -> None:
    put(base, a=policy(when="r.spec.task == 'chat'", at="spec.model", message="{{value}}"))
    file = base / "specs/model.yaml"
    file.write_text(file.read_text().replace("  model: ", "  model: " + "x" * 300, 1))
    message = found(base)[0].message
    assert len(message) == 80
    assert message.endswith("x…")


def test_each_item_is_judged(base: Path) -> None:
    put(
        base,
        a=policy(
            "rules-block",
            match={"kinds": ["SafetyPolicy"]},
            each="spec.rules",
            at="action",
            **{"assert": "item.action == 'block'"},
        ),
    )
    violations = found(base)
    assert [d.path for d in violations] == ["spec.rules[0].action"]
    assert violations[0].location.width == len("refuse")


def test_an_absent_list_has_no_items(base: Path) -> None:
    put(base, a=policy(match={"kinds": ["Application"]}, each="spec.variants", at="weight", **{"assert": "item.weight > 50"}))
    assert not found(base)


def test_what_a_resource_reaches_can_be_read(base: Path) -> None:
    reads = {"match": {"kinds": ["Application"]}, "at": "spec.safety"}
    put(base, a=policy(**reads, **{"assert": "refs.SafetyPolicy.exists(s, s.spec.rules.size() > 0)"}))
    assert not found(base)
    put(base, a=policy(**reads, **{"assert": "refs.Model.exists(m, m.spec.task == 'embedding' && m.spec.dimension > 9999)"}))
    assert len(found(base)) == 1


def test_a_resource_does_not_reach_itself(base: Path) -> None:
    put(base, a=policy(match={"kinds": ["Application"]}, at="spec.model", **{"assert": "refs.Application.size() == 0"}))
    assert not found(base)


def test_rules_of_references_wait_until_all_resolve(base: Path) -> None:
    """A reference that leads nowhere is one mistake, and not the policy's."""
    put(base, a=policy(match={"kinds": ["Application"]}, at="spec.model", **{"assert": "refs.Model.size() > 0"}))
    file = base / "specs/application.yaml"
    file.write_text(file.read_text().replace("model: chatter", "model: nobody"))
    assert [d.code for d in found(base)] == ["LLM0401"]


def test_files_can_be_read(base: Path) -> None:
    put(base, a=policy(match={"kinds": ["Dataset"]}, at="spec.path", **{"assert": "!r.files.exists(f, f.endsWith('.jsonl'))"}))
    assert len(found(base)) == 1


def test_environment_and_day_can_be_read(base: Path) -> None:
    put(base, a=policy(**{"assert": "env != 'prod' && today < timestamp('2026-02-01T00:00:00Z')"}))
    assert not found(base, "dev")
    assert len(found(base, "prod")) == 2
    assert len(found(base, "dev", date(2026, 2, 2))) == 2


def test_whole_numbers_in_number_fields_are_numbers(base: Path) -> None:
    """`temperature: 0` is an int to YAML, and CEL does not mix ints and doubles."""
    put(base, a=policy(when="r.spec.task == 'chat'", at="spec.parameters", **{"assert": "r.spec.parameters.temperature * 2.0 < 0.5"}))
    assert not found(base)


def test_defaults_are_filled_in(base: Path) -> None:
    put(base, a=policy(when="r.spec.task == 'chat'", **{"assert": "r.spec.endpoint.timeout_seconds == 60"}))
    assert not found(base)


def test_a_rule_that_fails_is_reported_once(base: Path) -> None:
    (failed,) = found(put(base, a=policy(**{"assert": "r.spec.revision != ''"})))
    assert failed.code == "LLM0903"
    assert failed.severity == "error"
    assert "and 1 more" in failed.message


def test_a_failing_rule_is_an_error_even_where_it_only_audits(base: Path) -> None:
    (failed,) = found(put(base, a=policy(enforcement={"dev": "audit"}, **{"assert": "r.spec.revision != ''"})))
    assert failed.severity == "error"


def test_a_broken_rule_does_not_silence_the_others(base: Path) -> None:
    put(base, a=policy("broken", **{"assert": "r.spec.revison == ''"}), b=policy())
    assert sorted(d.code for d in found(base)) == ["LLM0901", "LLM0901", "LLM0902"]


def test_edits_go_where_the_value_was_written(base: Path) -> None:
    patch = base / "environments/prod/float.yaml"
    patch.parent.mkdir(parents=True)
    patch.write_text("target: {kind: Model, name: chatter}\npatch: {spec: {revision: latest}}\n")
    remediation = {"text": "Pin it.", "set": {"spec.revision": "v1"}}
    put(base, a=policy(when="r.spec.task == 'chat'", remediation=remediation))
    (in_dev,), (in_prod,) = found(base, "dev"), found(base, "prod")
    assert [(e.file, e.path, e.value) for e in in_dev.edits] == [("specs/model.yaml", ("spec", "revision"), "v1")]
    assert [(e.file, e.path) for e in in_prod.edits] == [("environments/prod/float.yaml", ("patch", "spec", "revision"))]


def test_edits_of_items_name_the_item(base: Path) -> None:
    remediation = {"text": "Block.", "set": {"action": "block"}}
    about = {"match": {"kinds": ["SafetyPolicy"]}, "each": "spec.rules", "at": "action", "assert": "item.action == 'block'"}
    (violation,) = found(put(base, a=policy(remediation=remediation, **about)))
    assert violation.edits[0].path == ("spec", "rules", 0, "action")


class TestWaivers:
    def test_a_waived_finding_is_shown_and_does_not_count(self, base: Path) -> None:
        put(base, a=policy(when="r.spec.task == 'chat'"), w=waiver())
        (violation,) = found(base)
        assert violation.waived == "The vendor publishes no revisions before March. (until 2026-03-31, approved by risk)"
        assert violation.severity == "error"
        assert not violation.counts

    def test_only_its_target_is_waived(self, base: Path) -> None:
        put(base, a=policy(), w=waiver())
        assert [d.message.partition(" ")[0] for d in found(base) if d.counts] == ["embedder"]

    def test_the_last_day_counts(self, base: Path) -> None:
        put(base, a=policy(when="r.spec.task == 'chat'"), w=waiver())
        assert not any(d.counts for d in found(base, today=date(2026, 3, 31)))
        expired = found(base, today=date(2026, 4, 1))
        assert sorted(d.code for d in expired) == ["LLM0901", "LLM0907"]
        assert all(d.counts for d in expired)

    def test_environments_narrow(self, base: Path) -> None:
        put(base, a=policy(when="r.spec.task == 'chat'"), w=waiver(environments=["dev"]))
        assert not any(d.counts for d in found(base, "dev"))
        assert [d.code for d in found(base, "prod") if d.counts] == ["LLM0901"]

    def test_a_waiver_of_a_rule_that_does_not_apply_here_is_no_finding(self, base: Path) -> None:
        put(base, a=policy(when="r.spec.task == 'chat'", match={"kinds": ["Model"], "environments": ["prod"]}), w=waiver())
        assert not found(base, "dev")

    def test_a_waiver_approved_by_its_owner_waives_nothing(self, base: Path) -> None:
        put(base, a=policy(when="r.spec.task == 'chat'"), w=waiver(approved_by="ml-platform"))
        assert sorted(d.code for d in found(base) if d.counts) == ["LLM0901", "LLM0913"]

    def test_a_target_with_a_version_covers_that_version_only(self, base: Path) -> None:
        rule = policy(match={"kinds": ["Prompt"]}, at="spec.version", **{"assert": "r.spec.version != '1.0.0'"})
        put(base, a=rule, w=waiver(target="Prompt/answer@1.0.0"))
        assert not any(d.counts for d in found(base))
        put(base, w=waiver(target="Prompt/answer@1.0.1"))
        assert sorted(d.code for d in found(base) if d.counts) == ["LLM0901", "LLM0908"]


def test_a_waived_finding_lets_a_workspace_compile(base: Path) -> None:
    from llmops.pipeline import compile_workspace

    assert not compile_workspace(put(base, a=policy(when="r.spec.task == 'chat'"))).artifacts
    assert compile_workspace(put(base, w=waiver(expires="2999-12-31"))).artifacts
