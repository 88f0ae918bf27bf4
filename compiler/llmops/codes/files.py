"""LLM08: files that specs name."""

from __future__ import annotations

from llmops.codes.code import DATASET, SOURCE, Code, Part, Place

_SPEC = "spec: {path: ../evals/questions.jsonl, licence: CC0-1.0}"

CODES: dict[str, Code] = {
    "LLM0801": Code(
        "Path leaves the workspace",
        "The bundle would depend on something outside git.",
        "Copy the file into the workspace.",
        (Part(DATASET, "spec: {path: «../../questions.jsonl», licence: CC0-1.0}", _SPEC),),
    ),
    "LLM0802": Code(
        "File does not exist",
        "The path leads nowhere.",
        "Correct it; paths are relative to the spec's file.",
        (Part(DATASET, "spec: {path: «../evals/answers.jsonl», licence: CC0-1.0}", _SPEC),),
    ),
    "LLM0803": Code(
        "Glob matches nothing",
        "The index would be empty.",
        "Correct the pattern; `**` crosses folders.",
        (
            Part(
                SOURCE,
                '  documents: {paths: [«"../docs/*.rst"»], licence: CC0-1.0}',
                '  documents: {paths: ["../docs/*.md"], licence: CC0-1.0}',
            ),
        ),
    ),
    "LLM0804": Code(
        "Row is not a case",
        "The evaluation would skip it or fail.",
        "Mend the row, or say in spec.fields which column holds what.",
        (
            Part(
                Place("evals/questions.jsonl"),
                '{"frage": "What is a release?"}',
                '{"question": "What is a release?"}',
                '{"question": "What is a release?", "answer": "A hash.", "sources": ["docs/releases.md"]}',
            ),
            Part(DATASET, "spec: {path: «../evals/questions.jsonl», licence: CC0-1.0}", _SPEC),
        ),
    ),
    "LLM0805": Code(
        "File is too large",
        "Files above 64 MB don't belong in git.",
        "Split the file.",
        words="A spec names a dataset or a document of more than 64 MB.",
    ),
    "LLM0806": Code(
        "Text is not UTF-8",
        "Prompts are UTF-8, so that every machine reads the same text.",
        "Save the file as UTF-8.",
        words="A prompt's content_file was saved as Latin-1, where the letter ü is the single byte 0xfc.",
    ),
}
