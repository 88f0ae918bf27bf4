"""What a day costs: the account of the context window times traffic times price, and the policy over the same figures."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785

from llmops.check import Moment, examine
from llmops.check.rules import Rule
from llmops.diagnostics import has_errors
from llmops.fingerprint import fingerprint
from llmops.link import Linked
from llmops.link.context_window import account, prompt_tokens
from llmops.pipeline import check_workspace, compile_workspace, open_pack
from llmops.plan.costs import DailyCost, RequestCost, daily_cost, request_cost
from llmops.prices import FREE, Price, price_of, price_table
from llmops.resources import Graph, Resource
from llmops.runtime.bundle import Bundle
from tests.bundles import open_bundle
from tests.conftest import ROOT
from tests.graphs import GEMMA, MINILM, PROMPT, application, graph, make, source

APPLICATION = "Application/assistant"
ENDPOINT = {"url": "https://llm.example.org/v1"}
PRICE = {"input": 2, "output": 3}


def chat(**changes: Any) -> Resource:
    spec = {**GEMMA, "provider": "openai", "endpoint": ENDPOINT, "max_output_tokens": 50, "price": PRICE, **changes}
    return make("Model", "gemma", {key: value for key, value in spec.items() if value is not None})


def prompt(*texts: str, version: str = "1.0.0") -> Resource:
    messages = [{"role": "user", "content": text} for text in texts]
    return make("Prompt", "answer", {**PROMPT, "version": version, "messages": messages})


def assistant(**changes: Any) -> Resource:
    return application(**{"limits": {"question_tokens": 40}, "traffic": {"requests_per_day": 1_000}, **changes})


def cost(*resources: Resource) -> DailyCost | None:
    of = graph(source(retrieve={"mode": "hybrid", "top_k": 2}, chunking={"by": "sentence", "length": 1}), *resources)
    return daily_cost(of, of[APPLICATION])


class TestADay:
    def test_every_part_of_the_account(self) -> None:
        """40 characters of prompt are 10 tokens, 2 sentences of 30, a question of 40; 50 answered; 1,000 x (110 x 2 + 50 x 3) / 10^6."""
        assert cost(chat(), prompt("x" * 40), assistant()) == DailyCost(1_000, 110, 50, 0.37)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"traffic": {"requests_per_day": 2_000}}, DailyCost(2_000, 110, 50, 0.74)),
            ({"traffic": {"requests_per_day": 0}}, DailyCost(0, 110, 50, 0.0)),
            ({"limits": {"question_tokens": 140}}, DailyCost(1_000, 210, 50, 0.57)),
            ({"sources": ()}, DailyCost(1_000, 50, 50, 0.25)),
            ({"limits": {"question_tokens": 40, "cost_per_day": 0}}, DailyCost(1_000, 110, 50, 0.37)),
        ],
    )
    def test_what_the_application_decides(self, change: dict[str, Any], expected: DailyCost) -> None:
        assert cost(chat(), prompt("x" * 40), assistant(**change)) == expected

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"max_output_tokens": 150}, DailyCost(1_000, 110, 150, 0.67)),
            ({"price": {"input": 0, "output": 3}}, DailyCost(1_000, 110, 50, 0.15)),
            ({"price": {"input": 2, "output": 0}}, DailyCost(1_000, 110, 50, 0.22)),
            ({"price": None}, DailyCost(1_000, 110, 50, None)),
            ({"price": None, "provider": "llama.cpp"}, DailyCost(1_000, 110, 50, 0.0)),
            ({"provider": "llama.cpp"}, DailyCost(1_000, 110, 50, 0.37)),
        ],
    )
    def test_what_the_model_decides(self, change: dict[str, Any], expected: DailyCost) -> None:
        assert cost(chat(**change), prompt("x" * 40), assistant()) == expected

    def test_no_traffic_no_cost(self) -> None:
        quiet = application(limits={"question_tokens": 40})
        assert cost(chat(), quiet) is None

    def test_no_chat_model_no_cost(self) -> None:
        embedding = make("Model", "gemma", {**MINILM, "price": PRICE})
        assert cost(embedding, assistant()) is None
        lost = replace(assistant(), references=())
        assert cost(chat(), lost) is None

    def test_it_is_the_account_that_the_window_is_held_against(self) -> None:
        of = graph(source(), chat(), assistant())
        parts = account(of, of[APPLICATION], of["Model/gemma"])
        found = daily_cost(of, of[APPLICATION])
        assert found is not None
        assert (found.input_tokens, found.output_tokens) == (parts["prompt"] + parts["context"] + parts["question"], parts["answer"])
        assert parts["prompt"] == prompt_tokens(of["Prompt/answer@1.0.0"]) > 0

    def test_a_request_is_a_share_of_a_day(self) -> None:
        of = graph(source(), chat(), assistant())
        one, day = request_cost(of, of[APPLICATION]), daily_cost(of, of[APPLICATION])
        assert one is not None and day is not None and one.dollars is not None
        assert one == RequestCost(day.input_tokens, day.output_tokens, (day.input_tokens * 2 + 50 * 3) / 1e6)
        assert day.dollars == pytest.approx(1_000 * one.dollars)


class TestVariants:
    """The prompt counts by the share of users that get it."""

    def cost(self, *weights: int) -> DailyCost:
        variants = [{"prompt": f"answer@{number}.0.0", "weight": weight} for number, weight in enumerate(weights, 1)]
        texts = [prompt("x" * 40 * number, version=f"{number}.0.0") for number in range(1, len(weights) + 1)]
        found = cost(chat(), *texts, assistant(variants=variants, sources=()))
        assert found is not None
        return found

    @pytest.mark.parametrize(
        ("weights", "tokens"),
        [((100, 0), 10), ((0, 100), 20), ((50, 50), 15), ((90, 10), 11), ((99, 1), 11), ((50, 25, 25), 18), ((10, 20, 70), 26)],
    )
    def test_the_prompt_is_the_mean(self, weights: tuple[int, ...], tokens: int) -> None:
        found = self.cost(*weights)
        assert found.input_tokens == tokens + 40
        assert found.dollars == pytest.approx(1_000 * ((tokens + 40) * 2 + 50 * 3) / 1e6)

    def test_shifting_the_weight_to_the_longer_prompt_costs_more(self) -> None:
        cheap, dear = self.cost(90, 10).dollars, self.cost(10, 90).dollars
        assert cheap is not None and dear is not None and dear > cheap

    def test_a_variant_that_did_not_resolve_is_left_out(self) -> None:
        whole = assistant(variants=[{"prompt": "answer@1.0.0", "weight": 100}, {"prompt": "gone@1.0.0", "weight": 0}], sources=())
        torn = replace(whole, references=tuple(r for r in whole.references if "gone" not in r.target))
        assert cost(chat(), prompt("x" * 40), torn) == DailyCost(1_000, 50, 50, 0.25)


@cache
def budget() -> Rule:
    return next(rule for rule in open_pack(ROOT / "policies").packs.rules if rule.name == "worst-day-within-budget")


def within(of: Graph, limit: float) -> bool:
    """Whether the policy `worst-day-within-budget` lets the application pass with this limit."""
    app = of[APPLICATION]
    limited = replace(app, spec={**app.spec, "limits": {**app.spec["limits"], "cost_per_day": limit}})
    changed = replace(of, environment="prod", resources={**of.resources, APPLICATION: limited})
    linked = Linked(changed, None, complete=True)  # type: ignore[arg-type]
    (examined,) = examine(linked, [budget()], Moment(date(2026, 1, 1)))
    assert examined.judged and examined.resources == (limited,) and examined.judgement is not None
    return not examined.judgement.outcomes


class TestThePolicyOfTheSameFigures:
    """`worst-day-within-budget` bounds the same account in CEL."""

    EQUAL = (
        (prompt("x" * 40), source(retrieve={"mode": "hybrid", "top_k": 2}, chunking={"by": "sentence", "length": 1})),
        (prompt("x" * 400), source(retrieve={"mode": "keyword", "top_k": 7}, chunking={"by": "word", "length": 180})),
        (prompt("x" * 4), source(retrieve={"mode": "embedding", "top_k": 1}, chunking={"by": "passage", "length": 3})),
        (prompt("x" * 80, "x" * 80), source(retrieve={"mode": "hybrid", "top_k": 9}, chunking={"by": "line", "length": 12})),
    )

    @pytest.mark.parametrize("resources", EQUAL, ids=["sentence", "word", "passage", "line"])
    def test_both_say_the_same_to_the_hundredth_of_a_cent(self, resources: tuple[Resource, ...]) -> None:
        of = graph(chat(), assistant(traffic={"requests_per_day": 1_000_000}), *resources)
        found = daily_cost(of, of[APPLICATION])
        assert found is not None and found.dollars
        assert within(of, found.dollars)
        assert not within(of, found.dollars - 0.0001)

    BOUNDED = (
        (prompt("short", "x" * 300, "middling " * 9), source(chunking={"by": "word", "length": 60})),  # messages as long as the longest
        (make("Prompt", "answer", PROMPT), source(chunking={"by": "line", "length": 3})),  # template code counts there
    )

    @pytest.mark.parametrize("resources", BOUNDED, ids=["messages", "template"])
    def test_the_policys_bound_is_never_below(self, resources: tuple[Resource, ...]) -> None:
        of = graph(chat(), assistant(traffic={"requests_per_day": 1_000_000}), *resources)
        found = daily_cost(of, of[APPLICATION])
        assert found is not None and found.dollars
        assert not within(of, found.dollars)

    def test_half_a_token_of_an_odd_chunk_is_rounded_up_here_only(self) -> None:
        """3 passages of 61 words at 1.5 tokens: 91.5 each in the policy, 92 here; half a token of each at 2 dollars a million."""
        of = graph(
            chat(),
            prompt("x" * 40),
            source(chunking={"by": "word", "length": 61}),
            assistant(traffic={"requests_per_day": 1_000_000}),
        )
        found = daily_cost(of, of[APPLICATION])
        assert found is not None and found.dollars
        assert within(of, found.dollars - 3) and not within(of, found.dollars - 3.0001)

    def test_two_variants_are_bounded_by_the_longer(self) -> None:
        variants = [{"prompt": f"answer@{number}.0.0", "weight": 50} for number in (1, 2)]
        texts = prompt("x" * 40), prompt("x" * 80, version="2.0.0")
        of = graph(chat(), *texts, assistant(variants=variants, sources=(), traffic={"requests_per_day": 1_000_000}))
        found = daily_cost(of, of[APPLICATION])
        assert found is not None and found.dollars == 260.0  # 15 tokens of prompt on average
        assert within(of, 270) and not within(of, 269.9999)

    def test_the_handbook_in_production(self) -> None:
        checked = check_workspace(ROOT, "prod")
        assert checked.graph is not None and not has_errors(checked.diagnostics)
        app = checked.graph["Application/handbook-assistant"]
        found = daily_cost(checked.graph, app)
        assert found is not None and found.requests == app.spec["traffic"]["requests_per_day"] and found.dollars
        assert 0 < found.dollars <= app.spec["limits"]["cost_per_day"]


class TestPrices:
    def test_price_of(self) -> None:
        assert price_of(chat()) == Price(2, 3)
        assert price_of(chat(price=None)) is None
        assert price_of(chat(price=None, provider="llama.cpp")) is FREE
        assert price_of(make("Model", "minilm", MINILM)) is FREE
        assert price_of(make("Model", "minilm", {**MINILM, "price": PRICE})) == Price(2, 3)
        assert price_of(chat(price={"input": 0, "output": 0})) == FREE

    def test_a_known_name_behind_an_own_endpoint_has_no_public_price(self) -> None:
        assert price_of(chat(price=None, model="gpt-4o-mini")) is None

    def test_dollars_are_for_a_million_tokens(self) -> None:
        assert Price(2, 3).dollars(1_000_000) == 2
        assert Price(2, 3).dollars(500_000, 1_000_000) == 4
        assert FREE.dollars(10**9, 10**9) == 0

    def test_the_table_holds_what_is_declared(self) -> None:
        other = make("Model", "another", {**MINILM, "price": {"input": 0.02, "output": 0}})
        table = price_table(graph(chat(), other))
        assert table["models"] == {
            "Model/another": {"input": 0.02, "output": 0.0, "from": "spec.price"},
            "Model/gemma": {"input": 2.0, "output": 3.0, "from": "spec.price"},
        }
        assert list(table["models"]) == sorted(table["models"])

    def test_the_digest_is_over_canonical_json(self) -> None:
        table = price_table(graph(chat()))
        canonical = b'{"Model/gemma":{"from":"spec.price","input":2,"output":3}}'
        assert rfc8785.dumps(table["models"]) == canonical
        assert table["digest"] == f"sha256:{hashlib.sha256(canonical).hexdigest()}"

    def test_no_prices_have_a_digest_too(self) -> None:
        assert price_table(graph()) == {"digest": f"sha256:{hashlib.sha256(b'{}').hexdigest()}", "models": {}}

    def test_another_price_is_another_digest_and_the_same_release(self) -> None:
        one, other = (graph(chat(price=price), source(), assistant()) for price in (PRICE, {"input": 2, "output": 4}))
        assert price_table(one)["digest"] != price_table(other)["digest"]
        assert fingerprint(one).releases == fingerprint(other).releases


class TestTheManifest:
    def test_it_records_the_prices(self, base: Path) -> None:
        model = base / "specs" / "model.yaml"
        model.write_text(model.read_text() + "  price: {input: 0.15, output: 0.6}\n")
        artifacts = {artifact.path: artifact.content for artifact in compile_workspace(base).artifacts}
        manifest = orjson.loads(artifacts["manifest.json"])
        assert manifest["prices"]["models"] == {"Model/chatter": {"input": 0.15, "output": 0.6, "from": "spec.price"}}
        assert manifest["manifest_version"] == 1

    def test_the_runtime_opens_it(self, tmp_path: Path) -> None:
        of = graph(chat(), source(), assistant())
        bundle: Bundle = open_bundle(of, tmp_path)
        assert bundle.manifest["prices"] == price_table(of)
