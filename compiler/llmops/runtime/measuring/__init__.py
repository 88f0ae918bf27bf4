"""Asks one release what an evaluation needs, keeps each answer as it comes, and lends metrics an embedder and a judge.

Input: a bundle and questions. Output: answers by question. Metrics and verdicts are `llmops.evaluate`'s.
"""
