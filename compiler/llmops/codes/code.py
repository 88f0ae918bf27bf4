"""What is said about a code, and the example that shows it.

An example changes a few lines of a small workspace without mistakes; `tests/codes` compiles both sides of every one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Side = Literal["wrong", "right"]
_MARK = re.compile("«(.+?)»")


@dataclass(frozen=True, slots=True)
class Place:
    """A file of the workspace, and the lines in it that are shown above a part, so that it can be found."""

    file: str
    above: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of one file, `wrong` and `right`. In one part of an example, guillemets in `wrong` stand around what the finding points at.

    `instead` is what both replace in the workspace: `right` itself when None, and when empty they are added at the file's end.
    """

    place: Place
    wrong: str
    right: str
    instead: str | None = None

    @property
    def marked(self) -> bool:
        return _MARK.search(self.wrong) is not None

    def text(self, side: Side) -> str:
        """The lines as they stand in the file."""
        return _MARK.sub(r"\1", self.wrong) if side == "wrong" else self.right

    def shown(self, side: Side) -> list[str]:
        """The lines as people read them: those above, then the part, with carets under what is wrong."""
        lines = [line for line in self.place.above.splitlines() if line]
        for line in (self.wrong if side == "wrong" else self.right).splitlines():
            lines.append(_MARK.sub(r"\1", line))
            mark = _MARK.search(line)
            if mark:
                lines.append(" " * mark.start() + "^" * len(mark[1]))
        return lines


@dataclass(frozen=True, slots=True)
class Code:
    """`title` is a short name, `why` says what goes wrong otherwise, `fix` how to mend it.

    `example` is empty where no text shows it; `words` says then what is wrong. `given` is what the reader must know of the rest
    of the workspace, and `beside` holds the files that make it so.
    """

    title: str
    why: str
    fix: str
    example: tuple[Part, ...] = ()
    words: str = ""
    given: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)

    def parts(self, side: Side) -> list[Part]:
        """The parts to show: on the right side without those that stay as they are."""
        return [part for part in self.example if side == "wrong" or part.text("wrong") != part.right]


APPLICATION = Place("specs/application.yaml", "kind: Application\nspec:")
MODEL = Place("specs/model.yaml", "kind: Model\nspec:")
ENDPOINT = Place("specs/model.yaml", "kind: Model\nspec:\n  endpoint:")
PROMPT = Place("specs/prompt.yaml", "kind: Prompt\nspec:")
VARIABLES = Place("specs/prompt.yaml", "kind: Prompt\nspec:\n  variables:")
MESSAGE = Place("specs/prompt.yaml", "kind: Prompt\nspec:\n  messages:\n    - role: user")
SOURCE = Place("specs/source.yaml", "kind: RetrievalSource\nspec:")
RULE = Place("specs/safety.yaml", "kind: SafetyPolicy\nspec:\n  rules:\n    - id: injection")
DATASET = Place("specs/quality.yaml", "kind: Dataset")
MONITOR = Place("specs/quality.yaml", "kind: Monitor\nspec:")
SIGNALS = Place("specs/quality.yaml", "kind: Monitor\nspec:\n  signals:")
SETTINGS = Place("llmops.yaml", "kind: Workspace\nspec:")

SECOND_ANSWER = {
    "specs/second-answer.yaml": """\
apiVersion: llmops/v1
kind: Prompt
metadata: {name: answer, owner: docs}
spec:
  version: 2.0.0
  variables: {question: {type: string}, documents: {type: documents}}
  messages: [{role: user, content: "{{ documents }} {{ question }}"}]
"""
}
"""A second version of the prompt, for references to one of several."""
