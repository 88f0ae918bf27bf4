"""Cross-check: prompt, retrieved context, question and answer together fit the model's context window.

The account is an estimate on the safe side: 4 characters a token for the template, `TOKENS_PER_UNIT` for the passages.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmops.link.findings import Finding
from llmops.link.models import chunk_tokens
from llmops.link.templates import Template, read_template
from llmops.resources import Graph, Resource

CHARACTERS_PER_TOKEN = 4


def check_context_window(graph: Graph) -> Iterator[Finding]:
    for application in graph.of_kind("Application"):
        model = graph.target_of(application, "spec", "model")
        if model is None or model.spec["task"] != "chat":
            continue
        yield from _check_answer(model) if _fills_window(model) else _check_application(graph, application, model)


def _fills_window(model: Resource) -> bool:
    return bool(model.spec["max_output_tokens"] >= model.spec["context_window"])


def _check_answer(model: Resource) -> Iterator[Finding]:
    message = f"The longest answer ({model.spec['max_output_tokens']:,}) leaves no room in a window of {model.spec['context_window']:,}"
    yield Finding(model.id, ("spec", "max_output_tokens"), "LLM0604", message, "Lower max_output_tokens.")


def _check_application(graph: Graph, application: Resource, model: Resource) -> Iterator[Finding]:
    parts = account(graph, application, model)
    total, window = sum(parts.values()), model.spec["context_window"]
    if total <= window:
        return
    listed = ", ".join(f"{name} {tokens:,}" for name, tokens in parts.items() if tokens)
    message = f"About {total:,} tokens do not fit {model.name}'s window of {window:,} ({listed})"
    related = ((model.id, ("spec", "context_window"), "the window"),)
    yield Finding(application.id, ("spec", "model"), "LLM0603", message, _way_out(graph, application, total - window), related=related)


def account(graph: Graph, application: Resource, model: Resource) -> dict[str, int]:
    """Tokens of one request, on the safe side: the longest `prompt`, the `context`, the longest `question` and `answer`."""
    sources = graph.targets_of(application, "spec", "retrieval")
    return {
        "prompt": max((prompt_tokens(prompt) for prompt in _prompts(graph, application)), default=0),
        "context": sum(source.spec["retrieve"]["top_k"] * chunk_tokens(source) for source in sources),
        "question": application.spec["limits"]["question_tokens"],
        "answer": model.spec["max_output_tokens"],
    }


def _prompts(graph: Graph, application: Resource) -> list[Resource]:
    return [graph[r.target] for r in application.references if graph[r.target].kind == "Prompt"]


def prompt_tokens(prompt: Resource) -> int:
    """Tokens of what a prompt says itself, without its variables."""
    templates = [read_template(message.get("content", "")) for message in prompt.spec["messages"]]
    return sum(template.literal_length for template in templates if isinstance(template, Template)) // CHARACTERS_PER_TOKEN


def _way_out(graph: Graph, application: Resource, excess: int) -> str:
    sources = graph.targets_of(application, "spec", "retrieval")
    widest = max(sources, key=lambda s: s.spec["retrieve"]["top_k"] * chunk_tokens(s), default=None)
    if widest is None:
        return "Shorten the prompt, or take a model with a larger window."
    each, top_k = chunk_tokens(widest), widest.spec["retrieve"]["top_k"]
    fitting = top_k - -(-excess // each)
    if fitting >= 1:
        return f"top_k: {fitting} in {widest.name} fits; so would shorter chunks or a larger window."
    return f"Shorten the chunks of {widest.name} (now about {each} tokens), or take a model with a larger window."
