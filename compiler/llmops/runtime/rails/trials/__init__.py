"""Trials of safety rules: texts with an expectation, run on the real engines, and what share of them is caught.

The cases of a rule, and the rows of a suite file, become `Trial`s; `run_trials` makes `Result`s of them.
"""

from llmops.runtime.rails.trials.rates import Rate, rates_of
from llmops.runtime.rails.trials.suite import Mistake, Row, Target, read_suite, suite_trials
from llmops.runtime.rails.trials.trial import Disagreement, Result, Trial, disagreements, run_trials

__all__ = [
    "Disagreement",
    "Mistake",
    "Rate",
    "Result",
    "Row",
    "Target",
    "Trial",
    "disagreements",
    "rates_of",
    "read_suite",
    "run_trials",
    "suite_trials",
]
