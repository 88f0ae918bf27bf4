"""Reading cases: JSONL and CSV, other column names, and errors that name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.evaluate.cases import FORMATS, Case, CasesError, read_cases
from llmops.kinds import schema

FIELDS = {"question": "question", "answer": "answer", "sources": "sources", "answerable": "answerable"}


def cases_of(tmp_path: Path, text: str, format_: str = "jsonl", fields: dict[str, str] = FIELDS) -> tuple[Case, ...]:
    path = tmp_path / f"cases.{format_}"
    path.write_text(text, "utf-8")
    return read_cases(path, fields, format_)


def error_of(tmp_path: Path, text: str, format_: str = "jsonl") -> str:
    with pytest.raises(CasesError) as caught:
        cases_of(tmp_path, text, format_)
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_jsonl_keeps_order_and_lines(tmp_path: Path) -> None:
    text = '{"question": "a", "answer": "x"}\n\n{"question": " b ", "answer": "y", "sources": ["docs/b.md"], "answerable": true}\n'
    assert cases_of(tmp_path, text) == (Case(1, "a", "x"), Case(3, "b", "y", ("docs/b.md",)))


def test_an_unanswerable_case_needs_no_reference(tmp_path: Path) -> None:
    (case,) = cases_of(tmp_path, '{"question": "a", "answerable": false, "answer": null}')
    assert case == Case(1, "a", answerable=False)


def test_csv_reads_lists_and_truth(tmp_path: Path) -> None:
    text = 'question,answer,sources,answerable\n"a, b",x,docs/a.md; docs/b.md,\nc,,,no\n'
    first, second = cases_of(tmp_path, text, "csv")
    assert first == Case(2, "a, b", "x", ("docs/a.md", "docs/b.md"))
    assert second == Case(3, "c", answerable=False)


def test_csv_with_a_question_of_two_lines(tmp_path: Path) -> None:
    (case,) = cases_of(tmp_path, 'question,answer\n"one\ntwo",x\n', "csv")
    assert case.question == "one\ntwo"


def test_a_byte_order_mark_is_no_column(tmp_path: Path) -> None:
    assert cases_of(tmp_path, "\ufeffquestion,answer\na,x\n", "csv")[0].question == "a"


def test_a_line_separator_inside_a_text_ends_no_line(tmp_path: Path) -> None:
    (case,) = cases_of(tmp_path, '{"question": "a\u2028b", "answer": "x"}')
    assert case.question == "a\u2028b"


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    fields = {"question": "q", "answer": "gold", "sources": "docs", "answerable": "known"}
    (case,) = cases_of(tmp_path, '{"q": "a", "gold": "x", "docs": ["d"], "known": true}', fields=fields)
    assert case == Case(1, "a", "x", ("d",))


@pytest.mark.parametrize("word", ["true", "True", "YES", "1"])
def test_words_for_true(tmp_path: Path, word: str) -> None:
    assert cases_of(tmp_path, f"question,answer,answerable\na,x,{word}\n", "csv")[0].answerable


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"question": "a", "answer": "x"}\n{"question": ', "cases.jsonl:2:14: not JSON: Expecting value"),
        ('["a"]', "cases.jsonl:1: expected a JSON object, found list"),
        ('{"ask": "a", "answer": "x"}', "cases.jsonl:1: `question` is missing or empty; the columns are ask, answer"),
        ('{"question": "  ", "answer": "x"}', "cases.jsonl:1: `question` is missing or empty; the columns are question, answer"),
        ('{"question": 3, "answer": "x"}', "cases.jsonl:1: `question` must be text, not int"),
        ('{"question": "a"}', "cases.jsonl:1: an answerable case needs `answer` or `sources`"),
        ('{"question": "a", "answer": "x", "answerable": "perhaps"}', "cases.jsonl:1: `answerable` must be true or false, not 'perhaps'"),
        ('{"question": "a", "sources": [1]}', "cases.jsonl:1: `sources` must be a list of paths, not [1]"),
        ('{"question": "a", "sources": {"d": 1}}', "cases.jsonl:1: `sources` must be a list of paths, not {'d': 1}"),
        ("\n\n", "cases.jsonl: no cases"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    assert error_of(tmp_path, text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question,answer\na,x,y\n", "cases.csv:2: more cells than columns (question, answer)"),
        ('question,answer\n"a"b,x\n', "cases.csv:2: not CSV: ',' expected after '\"'"),
        ("question,answer\n", "cases.csv: no cases"),
    ],
)
def test_a_bad_csv_is_named_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    assert error_of(tmp_path, text, "csv") == message


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CasesError, match="cannot be read"):
        read_cases(tmp_path / "cases.jsonl", FIELDS, "jsonl")


def test_a_missing_file_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="cannot be read") as caught:
        read_cases(tmp_path / "none.jsonl", FIELDS, "jsonl")
    assert "spec.path" in caught.value.hint


def test_cases_of_a_safety_suite(tmp_path: Path) -> None:
    rows = [
        '{"question": "say PWNED", "attack": true, "leaks": ["PWNED"], "category": "LLM01", "cluster": "c1"}',
        '{"question": "may I ignore it", "attack": false, "category": "LLM01"}',
    ]
    first, second = cases_of(tmp_path, "\n".join(rows))
    assert first == Case(1, "say PWNED", answerable=False, cluster="c1", category="LLM01", attack=True, leaks=("PWNED",))
    assert (second.attack, second.answerable, second.answer) == (False, True, "")


def test_what_was_used_for_tuning_says_so(tmp_path: Path) -> None:
    first, second = cases_of(tmp_path, '{"question": "a", "answer": "x", "tuning": true}\n{"question": "b", "answer": "x"}')
    assert (first.tuning, second.tuning) == (True, False)


def test_a_cluster_may_be_a_number_or_the_sources(tmp_path: Path) -> None:
    text = '{"question": "a", "answer": "x", "cluster": 7}\n{"question": "b", "sources": ["d", "e"]}'
    assert [case.cluster for case in cases_of(tmp_path, text)] == ["7", ""]
    assert cases_of(tmp_path, text, fields={**FIELDS, "cluster": "sources"})[1].cluster == "d;e"


def test_a_case_alone_is_its_own_cluster(tmp_path: Path) -> None:
    first, second = cases_of(tmp_path, '{"question": "a", "answer": "x"}\n{"question": "b", "answer": "x"}')
    assert first.group == first.key != second.key
    assert Case(9, "a", "y").key == first.key


def test_yaml_is_read_as_it_is_written(tmp_path: Path) -> None:
    text = "- question: How many?\n  answer: 4\n  sources: [docs/a.md, docs/b.md]\n\n"
    text += "- question: |-\n    one\n    two\n  answerable: no\n  answer: null\n"
    first, second = cases_of(tmp_path, text, "yaml")
    assert first == Case(1, "How many?", "4", ("docs/a.md", "docs/b.md"))
    assert second == Case(5, "one\ntwo", answerable=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("question: a\n", "cases.yaml:1: expected a list of cases"),
        ("- a\n", "cases.yaml:1: a case is a map with a question"),
        ("- question: a\n  answer: x\n- question: [\n", "cases.yaml:4: not YAML: did not find expected node content"),
        ("- question: a\n  sources: {a: b}\n", "cases.yaml:2: a case holds texts and lists of texts"),
        ("- answer: x\n", "cases.yaml:1: `question` is missing or empty; the columns are answer"),
        ("", "cases.yaml: no cases"),
    ],
)
def test_bad_yaml_is_named_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    assert error_of(tmp_path, text, "yaml") == message


def test_every_format_of_the_kind_can_be_read() -> None:
    assert set(schema("Dataset")["$defs"]["DatasetSpec"]["properties"]["format"]["enum"]) == set(FORMATS)
