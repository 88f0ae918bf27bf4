"""What every rule of the starter pack has: a reason, a remedy, cases on both sides of its limits, places in catalogues that exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from llmops.check.cases import run_cases
from llmops.kinds import KINDS
from llmops.link.context_window import CHARACTERS_PER_TOKEN
from llmops.link.models import TOKENS_PER_UNIT
from tests.policies.pack import PACK, ROOT, rules

PLACEHOLDERS = {"name", "kind", "env", "value"}


def numbered(*parts: tuple[str, int, int]) -> Iterator[str]:
    """`("GOVERN 1", 1, 7)` is GOVERN 1.1 to GOVERN 1.7."""
    return (f"{prefix}.{number}" for prefix, first, last in parts for number in range(first, last + 1))


GOVERN = (("GOVERN 1", 1, 7), ("GOVERN 2", 1, 3), ("GOVERN 3", 1, 2), ("GOVERN 4", 1, 3), ("GOVERN 5", 1, 2), ("GOVERN 6", 1, 2))
MAP = (("MAP 1", 1, 6), ("MAP 2", 1, 3), ("MAP 3", 1, 5), ("MAP 4", 1, 2), ("MAP 5", 1, 2))
MEASURE = (("MEASURE 1", 1, 3), ("MEASURE 2", 1, 13), ("MEASURE 3", 1, 3), ("MEASURE 4", 1, 3))
MANAGE = (("MANAGE 1", 1, 4), ("MANAGE 2", 1, 4), ("MANAGE 3", 1, 2), ("MANAGE 4", 1, 3))
LIFE_CYCLE = (("A.6.1", 2, 3), ("A.6.2", 2, 8))
ORGANISATION = (("A.2", 2, 4), ("A.3", 2, 3), ("A.4", 2, 6), ("A.5", 2, 5))
USE = (("A.7", 2, 6), ("A.8", 2, 5), ("A.9", 2, 4), ("A.10", 2, 4))
CATALOGUES = {
    "owasp_llm": {f"LLM{number:02}" for number in range(1, 11)},
    "nist_ai_rmf": set(numbered(*GOVERN, *MAP, *MEASURE, *MANAGE)),
    "eu_ai_act": {f"Art. {number}" for number in range(1, 114)},
    "iso_42001": set(numbered(*ORGANISATION, *LIFE_CYCLE, *USE)),
}


def test_the_catalogues_are_complete() -> None:
    """NIST AI RMF 1.0 has 72 subcategories, Annex A of ISO/IEC 42001 has 38 controls, the EU AI Act 113 articles."""
    assert {name: len(entries) for name, entries in CATALOGUES.items()} == {
        "owasp_llm": 10, "nist_ai_rmf": 72, "eu_ai_act": 113, "iso_42001": 38
    }  # fmt: skip


def test_there_are_enough_rules() -> None:
    assert len(rules()) >= 28


def test_the_pack_says_what_it_is() -> None:
    pack = yaml.safe_load((PACK / "pack.yaml").read_text())
    assert (pack["metadata"]["name"], pack["spec"]) == ("llmops-starter", {"version": "1.0.0", "licence": "Apache-2.0"})


def test_a_file_holds_one_rule_and_is_named_like_it() -> None:
    files = {path.stem for path in PACK.iterdir()} - {"pack"}
    assert files == set(rules())
    assert all(rule.document.file.endswith(f"{name}.yaml") for name, rule in rules().items())


def test_every_kind_has_rules() -> None:
    assert {kind for rule in rules().values() if len(rule.kinds) == 1 for kind in rule.kinds} == set(KINDS)


def test_every_risk_of_the_owasp_list_has_rules() -> None:
    covered = Counter(entry for rule in rules().values() for entry in rule.spec["frameworks"].get("owasp_llm", ()))
    assert set(covered) == CATALOGUES["owasp_llm"]


@pytest.mark.parametrize("name", rules())
def test_catalogues_have_the_entries_that_a_rule_names(name: str) -> None:
    frameworks = rules()[name].spec["frameworks"]
    assert frameworks
    for catalogue, entries in frameworks.items():
        assert set(entries) <= CATALOGUES[catalogue]
        assert len(set(entries)) == len(entries)


@pytest.mark.parametrize("name", rules())
def test_a_rule_explains_itself(name: str) -> None:
    rule = rules()[name]
    spec = rule.spec
    assert len(re.findall(r"[.?](?:\s|$)", spec["why"])) >= 2, "two sentences say what goes wrong otherwise"
    assert not spec["message"].endswith(".")
    assert not rule.metadata["title"].endswith(".")
    assert spec["remediation"]["text"].endswith(".")
    assert set(re.findall(r"\{\{(\w+)\}\}", spec["message"])) <= PLACEHOLDERS
    assert "{{name}}" in spec["message"] or "{{value}}" in spec["message"]


@pytest.mark.parametrize("name", rules())
def test_a_rule_is_no_harder_on_the_way_to_production(name: str) -> None:
    rule = rules()[name]
    hardness = [("off", "audit", "warn", "block").index(rule.enforcement[environment]) for environment in ("dev", "staging", "prod")]
    assert hardness == sorted(hardness)
    assert rule.enforcement["prod"] == ("warn" if rule.spec["severity"] == "low" and name != "owned-by-a-team" else "block")


@pytest.mark.parametrize("name", rules())
def test_a_rule_has_cases_of_every_sort(name: str) -> None:
    spec = rules()[name].spec
    counts = Counter(case["expect"] for case in spec["tests"])
    assert counts["pass"] >= 1
    assert counts["fail"] >= 2
    narrows = "when" in spec or spec["match"]["labels"] or len(spec["match"]["on"]) == 1
    assert (counts["no match"] > 0) == narrows
    assert len({case["name"] for case in spec["tests"]}) == len(spec["tests"])
    assert any("at" in case for case in spec["tests"])


@pytest.mark.parametrize("name", rules())
def test_the_cases_of_a_rule_come_out_as_they_say(name: str) -> None:
    results, judgements = run_cases([rules()[name]])
    assert [result.problem for result in results if result.problem] == []
    assert not any(judgement.flaws or judgement.exhausted for judgement in judgements)


def test_the_account_of_cost_is_the_compilers_own() -> None:
    """The rule cannot read the compiler's constants, so it repeats them."""
    text = rules()["worst-day-within-budget"].spec["assert"]
    assert {unit: float(tokens) for unit, tokens in re.findall(r"'(\w+)': ([\d.]+)", text)} == TOKENS_PER_UNIT
    assert f"/ {CHARACTERS_PER_TOKEN}.0)" in text


def test_two_rules_find_credentials_by_the_same_pattern() -> None:
    patterns = {
        re.findall(r"r'.*'", rules()[name].spec["assert"])[0] for name in ("no-credentials-in-prompts", "no-credentials-in-variables")
    }
    assert len(patterns) == 1


def test_the_pack_names_nobodys_machine() -> None:
    texts = [path.read_text() for path in PACK.iterdir()]
    assert not any(word in text for text in texts for word in (str(ROOT), "TODO", "FIXME"))
