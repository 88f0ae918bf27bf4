"""Run-time rails: a rendered safety policy run by guardrails-ai or NeMo Guardrails, with one verdict for both.

Both engines load a broken configuration and let everything pass; here nothing fails open.
"""

from llmops.runtime.rails.rails import Rails, load_rails
from llmops.runtime.rails.verdict import Hit, Verdict

__all__ = ["Hit", "Rails", "Verdict", "load_rails"]
