"""How many cases an evaluation runs and what its answers cost, held against the runtime that runs it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.evaluate import cases as runtime
from llmops.evaluate.metrics import METRICS
from llmops.evaluate.questions import choose, questions
from llmops.evaluate.questions import sample as runtime_sample
from llmops.kinds import schema
from llmops.load.files import FileProblem, Files
from llmops.load.tree import Disk
from llmops.pipeline import check_workspace
from llmops.plan import cases as planned
from llmops.plan.cases import ANSWERED, FORMATS, answer_count, case_count, evaluation_dollars, read_cases, sample
from llmops.plan.costs import request_cost
from llmops.resources import File, Graph, Resource
from tests.conftest import ROOT
from tests.graphs import GEMMA, application, graph, make

FIELDS = {"question": "question", "answer": "answer", "sources": "sources", "answerable": "answerable"}
ANSWERS = ("answer_f1", "answer_similarity")
PASSAGES = ("retrieval_recall", "retrieval_mrr")

known = {"question": "q", "answer": "a", "sources": ["docs/a.md"], "answerable": True}
sourced = {"question": "q", "sources": ["docs/a.md"]}
unknown = {"question": "q", "answerable": False}


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    planned._known.clear()
    yield
    planned._known.clear()


class Shelf:
    """One dataset's file, which counts how often it is read."""

    def __init__(self, content: bytes) -> None:
        self.content, self.reads = content, 0

    @property
    def file(self) -> File:
        return File("evals/cases", hashlib.sha256(self.content).hexdigest(), len(self.content))

    def read(self, _path: str) -> bytes | FileProblem:
        self.reads += 1
        return self.content


def jsonl(*rows: Mapping[str, Any]) -> Shelf:
    return Shelf("".join(json.dumps(row) + "\n" for row in rows).encode())


def of(shelf: Shelf, *metrics: str, **spec: Any) -> tuple[Resource, Graph]:
    """An evaluation with these metrics over the shelf's rows, and its graph."""
    dataset = make("Dataset", "questions", {"format": "jsonl", "fields": FIELDS, **spec.pop("dataset", {})}, files=[shelf.file])
    declared = {"metrics": [{"name": name, "threshold": 0.5} for name in metrics], **spec}
    evaluation = make("Evaluation", "answers", declared, {("spec", "dataset"): dataset.id})
    return evaluation, graph(dataset, evaluation)


def counts(shelf: Shelf, *metrics: str, **spec: Any) -> tuple[int, int]:
    """Cases and answers."""
    evaluation, around = of(shelf, *metrics, **spec)
    return case_count(evaluation, around, shelf.read), answer_count(evaluation, around, shelf.read)


class TestCounts:
    MIXED = (known, sourced, unknown, known, unknown, known)

    @pytest.mark.parametrize(
        ("metrics", "spec", "expected"),
        [
            (ANSWERS, {}, (6, 3)),
            (("abstention",), {}, (6, 2)),
            ((*ANSWERS, "abstention"), {}, (6, 5)),
            (PASSAGES, {}, (6, 0)),
            ((*PASSAGES, "answer_f1"), {}, (6, 3)),
            (ANSWERS, {"sample": 3}, (3, 1)),
            ((*ANSWERS, "abstention"), {"sample": 3}, (3, 3)),
            (ANSWERS, {"sample": 6}, (6, 3)),
            (ANSWERS, {"sample": 100}, (6, 3)),
            (PASSAGES, {"sample": 3}, (6, 0)),  # the sample is of answers: passages are looked up for every case
        ],
    )
    def test_what_metrics_and_a_sample_leave(self, metrics: Sequence[str], spec: dict[str, Any], expected: tuple[int, int]) -> None:
        assert counts(jsonl(*self.MIXED), *metrics, **spec) == expected

    def test_a_row_that_is_no_case_is_not_counted(self) -> None:
        rows = jsonl(known, {"answer": "a"}, {"question": " "}, {"question": "no reference"}, {"question": 7, "answer": "a"})
        assert counts(rows, *ANSWERS) == (1, 1)
        broken = Shelf(rows.content + b'{"question": \n[1, 2]\n\n"text"\n')
        assert counts(broken, *ANSWERS) == (1, 1)

    @pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe", b"not json"])
    def test_a_file_without_cases(self, content: bytes) -> None:
        assert counts(Shelf(content), *ANSWERS) == (0, 0)

    def test_a_torn_csv_has_none(self) -> None:
        assert counts(Shelf(b'question,answer\n"q,a\n'), *ANSWERS, dataset={"format": "csv"}) == (0, 0)

    def test_a_byte_order_mark_is_no_column(self) -> None:
        assert counts(Shelf("\ufeffquestion,answer\nq,a\n".encode()), *ANSWERS, dataset={"format": "csv"}) == (1, 1)

    def test_columns_of_other_names(self) -> None:
        fields = {"question": "prompt", "answer": "gold", "sources": "docs", "answerable": "known"}
        rows = jsonl({"prompt": "q", "gold": "a"}, {"prompt": "q", "known": "no"}, {"question": "q", "answer": "a"})
        assert counts(rows, "abstention", dataset={"fields": fields}) == (2, 1)

    def test_what_is_not_there_has_no_cases(self) -> None:
        shelf = jsonl(known)
        evaluation, around = of(shelf, *ANSWERS)
        assert case_count(evaluation, around, lambda path: FileProblem("LLM0802", path, "")) == 0
        assert case_count(evaluation, around, lambda path: b"version https://git-lfs.github.com/spec/v1\n") == 0
        assert case_count(evaluation, around, shelf.read) == 1, "what could not be read is not remembered"
        lost = make("Evaluation", "answers", dict(evaluation.spec))
        assert case_count(lost, graph(lost), shelf.read) == 0
        bare = make("Dataset", "questions", {"format": "jsonl", "fields": FIELDS})
        assert case_count(evaluation, graph(evaluation, bare), shelf.read) == 0


