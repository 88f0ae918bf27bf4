"""Edits of spec files that leave every other byte as it was: values spliced in at their marks, then both texts read again.

Input: texts and `Edit`s. Output: new texts. Nothing is written here.
"""

from llmops.edit.changes import FileChange, FileChanges, apply_edits
from llmops.edit.document import edited
from llmops.edit.refusal import EditRefused

__all__ = ["EditRefused", "FileChange", "FileChanges", "apply_edits", "edited"]
