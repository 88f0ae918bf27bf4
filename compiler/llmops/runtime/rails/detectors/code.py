"""Output that would act if a program passed it on to a database, a template engine or a shell.

Patterns for the phrases that act, not for words of the languages: an explanation of SELECT passes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings
from llmops.runtime.rails.detectors.web import active_markup

FAMILIES: Mapping[str, re.Pattern[str]] = {
    "sqli": re.compile(
        r"\bunion\s+(?:all\s+)?select\b"
        r"|['\"]\s*(?:or|and)\s+(?P<q>['\"]?)(\w+)(?P=q)\s*=\s*(?P=q)\2"
        r"|;\s*(?:drop|truncate|alter)\s+(?:table|database|schema|user)\b"
        r"|;\s*(?:delete\s+from|insert\s+into|update\s+\w+\s+set|exec(?:ute)?\s+\w+)\b"
        r"|\bxp_cmdshell\b|\b(?:sleep|pg_sleep|benchmark)\s*\(\s*\d+",
        re.IGNORECASE,
    ),
    "template": re.compile(r"\{\{.+?\}\}|\{%.+?%\}|<%.+?%>|[$#]\{[^{}]*[.(][^{}]*\}", re.DOTALL),
    "code": re.compile(
        r"\b(?:os\.(?:system|popen|exec\w*)|subprocess\.\w+|eval|exec|__import__|pickle\.loads?)\s*\("
        r"|^\s*(?:import|from)\s+(?:os|subprocess|socket|shutil|ctypes|pty)\b"
        r"|\brm\s+-(?:rf|fr)\b|\b(?:curl|wget)\b[^\n|]*\|\s*(?:ba|z)?sh\b|/dev/tcp/",
        re.IGNORECASE | re.MULTILINE,
    ),
}
MARKUP = "xss"
"""The family that `web` finds."""


def build_code_injection(settings: Settings) -> Detect:
    families = tuple(settings["families"])

    def detect(request: Request) -> Finding | None:
        found = [family for family in families if _acts(family, request.text)]
        return Finding(", ".join(found)) if found else None

    return detect


def _acts(family: str, text: str) -> bool:
    return bool(active_markup(text)) if family == MARKUP else bool(FAMILIES[family].search(text))
