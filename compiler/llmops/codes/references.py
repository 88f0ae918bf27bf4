"""LLM04: references between resources."""

from __future__ import annotations

from llmops.codes.code import APPLICATION, SECOND_ANSWER, Code, Part, Place

_PINNED = """\
apiVersion: llmops/v1
kind: Application
metadata: {name: helper, owner: docs}
spec:
  model: chatter
  prompt: answer@1.0.0
  retrieval: [handbook]
  safety: public
  evaluations: [answers]
  monitors: [errors]
"""

CODES: dict[str, Code] = {
    "LLM0401": Code(
        "Reference to nothing",
        "The resource does not exist in this environment.",
        "Correct the name, or declare the resource.",
        (Part(APPLICATION, "  prompt: «anwser»", "  prompt: answer"),),
    ),
    "LLM0402": Code(
        "Ambiguous reference",
        "Several versions stand side by side, and nothing says which one is meant.",
        "Pin one with @ and the version.",
        (Part(APPLICATION, "  prompt: «answer»", "  prompt: answer@2.0.0", "  prompt: answer"),),
        given="The prompt answer has the versions 1.0.0 and 2.0.0.",
        beside=SECOND_ANSWER,
    ),
    "LLM0403": Code(
        "Wrong version",
        "The pinned version does not exist, or the kind has no versions.",
        "Pin a version that exists.",
        (Part(APPLICATION, "  prompt: «answer@9.0.0»", "  prompt: answer@1.0.0", "  prompt: answer"),),
        given="The prompt answer has the version 1.0.0 only.",
    ),
    "LLM0404": Code(
        "Model for another task",
        "An embedding model cannot chat, a chat model gives no vectors.",
        "Name a model with the right task.",
        (Part(APPLICATION, "  model: «embedder»", "  model: chatter"),),
        given="The model embedder has `task: embedding`, the model chatter has `task: chat`.",
    ),
    "LLM0405": Code(
        "Listed twice",
        "The second mention does nothing.",
        "Remove one.",
        (Part(APPLICATION, "  retrieval: [handbook, «handbook»]", "  retrieval: [handbook]"),),
    ),
    "LLM0406": Code(
        "Unused resource",
        "No application reaches it, so it will rot.",
        "Use it, or remove it.",
        (
            Part(APPLICATION, "  monitors: []", "  monitors: [errors]"),
            Part(
                Place("specs/quality.yaml", "kind: Monitor"),
                "metadata: {name: «errors», owner: docs}",
                "metadata: {name: errors, owner: docs}",
            ),
        ),
    ),
    "LLM0407": Code(
        "Declared twice",
        "Two specs claim one name, and one version of it.",
        "Rename one, or give it another version.",
        (
            Part(
                Place("specs/second-answer.yaml", "kind: Prompt"),
                "metadata: {name: «answer», owner: docs}\nspec:\n  version: 1.0.0",
                "metadata: {name: answer, owner: docs}\nspec:\n  version: 2.0.0",
            ),
        ),
        given="The file specs/prompt.yaml declares version 1.0.0 of the prompt answer.",
        beside={**SECOND_ANSWER, "specs/application.yaml": _PINNED},
    ),
}
