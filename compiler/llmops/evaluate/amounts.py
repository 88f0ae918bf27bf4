"""Amounts of an answer, in their own units: time, tokens, money. Less is better."""

from __future__ import annotations

from llmops.evaluate.observation import Observation


def latency_ms(observation: Observation) -> float | None:
    return observation.reply.latency_ms if observation.reply else None


def input_tokens(observation: Observation) -> float | None:
    """None where the model's server was not asked, as for a blocked question: there was nothing to count."""
    return float(observation.reply.input_tokens) if observation.reply else None


def output_tokens(observation: Observation) -> float | None:
    return float(observation.reply.output_tokens) if observation.reply else None


def cost_usd(observation: Observation) -> float | None:
    """None where the model has no price."""
    return observation.reply.cost_usd if observation.reply else None