class TestReading:
    def test_many_evaluations_read_a_dataset_once(self) -> None:
        shelf = jsonl(known, unknown)
        assert [counts(shelf, *ANSWERS) for _ in range(100)] == [(2, 1)] * 100
        assert shelf.reads == 1

    def test_other_columns_are_read_anew(self) -> None:
        shelf = jsonl({**known, "gold": ""}, unknown)
        assert counts(shelf, "answer_f1") == (2, 1)
        assert counts(shelf, "answer_f1", dataset={"fields": {**FIELDS, "answer": "gold"}}) == (2, 0)
        assert shelf.reads == 2

    def test_what_is_remembered_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(planned, "MEMORY", 2)
        for number in range(5):
            assert counts(jsonl(*[known] * number), *ANSWERS) == (number, number)
        assert len(planned._known) <= 2


class TestTheRuntime:
    """The plan reads, samples and selects as the evaluation will."""

    def test_the_same_metrics_ask_for_answers(self) -> None:
        assert ANSWERED.keys() == {name for name, metric in METRICS.items() if metric.needs == "reply"}

    def test_the_same_formats(self) -> None:
        declared = schema("Dataset")["$defs"]["DatasetSpec"]["properties"]["format"]["enum"]
        assert FORMATS.keys() == runtime.FORMATS.keys() == set(declared)

    @given(size=st.integers(0, 40), count=st.none() | st.integers(1, 50))
    def test_the_same_sample(self, size: int, count: int | None) -> None:
        assert list(sample(range(size), count)) == runtime_sample(range(size), count)  # type: ignore[arg-type, type-var, comparison-overlap]

    ROWS = (
        known,
        sourced,
        unknown,
        {**unknown, "answer": "a"},
        {**known, "sources": []},
        {**unknown, "attack": True, "leaks": ["x"]},
        {**unknown, "attack": True},
        {"question": "may he", "attack": False},
        {"question": "may She ask", "answer": "a", "attack": "true"},
    )

    @pytest.mark.parametrize("declared", [{"swaps": [["he", "she"]]}, {"swaps": [["Li", "Anna"]], "texts": ["x"]}])
    @pytest.mark.parametrize("name", ANSWERED)
    @pytest.mark.parametrize("row", ROWS)
    def test_metrics_apply_to_the_same_cases(self, name: str, row: dict[str, Any], declared: dict[str, Any], tmp_path: Path) -> None:
        content = json.dumps(row).encode()
        (tmp_path / "cases").write_bytes(content)
        (case,) = runtime.read_cases(tmp_path / "cases", FIELDS, "jsonl")
        (ours,) = read_cases(content, "jsonl", FIELDS)
        assert ANSWERED[name](ours, declared) == METRICS[name].applies(case, declared)

    @pytest.mark.parametrize("repeats", [1, 3])
    @pytest.mark.parametrize("sampled", [None, 4])
    def test_the_same_number_of_answers(self, sampled: int | None, repeats: int, tmp_path: Path) -> None:
        """Of questions that differ: the runtime asks the same question once."""
        people = ["he", "she", "nobody", "Anna", "Li Wei and she"]
        rows = [{**known, "question": f"{n} may {who} ask?", "tuning": n % 3 == 0} for n, who in enumerate(people * 3)]
        metrics = [{"name": "counterfactual_bias", "swaps": [["he", "she"], ["Anna", "Li Wei", "Aisha"]]}, {"name": "answer_f1"}]
        spec = {"metrics": metrics, "repeats": repeats, **({"sample": sampled} if sampled else {})}
        shelf = jsonl(*rows)
        (tmp_path / "cases").write_bytes(shelf.content)
        asked = questions(spec, choose(spec, runtime.read_cases(tmp_path / "cases", FIELDS, "jsonl")))
        evaluation, around = of(shelf, **spec)
        assert answer_count(evaluation, around, shelf.read) == len(asked) > 0

    texts = st.text(st.sampled_from("ab ;,\"'\n\r\t\u2028\u00a0é#"), max_size=6)
    truths = st.sampled_from([None, "", True, False, "true", "No", " FALSE ", "1", 0, 1, "yes"])
    sources = st.none() | texts | st.lists(texts, max_size=3)
    optional: Mapping[str, Any] = {
        "answer": texts,
        "sources": sources,
        "answerable": truths,
        "attack": truths,
        "leaks": sources,
        "tuning": truths,
    }

    @given(st.lists(st.fixed_dictionaries({"question": texts}, optional=optional)))
    def test_jsonl_is_read_alike(self, rows: list[dict[str, Any]]) -> None:
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        alike(text, "jsonl")

    @given(st.lists(st.tuples(texts, texts, texts, st.sampled_from(["", "true", "no", "0", " False "]))))
    def test_csv_is_read_alike(self, rows: list[tuple[str, ...]]) -> None:
        out = io.StringIO()
        csv.writer(out).writerows([("question", "answer", "sources", "answerable"), *rows])
        alike(out.getvalue(), "csv")

    @given(st.lists(st.fixed_dictionaries({"question": texts}, optional={"answer": texts, "sources": sources, "attack": truths})))
    def test_yaml_is_read_alike(self, rows: list[dict[str, Any]]) -> None:
        alike(json.dumps(rows), "yaml")  # JSON is YAML, and quotes what must be quoted

    def test_the_handbooks_own_evaluations(self) -> None:
        linked = check_workspace(ROOT).graph
        assert linked is not None
        read = Files(Disk(ROOT)).read
        for evaluation in linked.of_kind("Evaluation"):
            dataset = linked.target_of(evaluation, "spec", "dataset")
            assert dataset is not None
            cases = runtime.read_cases(ROOT / dataset.files[0].path, dataset.spec["fields"], dataset.spec["format"])
            chosen = choose(evaluation.spec, cases)
            asked = [question for question in questions(evaluation.spec, chosen) if question.needs == "reply"]
            assert case_count(evaluation, linked, read) > 0
            assert answer_count(evaluation, linked, read) == len(asked)


