"""Keys and tokens, by the patterns of detect-secrets.

Its guesses by entropy and by variable names are left out: they take ordinary prose and identifiers for secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings, Span

if TYPE_CHECKING:
    from detect_secrets.plugins.base import RegexBasedDetector

PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.DOTALL)
"""The whole block: detect-secrets finds its first line alone, and cutting that out leaves the key."""
TOKEN = re.compile(r"(?:\.?[\w+/=~-]+)+")


def build_secrets(settings: Settings) -> Detect:
    plugins = _plugins()

    def detect(request: Request) -> Finding | None:
        found = [*_private_keys(request.text), *(hit for plugin in plugins for hit in _matches(plugin, request.text))]
        if not found:
            return None
        kinds = dict.fromkeys(kind for kind, _ in found)
        return Finding(", ".join(kinds), spans=tuple(span for _, span in found))

    return detect


def _plugins() -> list[RegexBasedDetector]:
    from detect_secrets.plugins import (
        aws,
        azure_storage_key,
        basic_auth,
        github_token,
        gitlab_token,
        jwt,
        npm,
        openai,
        pypi_token,
        sendgrid,
        slack,
        stripe,
        twilio,
    )

    return [
        aws.AWSKeyDetector(),
        azure_storage_key.AzureStorageKeyDetector(),
        basic_auth.BasicAuthDetector(),
        github_token.GitHubTokenDetector(),
        gitlab_token.GitLabTokenDetector(),
        jwt.JwtTokenDetector(),
        npm.NpmDetector(),
        openai.OpenAIDetector(),
        pypi_token.PypiTokenDetector(),
        sendgrid.SendGridDetector(),
        slack.SlackDetector(),
        stripe.StripeDetector(),
        twilio.TwilioKeyDetector(),
    ]


def _private_keys(text: str) -> Iterator[tuple[str, Span]]:
    return (("Private Key", Span(m.start(), m.end(), "SECRET")) for m in PRIVATE_KEY.finditer(text))


def _matches(plugin: RegexBasedDetector, text: str) -> Iterator[tuple[str, Span]]:
    """Every place of the plugin's patterns, if the plugin itself takes one of them for a secret."""
    if not any(plugin.analyze_string(text)):
        return
    for pattern in plugin.denylist:
        yield from ((plugin.secret_type, Span(m.start(), _token_end(text, m), "SECRET")) for m in pattern.finditer(text))


def _token_end(text: str, match: re.Match[str]) -> int:
    """Some patterns match only the beginning of a token: what is left of it would still be a secret."""
    if not TOKEN.match(text, match.end() - 1):
        return match.end()
    rest = TOKEN.match(text, match.end())
    return rest.end() if rest else match.end()
