"""LLM00: what is wrong with the YAML itself, before it is a spec."""

from __future__ import annotations

from llmops.codes.code import APPLICATION, MODEL, PROMPT, SOURCE, VARIABLES, Code, Part

CODES: dict[str, Code] = {
    "LLM0001": Code(
        "File is not UTF-8",
        "Other encodings read differently on different machines.",
        "Save the file as UTF-8.",
        words="The spec was saved as Latin-1, where the letter ü is the single byte 0xfc.",
    ),
    "LLM0002": Code(
        "Not valid YAML",
        "The parser cannot tell what is meant.",
        "Mend the syntax at the caret; often a quote is missing, or a tab indents a line.",
        (Part(MODEL, "  model: gpt«:» small", '  model: "gpt: small"', "  model: gpt-small"),),
    ),
    "LLM0003": Code(
        "Field given twice",
        "YAML parsers silently keep one of the two, and not all keep the same one.",
        "Keep one.",
        (Part(SOURCE, "  retrieve: {top_k: 3, «top_k»: 5}", "  retrieve: {top_k: 5}", "  retrieve: {top_k: 3}"),),
    ),
    "LLM0004": Code(
        "Alias, anchor or merge key",
        "Anchors and aliases are errors: an alias can grow a small file into gigabytes, and hides from reviewers what a resource says.",
        "Write the value out, or use an overlay.",
        (Part(APPLICATION, "  evaluations: «&all» [answers]", "  evaluations: [answers]"),),
    ),
    "LLM0005": Code(
        "Tag",
        "Tags can build arbitrary objects in other parsers.",
        "Remove it; quote a value that must be text.",
        (Part(PROMPT, "  version: «!!str» 1.0.0", "  version: 1.0.0"),),
    ),
    "LLM0006": Code(
        "Number that JSON cannot hold",
        "It is infinite, too large or not exact: every tool behind it would read something else.",
        "Write a smaller number, or quote it.",
        (Part(MODEL, "  context_window: «.inf»", "  context_window: 2048"),),
    ),
    "LLM0007": Code(
        "Too large or too deep",
        "Caps keep a hostile file from taking the machine down.",
        "Split or flatten the document.",
        words="The file has more than 1,000,000 bytes, or its maps and lists stand more than 40 levels deep in each other.",
    ),
    "LLM0008": Code(
        "Key is not text",
        "Fields have names.",
        "Give the field a name, or quote the key.",
        (Part(VARIABLES, "    «1»: {type: string}", "    question: {type: string}"),),
    ),
}
