"""What the ops of one run share: the verified bundle, and the local services, started when the first op needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg

from llmops.runtime.dagster.translator import Place

if TYPE_CHECKING:
    from llmops.runtime.bundle import Bundle


@dataclass
class Workbench:
    """Made once a run and process by Dagster; `stack` stops what was started."""

    place: Place
    stack: ExitStack
    progress: Callable[[str], None] = lambda _message: None
    """Set by each op to its own log."""
    running: set[str] = field(default_factory=set)

    @cached_property
    def bundle(self) -> Bundle:
        """Raises `LlmopsError` where a file is not the one that was rendered."""
        from llmops.runtime.bundle import Bundle

        return Bundle.open(self.place.bundle)

    def start(self, ids: Collection[str]) -> None:
        """Starts the local services of these resources, for the rest of the run."""
        from llmops.runtime.local.services import services

        missing = set(ids) - self.running
        if missing:
            self.stack.enter_context(services(self.bundle, self.place.root, progress=self.progress, resources=missing))
            self.running |= missing


def workbench_resource(place: Place) -> dg.ResourceDefinition:
    """A resource for the ops of one bundle. It opens nothing until an op asks."""

    @contextmanager
    def open_workbench(_context: dg.InitResourceContext) -> Iterator[Workbench]:
        with ExitStack() as stack:
            yield Workbench(place, stack)

    opener: Any = open_workbench
    return dg.ResourceDefinition(opener, description="The llmops bundle, and the local services that its assets need.")
