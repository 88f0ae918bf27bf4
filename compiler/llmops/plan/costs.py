"""What an application's requests cost, and a day of them.

Input: a graph and an application. Output: `RequestCost` and `DailyCost`, on the safe side: the longest question and answer, all passages.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from llmops.link.context_window import account, prompt_tokens
from llmops.prices import price_of, price_table
from llmops.resources import Graph, Resource

__all__ = ["DailyCost", "RequestCost", "daily_cost", "price_table", "request_cost"]

WHOLE = 100
"""Percent; the weights of prompt variants add up to it."""


@dataclass(frozen=True, slots=True)
class RequestCost:
    """Tokens that the chat model reads and writes for one question, and US dollars; `dollars` is None without a price."""

    input_tokens: int
    output_tokens: int
    dollars: float | None


@dataclass(frozen=True, slots=True)
class DailyCost:
    """`requests` a day, tokens a request, and US dollars a day; `dollars` is None without a price. Embedding the questions is not in it."""

    requests: int
    input_tokens: int
    output_tokens: int
    dollars: float | None


def request_cost(graph: Graph, application: Resource) -> RequestCost | None:
    """The longest request, by the account that the context window is held against. None without a chat model.

    Variants of the prompt count by their share of users. A model on this machine costs nothing unless it declares a price.
    """
    model = graph.target_of(application, "spec", "model")
    if model is None or model.spec["task"] != "chat":
        return None
    parts = account(graph, application, model)
    shares = _shares(graph, application)
    prompt = ceil(sum(share * prompt_tokens(variant) for share, variant in shares) / WHOLE) if shares else parts["prompt"]
    read, written = prompt + parts["context"] + parts["question"], parts["answer"]
    price = price_of(model)
    return RequestCost(read, written, price.dollars(read, written) if price else None)


def daily_cost(graph: Graph, application: Resource) -> DailyCost | None:
    """A day of the declared traffic; None for an application that declares none, or has no chat model."""
    traffic, request = application.spec.get("traffic"), request_cost(graph, application)
    if traffic is None or request is None:
        return None
    requests = int(traffic["requests_per_day"])
    dollars = None if request.dollars is None else round(requests * request.dollars, 6)
    return DailyCost(requests, request.input_tokens, request.output_tokens, dollars)


def _shares(graph: Graph, application: Resource) -> list[tuple[int, Resource]]:
    """Percent of users and the prompt that they get, for each variant that resolved."""
    variants = application.spec.get("variants", ())
    named = {r.path[2]: graph[r.target] for r in application.references if r.path[:2] == ("spec", "variants")}
    return [(int(variant["weight"]), named[index]) for index, variant in enumerate(variants) if index in named]
