"""The content of a resource's files, where it is at hand.

Input: a `File` and how to read. Output: its bytes, or None where what is there is something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from llmops.load.files import FileProblem
from llmops.resources import File

Read = Callable[[str], bytes | FileProblem]
"""A path's bytes, or why it cannot be read."""


def content_of(file: File, read: Read) -> bytes | None:
    """The bytes with the file's digest. None where it is unreadable, or only the pointer of a large file that is kept elsewhere."""
    content = read(file.path)
    if isinstance(content, FileProblem) or hashlib.sha256(content).hexdigest() != file.sha256:
        return None
    return content
