"""A judge: the chat model that an evaluation names, asked over its OpenAI-compatible endpoint. What it said is kept by its digest."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmops.errors import RuntimeUnavailable
from llmops.runtime.bundle import BundledResource
from llmops.runtime.measuring.answers import Answers
from llmops.runtime.measuring.session import PARALLEL

if TYPE_CHECKING:
    import httpx

LOCAL_KEY = "LLMOPS_LOCAL_API_KEY"


@dataclass(frozen=True, slots=True)
class Judge:
    """`digest` is the judge's identity: its model, its rubrics, the form of its prompts. Its temperature is the model's, 0 by default."""

    model: BundledResource
    digest: str
    answers: Answers
    progress: Callable[[str], None] = lambda _text: None

    def ask(self, prompts: Sequence[str]) -> list[str]:
        """What the judge says of each prompt, as it says it. Raises `RuntimeUnavailable` where it does not answer."""
        import httpx

        known = dict(self.answers.said(self.digest, prompts))
        missing = [prompt for prompt in dict.fromkeys(prompts) if prompt not in known]
        with httpx.Client(timeout=self.model.spec["endpoint"]["timeout_seconds"]) as client, ThreadPoolExecutor(PARALLEL) as pool:
            for number, (prompt, said) in enumerate(zip(missing, pool.map(lambda p: self._say(client, p), missing), strict=True), start=1):
                known[prompt] = said
                self.progress(f"judged {number} of {len(missing)}")
        return [known[prompt] for prompt in prompts]

    def _say(self, client: httpx.Client, prompt: str) -> str:
        import httpx

        spec = self.model.spec
        body = {"model": spec["model"], "messages": [{"role": "user", "content": prompt}], "max_tokens": 16, "temperature": 0}
        address = f"{spec['endpoint']['url']}/chat/completions"
        try:
            response = client.post(address, json={**body, **spec["parameters"]}, headers=_headers(spec))
            response.raise_for_status()
            said = str(response.json()["choices"][0]["message"]["content"] or "")
        except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
            raise RuntimeUnavailable(f"The judge {self.model.id} at {address} does not answer: {error}", f"curl {address}") from error
        self.answers.keep_said(self.digest, prompt, said)
        return said


def _headers(spec: Mapping[str, Any]) -> dict[str, str]:
    """Raises `RuntimeUnavailable` where the variable with the key is not set: nobody is asked without it."""
    variable = (spec["endpoint"].get("api_key") or {}).get("env") or (LOCAL_KEY if spec["provider"] == "llama.cpp" else "")
    if variable and variable not in os.environ:
        raise RuntimeUnavailable(f"The judge's key is not set: {variable}", f"export {variable}=…")
    return {"Authorization": f"Bearer {os.environ[variable]}"} if variable else {}
