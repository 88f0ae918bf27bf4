"""Every small mistake in a rule's expressions is noticed by the rule's own cases; what survives is written down with its reason."""

from __future__ import annotations

from functools import cache

import pytest

from tests.policies.expressions import parse, walk
from tests.policies.mutants import MACROS, Mutant, mutants, pattern_mutants
from tests.policies.pack import fates, rules, with_expression

ONE_APPLICATION = "a Deployment reaches exactly one Application, for which both say the same"
ANY_OTHER_WORD = "the word only has to differ from every classification"
EQUIVALENT = {
    ("canary-for-public", "when", "exists → all: refs.Application.exists(a, a.spec.audience == 'public')"): ONE_APPLICATION,
    ("rollback-automatic-for-public", "when", "exists → all: refs.Application.exists(a, a.spec.audience == 'public')"): ONE_APPLICATION,
    ("evaluation-on-held-out-data", "assert", "all → exists: refs.Dataset.all(d, d.spec.purpose == 'evaluation')"): (
        "an Evaluation reaches exactly one Dataset, for which both say the same"
    ),
    ("chat-model-cleared", "assert", "misspelt: 'none'"): ANY_OTHER_WORD,
    ("embedder-cleared", "assert", "misspelt: 'none'"): ANY_OTHER_WORD,
}
"""(rule, field, mutant) → why no case can tell it from the rule."""


@cache
def outcomes() -> dict[tuple[str, str, str], str]:
    """What became of every mutant of the pack, judged together."""
    made = [(rule, field, mutant) for rule in rules().values() for field, text in rule.expressions.items() for mutant in mutants(text)]
    fate = fates([with_expression(rule, field, mutant.text) for rule, field, mutant in made])
    return {(rule.name, field, mutant.label): what for (rule, field, mutant), what in zip(made, fate, strict=True)}


def of(rule: str, fate: str) -> set[tuple[str, str, str]]:
    return {key for key, what in outcomes().items() if key[0] == rule and what == fate}


@pytest.mark.parametrize("rule", rules())
def test_the_cases_of_a_rule_notice_every_mistake(rule: str) -> None:
    assert of(rule, "survived") == {key for key in EQUIVALENT if key[0] == rule}


@pytest.mark.parametrize("rule", rules())
def test_a_rule_has_mutants_that_compile(rule: str) -> None:
    """A mutant that does not compile shows nothing about the cases."""
    assert len(of(rule, "noticed")) >= 2
    assert len(of(rule, "invalid")) <= len(of(rule, "noticed")) / 5


def test_the_unchanged_rules_survive() -> None:
    assert set(fates(list(rules().values()))) == {"survived"}


@pytest.mark.parametrize("rule", rules())
def test_a_rule_that_always_or_never_fires_is_noticed(rule: str) -> None:
    changed = [with_expression(rules()[rule], "assert", text) for text in ("true", "false")]
    assert fates(changed) == ["noticed", "noticed"]


def made(text: str) -> dict[str, str]:
    return {mutant.label: mutant.text for mutant in mutants(text)}


def test_conditions_are_decided_and_connectives_swapped() -> None:
    found = made("a && (b || !c)")
    assert found["||: a && (b || !c)"] == "((a) || ((b || !c)))"
    assert found["left of &&: a && (b || !c)"] == "(a)"
    assert found["right of ||: (b || !c)"] == "a && (!c)"
    assert found["true: c"] == "a && (b || !true)"
    assert found["not: b"] == "a && (!(b) || !c)"


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("a.x == 1", "a.x != 1"),
        ("a.x <= 1", "a.x < 1"),
        ("a.x <= 1", "a.x <= 2"),
        ("a.x <= 1", "a.x <= (0)"),
        ("a.x >= 1.5", "a.x >= 2.5"),
        ("a.x > 1 + 2", "a.x > 1 - 2"),
        ("a.all(x, x.y)", "a.exists(x, x.y)"),
        ("a.filter(x, x.y).all(z, z)", "a.all(z, z)"),
        ("a.startsWith('b')", "a.contains('b')"),
        ("a in ['b', 'c']", "a in ['c']"),
        ("a == 'b'", "a == 'bx'"),
        ("a ? b : c", "(b)"),
        ("a.matches('^(b|c)$')", "a.matches('^(c)$')"),
        ("a.matches('^(b|c)$')", "a.matches('(b|c)$')"),
        (r"a.matches(r'b\.c[d]+')", r"a.matches(r'bc[d]+')"),
        (r"a.matches(r'b\.c[d]+')", r"a.matches(r'b\.c')"),
    ],
)
def test_small_mistakes_are_made(text: str, changed: str) -> None:
    assert changed in made(text).values()


def test_labels_and_texts_are_unique() -> None:
    found = mutants("a.b == 1 && a.b == 1 && c.all(x, x == 1)")
    assert len({m.label for m in found}) == len({m.text for m in found}) == len(found)
    assert all(isinstance(m, Mutant) for m in found)


def test_alternatives_of_nested_groups_are_left_out_one_by_one() -> None:
    patterns = {pattern for _, pattern in pattern_mutants("r'(a|b(c|[|)])d)|e'")}
    assert {"r'(b(c|[|)])d)|e'", "r'(a)|e'", "r'(a|b([|)])d)|e'", "r'(a|b(c)d)|e'", "r'e'", "r'(a|b(c|[|)])d)'"} <= patterns


@pytest.mark.parametrize("rule", rules())
def test_the_reader_of_expressions_knows_where_every_part_stands(rule: str) -> None:
    for text in rules()[rule].expressions.values():
        for node in walk(parse(text)):
            part = text[node.start : node.end]
            assert part and part == part.strip()
            assert parse(part).sort == node.sort
            assert node.word not in MACROS or node.word in part


@pytest.mark.parametrize("text", ["", "a &&", "a b", "(a", "[a", "a.all(x, y", "a ? b", "'a", "#", "&& a", ")"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(SyntaxError):
        parse(text)
