"""A plan in the forms that people and programs read: text for a terminal, Markdown for a pull request, JSON.

Input: the plan's document, plain data. Output: a text. Each form is a module with a function `report`, found through `PLAN_FORMATS`.
"""

from __future__ import annotations

PLAN_FORMATS: dict[str, str] = {
    "text": "llmops.report.plans.text",
    "markdown": "llmops.report.plans.markdown",
    "json": "llmops.report.plans.json",
}
"""Name of a form → its module, imported only when the form is asked for."""
