"""Who answers for which file of a workspace, and who an owner is on GitHub.

Input: the linked resources, the drafts with their patches, the packs of policies. Output: the owners of every file that they stand in.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llmops.load.source import load

if TYPE_CHECKING:
    from llmops.check.packs import Packs
    from llmops.overlay import Draft
    from llmops.pipeline import Drafted, Front
    from llmops.resources import Resource

Claim = tuple[str, str]
"""A file, relative to the workspace and with slashes, and the name of one of its owners."""


def handle_of(owner: str, handles: Mapping[str, str]) -> str | None:
    """The handle that `spec.owners` gives an owner, an e-mail address as it is, None for anybody else."""
    return handles.get(owner) or (owner if "@" in owner else None)


def claims(drafted: Drafted, front: Front) -> Iterator[Claim]:
    """Who owns what in one environment: specs and the files that they name, patches by the resources that they change, policies.

    A file of a pack that comes as a Python package keeps the package's name before it: no file of the workspace is called so.
    """
    for resource in front.linked.graph.resources.values():
        yield from ((file, resource.owner) for file in _files_of(resource))
    for written in drafted.drafts:
        yield from _patched(written)
    yield from _ruled(front.packs)


def _files_of(resource: Resource) -> Iterator[str]:
    yield resource.source.file
    yield from (file.path for file in resource.files)
    folder = posixpath.dirname(resource.source.file)
    messages: Iterable[Mapping[str, Any]] = resource.spec.get("messages", ()) if resource.kind == "Prompt" else ()
    yield from (posixpath.normpath(posixpath.join(folder, m["content_file"])) for m in messages if "content_file" in m)


def _patched(written: Draft) -> Iterator[Claim]:
    """The owner before any patch counts too: a patch that hands a resource over concerns both."""
    for data in (written.document.data, written.data):
        yield from ((applied.patch.document.file, str(data["metadata"]["owner"])) for applied in written.applied)


def _ruled(packs: Packs) -> Iterator[Claim]:
    """Policies, waivers and the page of a pack: all carry their owner in the same place."""
    documents, _ = load(packs.sources)
    return ((document.file, str(document.data["metadata"]["owner"])) for document in documents)
