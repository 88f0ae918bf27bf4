"""Every code a diagnostic can carry, by family. Codes are stable and never reused.

The text here is what `llmops explain CODE` prints and what `docs/errors/` is generated from; `llmops check` does not import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llmops.codes import fields, files, lock, patches, policies, prompts, references, safety, sizes, workspace, yaml_text
from llmops.codes.code import Code, Part, Place, Side


@dataclass(frozen=True, slots=True)
class Family:
    """Codes that begin alike; one module beside this one."""

    title: str
    codes: Mapping[str, Code]


FAMILIES: dict[str, Family] = {
    "LLM00": Family("The YAML itself", yaml_text.CODES),
    "LLM01": Family("The workspace", workspace.CODES),
    "LLM02": Family("Fields and values", fields.CODES),
    "LLM03": Family("Patches and environments", patches.CODES),
    "LLM04": Family("References", references.CODES),
    "LLM05": Family("Prompts and variables", prompts.CODES),
    "LLM06": Family("Sizes", sizes.CODES),
    "LLM07": Family("Safety rules", safety.CODES),
    "LLM08": Family("Files", files.CODES),
    "LLM09": Family("Policies", policies.CODES),
    "LLM10": Family("The lock", lock.CODES),
}
"""First characters of a code → its family."""

CODES: dict[str, Code] = {name: code for family in FAMILIES.values() for name, code in family.codes.items()}

__all__ = ["CODES", "FAMILIES", "Code", "Family", "Part", "Place", "Side"]
