"""LLM06: sizes of vectors, chunks and the context window."""

from __future__ import annotations

from llmops.codes.code import APPLICATION, MODEL, SOURCE, Code, Part

CODES: dict[str, Code] = {
    "LLM0601": Code(
        "Vectors of another length",
        "The store would refuse them, or find nothing.",
        "Use the model that filled the store, or re-index.",
        (
            Part(
                SOURCE,
                "  store: {kind: embedded, dimension: «768»}",
                "  store: {kind: embedded, dimension: 384}",
                "  store: {kind: embedded}",
            ),
        ),
        given="The model embedder makes vectors of 384 numbers.",
    ),
    "LLM0602": Code(
        "Chunk longer than the embedder reads",
        "The rest of each chunk could never be found.",
        "Make chunks shorter.",
        (Part(SOURCE, "  chunking: {by: word, length: «200», overlap: 10}", "  chunking: {by: word, length: 100, overlap: 10}"),),
        given="The model embedder reads 256 tokens; a word has about 1.5.",
    ),
    "LLM0603": Code(
        "Context window too small",
        "The model would cut off the question or the documents silently.",
        "Retrieve fewer or shorter passages, or take a larger window.",
        (
            Part(SOURCE, "  retrieve: {top_k: 20}", "  retrieve: {top_k: 3}"),
            Part(APPLICATION, "  model: «chatter»", "  model: chatter"),
        ),
        given="The model chatter reads 2,048 tokens, and a passage has about 150.",
    ),
    "LLM0604": Code(
        "Answer fills the window",
        "No room is left for the prompt.",
        "Lower max_output_tokens.",
        (
            Part(
                MODEL,
                "  context_window: 2048\n  max_output_tokens: «4096»",
                "  context_window: 2048\n  max_output_tokens: 128",
            ),
        ),
    ),
}
