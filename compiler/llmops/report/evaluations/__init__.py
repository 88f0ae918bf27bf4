"""An evaluation in the forms that people and programs read: text, Markdown for a pull request, JUnit's XML, JSON, a page.

Input: the evaluation's document, plain data. Output: a text. Each form is a module with a function `report`, found through
`EVALUATION_FORMATS`.
"""

from __future__ import annotations

EVALUATION_FORMATS: dict[str, str] = {
    "text": "llmops.report.evaluations.text",
    "markdown": "llmops.report.evaluations.markdown",
    "junit": "llmops.report.evaluations.junit",
    "json": "llmops.report.evaluations.json",
    "html": "llmops.report.evaluations.html",
}
"""Name of a form → its module, imported only when the form is asked for."""
