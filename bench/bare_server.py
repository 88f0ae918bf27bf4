"""The rendered pipeline of one application behind FastAPI and nothing else: no rails, no log, no limits. The floor of `bench.serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from llmops.runtime.bundle import Bundle
from llmops.runtime.pipelines import load_pipeline


def main() -> None:
    bundle = Bundle.open(Path(sys.argv[1]))
    pipeline = load_pipeline(bundle, "haystack/bare/query.yaml", Path(sys.argv[1]))
    app = FastAPI()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/answers")
    async def answer(asked: dict[str, Any]) -> dict[str, Any]:
        made = await pipeline.run_async({"prompt": {"question": asked["question"]}, "answer": {"query": asked["question"]}})
        return {"answer": made["answer"]["answers"][0].data}

    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
