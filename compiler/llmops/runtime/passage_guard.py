"""A Haystack component that holds retrieved passages to the safety policy before the prompt sees them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haystack import Document, component

from llmops.errors import RuntimeUnavailable

if TYPE_CHECKING:
    from llmops.runtime.rails import Rails, Verdict

BUNDLE_VARIABLE = "LLMOPS_BUNDLE"


@component
class PassageGuard:
    """Drops a passage that a rule blocks, and redacts what a rule redacts.

    The rails come from the bundle that the variable `LLMOPS_BUNDLE` names. Without them `warm_up` raises: passages never
    pass unchecked.
    """

    def __init__(self, policy: str) -> None:
        """`policy` is the name of the `SafetyPolicy`."""
        self.policy = policy
        self._rails: Rails | None = None

    def warm_up(self) -> None:
        """Loads the rails, once."""
        self._loaded()

    @component.output_types(documents=list[Document], verdicts=list[Any])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """The passages that may be used, in their order, and the verdict on each one that was given."""
        rails = self._loaded()
        return _sift(documents, [rails.check("retrieval", d.content or "") for d in documents])

    @component.output_types(documents=list[Document], verdicts=list[Any])
    async def run_async(self, documents: list[Document]) -> dict[str, Any]:
        """As `run`."""
        rails = self._loaded()
        return _sift(documents, [await rails.check_async("retrieval", d.content or "") for d in documents])

    def _loaded(self) -> Rails:
        if self._rails is None:
            bundle = os.environ.get(BUNDLE_VARIABLE)
            if not bundle:
                raise RuntimeUnavailable(
                    f"{BUNDLE_VARIABLE} does not say where the rails of {self.policy} are.", f"export {BUNDLE_VARIABLE}=build/dev"
                )
            from llmops.runtime.rails import load_rails

            self._rails = load_rails(Path(bundle), self.policy)
        return self._rails


def _sift(documents: list[Document], verdicts: list[Verdict]) -> dict[str, Any]:
    kept = [
        document if verdict.text == document.content else replace(document, content=verdict.text)
        for document, verdict in zip(documents, verdicts, strict=True)
        if verdict.allowed
    ]
    return {"documents": kept, "verdicts": verdicts}
