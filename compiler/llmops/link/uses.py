"""The files of a resource: prompt texts are read in, datasets and documents are digested.

Everything that decides behaviour is then inside the resource, and so inside its hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from llmops.link.findings import Finding
from llmops.load.files import FileProblem, Files
from llmops.resources import File, Path, Resource


def read_files(resource: Resource, files: Files) -> tuple[Resource, list[Finding]]:
    """The resource with its files, and a finding for each that cannot be used; a message without its file has no `content`."""
    reader = READERS.get(resource.kind)
    return reader(resource, files) if reader else (resource, [])


def _prompt(resource: Resource, files: Files) -> tuple[Resource, list[Finding]]:
    if not any("content_file" in message for message in resource.spec["messages"]):
        return resource, []
    messages, findings = [], []
    for index, message in enumerate(resource.spec["messages"]):
        read = _content(resource, message, files)
        if isinstance(read, FileProblem):
            findings.append(_finding(resource, ("spec", "messages", index, "content_file"), read))
            messages.append(message)
        else:
            messages.append({**message, "content": read})
    return replace(resource, spec={**resource.spec, "messages": messages}), findings


def _content(resource: Resource, message: Mapping[str, Any], files: Files) -> str | FileProblem:
    if "content_file" not in message:
        return str(message["content"])
    found = files.find(resource.source.file, message["content_file"])
    if isinstance(found, FileProblem):
        return found
    content = files.read(found)
    if isinstance(content, FileProblem):
        return content
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return FileProblem("LLM0806", f"{found} is not UTF-8 text", "Save it as UTF-8.")


def _dataset(resource: Resource, files: Files) -> tuple[Resource, list[Finding]]:
    found = files.find(resource.source.file, resource.spec["path"])
    digest = found if isinstance(found, FileProblem) else files.digest(found)
    if isinstance(digest, FileProblem):
        return resource, [_finding(resource, ("spec", "path"), digest)]
    return replace(resource, files=(digest,)), []


def _retrieval_source(resource: Resource, files: Files) -> tuple[Resource, list[Finding]]:
    documents = resource.spec["documents"]
    used: dict[str, File] = {}
    findings = []
    for index, pattern in enumerate(documents["paths"]):
        paths = files.glob(resource.source.file, [pattern], documents["exclude"])
        digests = [paths] if isinstance(paths, FileProblem) else [files.digest(path) for path in paths]
        problems = [digest for digest in digests if isinstance(digest, FileProblem)]
        findings += [_finding(resource, ("spec", "documents", "paths", index), problem) for problem in problems]
        used |= {digest.path: digest for digest in digests if isinstance(digest, File)}
    return replace(resource, files=tuple(used[path] for path in sorted(used))), findings


def _finding(resource: Resource, path: Path, problem: FileProblem) -> Finding:
    return Finding(resource.id, path, problem.code, problem.message, problem.hint)


READERS: dict[str, Callable[[Resource, Files], tuple[Resource, list[Finding]]]] = {
    "Prompt": _prompt,
    "Dataset": _dataset,
    "RetrievalSource": _retrieval_source,
}
