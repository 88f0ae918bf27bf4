"""The signals of monitors as PromQL over a server's `/metrics`: what the alerts and the dashboards ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llmops import metric_names as names


@dataclass(frozen=True, slots=True)
class Scope:
    """One application over so many hours, by groups."""

    application: str
    hours: int
    by: tuple[str, ...] = ()

    def total(self, metric: names.Metric, **labels: str) -> str:
        """What a counter rose by in the window, in each group. A metric without one of the group's labels is not split by it."""
        chosen = {"application": self.application, **labels}
        matchers = ",".join(f'{label}{"=~" if "|" in value else "="}"{value}"' for label, value in chosen.items())
        return f"{self._sum(metric)}(increase({metric.name}{{{matchers}}}[{self.hours}h]))"

    def quantile(self, share: float, metric: names.Metric) -> str:
        """Milliseconds that `share` of the requests do not exceed, as finely as the buckets are."""
        buckets = f'increase({metric.name}_bucket{{application="{self.application}"}}[{self.hours}h])'
        return f"1000 * histogram_quantile({share}, {self._sum(metric, 'le')}({buckets}))"

    def _sum(self, metric: names.Metric, *more: str) -> str:
        groups = [*(group for group in self.by if group in metric.labels), *more]
        return f"sum by ({', '.join(groups)}) " if groups else "sum"


def _share(part: Callable[[Scope], str]) -> Callable[[Scope], str]:
    return lambda scope: f"{part(scope)} / {scope.total(names.REQUESTS)}"


def _errors(scope: Scope) -> str:
    """Requests without an answer have no release and no prompt: the rate is the application's, whatever `by` says."""
    whole = Scope(scope.application, scope.hours)
    failed = whole.total(names.REJECTED, code="model_.*|store_.*|log_.*|internal_error")
    return f"({failed} or vector(0)) / ({whole.total(names.REQUESTS)} + ({failed} or vector(0)))"


EXPRESSIONS: Mapping[str, Callable[[Scope], str]] = {
    "interactions": lambda scope: scope.total(names.REQUESTS),
    "latency_p50_ms": lambda scope: scope.quantile(0.5, names.REQUEST_SECONDS),
    "latency_p95_ms": lambda scope: scope.quantile(0.95, names.REQUEST_SECONDS),
    "first_token_p95_ms": lambda scope: scope.quantile(0.95, names.FIRST_TOKEN_SECONDS),
    "error_rate": _errors,
    "blocked_rate": _share(lambda scope: scope.total(names.REQUESTS, outcome="blocked")),
    "redacted_rate": _share(lambda scope: scope.total(names.REDACTED)),
    "flagged_rate": _share(lambda scope: scope.total(names.FLAGGED)),
    "refusal_rate": _share(lambda scope: scope.total(names.REQUESTS, outcome="refused")),
    "input_tokens_mean": _share(lambda scope: scope.total(names.TOKENS, direction="input")),
    "output_tokens_mean": _share(lambda scope: scope.total(names.TOKENS, direction="output")),
    "cost_usd_per_day": lambda scope: f"{scope.total(names.COST)} * 24 / {scope.hours}",
}
"""Signal → its expression. What is missing here cannot be had from `/metrics`: it needs the texts of the log."""


def missing(signals: Sequence[str]) -> list[str]:
    """The signals that only the log can give."""
    return [signal for signal in signals if signal not in EXPRESSIONS]
