"""Findings in the forms that people and other programs read: text, and what CI systems take.

Input: `Findings`. Output: a text. Each form is a module with a function `report`, found through `FORMATS`.
"""

from __future__ import annotations

FORMATS: dict[str, str] = {
    "text": "llmops.report.text",
    "json": "llmops.report.json",
    "github": "llmops.report.github",
    "sarif": "llmops.report.sarif",
    "junit": "llmops.report.junit",
}
"""Name of a form → its module, imported only when the form is asked for."""
