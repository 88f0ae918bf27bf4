"""What a gate may conclude from scores: intervals, paired comparisons, early stops, agreement and preference. Pure functions of numbers."""

from llmops.evaluate.statistics.agreement import Kappa, kappa
from llmops.evaluate.statistics.interval import Estimate, estimate
from llmops.evaluate.statistics.paired import Paired, compare, needed
from llmops.evaluate.statistics.preference import bradley_terry, preference
from llmops.evaluate.statistics.sequential import Sequential
from llmops.evaluate.statistics.verdicts import Verdict, holm, limit_needed, limit_outcome, verdict

__all__ = [
    "Estimate",
    "Kappa",
    "Paired",
    "Sequential",
    "Verdict",
    "bradley_terry",
    "compare",
    "estimate",
    "holm",
    "kappa",
    "limit_needed",
    "limit_outcome",
    "needed",
    "preference",
    "verdict",
]