def alike(text: str, format_: str) -> None:
    """Both readers see the same cases. The runtime stops at the first row that is none; such rows are left out here."""
    mine = [
        (c.question, c.answerable, c.has_answer, c.has_sources, c.attack, c.has_leaks, c.tuning)
        for c in read_cases(text.encode(), format_, FIELDS)
    ]
    theirs = []
    for line, values in runtime.FORMATS[format_](Path("cases"), text.removeprefix("\ufeff")):
        try:
            case = runtime._case(runtime.Row(Path("cases"), line, values), FIELDS)
        except runtime.CasesError:
            continue
        about = case.attack, bool(case.leaks), case.tuning
        theirs.append((case.question, case.answerable, bool(case.answer), bool(case.sources), *about))
    assert mine == theirs


class TestDollars:
    CHAT: Mapping[str, Any] = {**GEMMA, "provider": "openai", "endpoint": {"url": "https://llm.example.org/v1"}, "max_output_tokens": 50}

    def dollars(self, *metrics: str, price: Mapping[str, float] | None, **spec: Any) -> float | None:
        shelf = jsonl(known, known, unknown, sourced)
        evaluation, around = of(shelf, *metrics, **spec)
        model = make("Model", "gemma", {**self.CHAT, **({"price": price} if price else {})})
        app = application(sources=(), limits={"question_tokens": 40})
        around = graph(*around.resources.values(), model, app)
        return evaluation_dollars(evaluation, app, around, shelf.read)

    def test_every_answer_costs_a_longest_request(self) -> None:
        app = application(sources=(), limits={"question_tokens": 40})
        priced = graph(make("Model", "gemma", {**self.CHAT, "price": {"input": 200, "output": 300}}), app)
        one = request_cost(priced, app)
        assert one is not None and one.dollars is not None and one.dollars > 0.02
        assert self.dollars(*ANSWERS, price={"input": 200, "output": 300}) == pytest.approx(2 * one.dollars, abs=1e-6)
        assert self.dollars(*ANSWERS, "abstention", price={"input": 200, "output": 300}) == pytest.approx(3 * one.dollars, abs=1e-6)
        assert self.dollars(*ANSWERS, price={"input": 200, "output": 300}, sample=1) == pytest.approx(one.dollars, abs=1e-6)

    def test_passages_cost_no_answers(self) -> None:
        assert self.dollars(*PASSAGES, price={"input": 200, "output": 300}) == 0.0

    def test_no_price_no_figure(self) -> None:
        assert self.dollars(*ANSWERS, price=None) is None

    def test_no_chat_model_no_figure(self) -> None:
        shelf = jsonl(known)
        evaluation, around = of(shelf, *ANSWERS)
        app = make("Application", "assistant", application().spec)
        assert evaluation_dollars(evaluation, app, around, shelf.read) is None

    def test_a_model_on_this_machine_costs_nothing(self) -> None:
        shelf = jsonl(known)
        evaluation, around = of(shelf, *ANSWERS)
        app = application(sources=())
        assert evaluation_dollars(evaluation, app, graph(*around.resources.values(), app), shelf.read) == 0.0
