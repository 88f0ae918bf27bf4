"""A small workspace whose facts no model knows, in a git repository: what the passages say is all that can be answered."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

from tests.diff.repositories import commit_all
from tests.graphs import GEMMA, MINILM

PLACES = {
    "Zubria": "Talmet",
    "Ombaro": "Kessin",
    "Lirandel": "Pavo",
    "Quorvia": "Estrel",
    "Mundor": "Wick",
    "Tessaly": "Orrin",
    "Fernholt": "Gadden",
    "Ixmere": "Calder",
    "Brandoch": "Ulvia",
    "Sorrel": "Minta",
    "Halbria": "Joss",
    "Vendale": "Rook",
    "Poltar": "Sennet",
    "Kirwan": "Ambry",
    "Dunmore": "Lisk",
    "Yarrow": "Teppel",
    "Castro Alto": "Brine",
    "Nordhaven": "Ilm",
    "Ravenna Bay": "Quill",
    "Esperance": "Dorn",
    "Gallowmere": "Fitch",
    "Umbra": "Salt",
    "Westermark": "Hazel",
    "Oakhollow": "Pim",
}
"""Country → its capital. All invented."""

CONTEXT = '{% for d in documents | reverse %}{{ d.content | replace("\\n", " ") }} {% endfor %}'
SPECS = """\
apiVersion: llmops/v1
kind: Model
metadata: {{name: gemma, owner: platform}}
spec:
  task: chat
  provider: llama.cpp
  model: {chat[model]}
  revision: {chat[revision]}
  endpoint: {{url: "http://127.0.0.1:{port}/v1", timeout_seconds: 120}}
  weights: {{package: {chat[weights][package]}, sha256: {chat[weights][sha256]}}}
  chat_template: "{{% for m in messages %}}{{{{ m.content }}}}\\n\\n{{% endfor %}}Answer:"
  context_window: 2048
  max_output_tokens: 16
  parameters: {{temperature: 0, seed: 1, stop: ["\\n"]}}
  licence: Gemma Terms of Use
---
apiVersion: llmops/v1
kind: Model
metadata: {{name: minilm, owner: platform}}
spec:
  task: embedding
  provider: onnx
  model: {embedder[model]}
  revision: {embedder[revision]}
  weights: {{package: {embedder[weights][package]}, sha256: {embedder[weights][sha256]}}}
  dimension: {embedder[dimension]}
  max_input_tokens: {embedder[max_input_tokens]}
  licence: Apache-2.0
---
apiVersion: llmops/v1
kind: Prompt
metadata: {{name: answer, owner: docs}}
spec:
  version: 1.0.0
  variables: {{question: {{type: string}}, documents: {{type: documents}}}}
  messages:
    - role: system
      content: |-
        Answer the question from the context in a few words.

        Context: The kettle holds two litres. It stands on the second shelf of the kitchen.
        Question: How much does the kettle hold?
        Answer: Two litres.
    - role: user
      content: |-
        Context: {context}
        Question: {{{{ question }}}}
---
apiVersion: llmops/v1
kind: RetrievalSource
metadata: {{name: atlas, owner: docs, labels: {{classification: public}}}}
spec:
  documents: {{paths: ["../docs/*.md"], licence: CC0-1.0}}
  chunking: {{by: word, length: 40, overlap: 0}}
  embedding: {{model: minilm}}
  store: {{kind: embedded}}
  retrieve: {{mode: hybrid, top_k: 2}}
---
apiVersion: llmops/v1
kind: Application
metadata: {{name: guide, owner: docs, description: Knows capitals.}}
spec:
  model: gemma
  prompt: answer
  retrieval: [atlas]
  evaluations: [capitals]
---
apiVersion: llmops/v1
kind: Dataset
metadata: {{name: capitals, owner: docs}}
spec: {{path: ../evals/capitals.jsonl, licence: CC0-1.0}}
---
apiVersion: llmops/v1
kind: Evaluation
metadata: {{name: capitals, owner: docs}}
spec:
  dataset: capitals
  metrics:
    - {{name: answer_contains, threshold: 0.3}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_workspace(root: Path) -> Path:
    """The workspace, committed."""
    for folder in ("specs", "docs", "evals"):
        (root / folder).mkdir(parents=True)
    (root / "llmops.yaml").write_text(
        "apiVersion: llmops/v1\nkind: Workspace\nmetadata: {name: atlas}\nspec: {default_environment: dev, environments: {dev: , prod: }}\n"
    )
    specs = SPECS.format(chat=GEMMA, embedder=MINILM, port=free_port(), context=CONTEXT)
    (root / "specs" / "guide.yaml").write_text(specs)
    for country, capital in PLACES.items():
        text = f"# {country}\n\nThe capital of {country} is {capital}.\n"
        (root / "docs" / f"{country.lower().replace(' ', '-')}.md").write_text(text)
    cases = [{"question": f"What is the capital of {country}?", "answer": capital} for country, capital in PLACES.items()]
    (root / "evals" / "capitals.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    (root / ".gitignore").write_text(".llmops/\nbuild/\n")
    commit_all(root, "A guide")
    return root


def edit(root: Path, old: str, new: str, file: str = "specs/guide.yaml") -> None:
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new, 1))


def without_passages(root: Path) -> None:
    """The prompt made worse on purpose: it takes the documents and leaves them out."""
    edit(root, CONTEXT, "{% for d in documents %}{% endfor %}")


def restore(root: Path) -> None:
    subprocess.run(["git", "-C", str(root), "checkout", "-q", "--", "."], check=True)
