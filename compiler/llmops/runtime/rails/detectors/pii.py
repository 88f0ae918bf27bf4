"""Personal data with a recognisable form, by Presidio's pattern recognizers without a language model and without a network.

Names and places are not found: they have no form.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings, Span

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer


def build_pii(settings: Settings) -> Detect:
    entities, threshold = list(settings["entities"]), float(settings["threshold"])
    analyzer = _analyzer()

    def detect(request: Request) -> Finding | None:
        results = analyzer.analyze(text=request.text, language="en", entities=entities, score_threshold=threshold)
        if not results:
            return None
        kinds = sorted({r.entity_type for r in results})
        spans = tuple(Span(r.start, r.end, r.entity_type) for r in results)
        return Finding(", ".join(kinds), max(r.score for r in results), spans)

    return detect


@cache
def _analyzer() -> AnalyzerEngine:
    """One for the process: it holds no text. The recognizers are named here, as Presidio's defaults change."""
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NoOpNlpEngine

    # It warns of every entity of the model that it does not have; here there is no model.
    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
    engine = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}])
    engine.load()
    registry = RecognizerRegistry(recognizers=_recognizers(), supported_languages=["en"])
    return AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"])


def _recognizers() -> list[EntityRecognizer]:
    from presidio_analyzer import predefined_recognizers as known

    plain = (
        known.CreditCardRecognizer,
        known.CryptoRecognizer,
        known.IbanRecognizer,
        known.IpRecognizer,
        known.PhoneRecognizer,
        known.UsSsnRecognizer,
    )
    return [*(recognizer() for recognizer in plain), _email_recognizer()]


def _email_recognizer() -> EntityRecognizer:
    """Presidio's, with the public suffix list that its package brings: by default it fetches a new one."""
    import tldextract
    from presidio_analyzer.predefined_recognizers import EmailRecognizer

    suffixes = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())

    class OfflineEmailRecognizer(EmailRecognizer):
        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes(pattern_text).top_domain_under_public_suffix)

    return OfflineEmailRecognizer()
