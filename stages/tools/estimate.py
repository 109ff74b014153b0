"""Say what a training will take: memory, steps, tokens, operations, time, disk. Trains nothing.

python -m stages.tools.estimate --model mistral-7b --scale paper --gpus 8

It needs the corpus (`dvc repro split`) and the model's configuration alone: that of data/base, or of the Hub.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.base_models.preset import HubModel, ModelPreset
from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.records import files
from stages.records.conversation import AnnotatedConversation
from stages.training import recipe as recipes
from stages.training.recipe import Lora, Recipe

CHARACTERS_A_TOKEN = 4.0
"""English text under a vocabulary of 32,000; used where no tokenizer is at hand."""
ACTIVATION_BYTES = 34.0
"""Bytes a token, layer and unit of width in 16 bits, no attention scores kept (Korthikanti et al. 2022, section 4)."""


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--model", required=True, help="a key of `models` in params.yaml")
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    parser.add_argument("--gpus", type=int, default=8, help="(default: 8)")
    parser.add_argument("--gpus-per-node", type=int, default=8, help="(default: 8)")
    parser.add_argument("--gpu-memory", type=float, default=80, help="GB (default: 80, an A100's)")
    parser.add_argument("--tflops", type=float, default=312, help="peak of a GPU (default: 312, an A100's in bfloat16)")
    parser.add_argument("--mfu", type=float, default=0.4, help="share of the peak that is reached (default: 0.4)")
    arguments = vars(parser.parse_args())
    name, scale = arguments.pop("model"), arguments.pop("scale")
    recipe = recipes.load(scale, name)
    preset: ModelPreset = parameters.load(f"models.{name}", ModelPreset)  # type: ignore[arg-type]
    train = files.read_jsonl(Path("data/split/train.jsonl"), AnnotatedConversation)
    base = Path("data/base") / name
    found = size(configuration(base, preset), recipe.lora)
    print(estimate(name, found, lengths(base, train, recipe), recipe, Hardware(**arguments)))


@dataclass(frozen=True)
class Hardware:
    """``gpu_memory`` in GB, ``tflops`` of one GPU at its peak, ``mfu`` the share of it that is reached."""

    gpus: int
    gpus_per_node: int
    gpu_memory: float
    tflops: float
    mfu: float


@dataclass(frozen=True)
class Size:
    """A model's numbers.

    Attributes:
        largest_layer: Trained parameters, as the optimizer's states count; without adapters they are all.
        multiplied: Parameters in matrices that tokens are multiplied with.
    """

    parameters: int
    trained: int
    largest_layer: int
    multiplied: int
    layers: int
    width: int


def configuration(base: Path, preset: ModelPreset) -> Any:
    """The model's configuration: of the base folder, or of the Hub, whose weights are not fetched.

    Raises:
        InputError: There is neither.
    """
    from transformers import AutoConfig

    if (base / "config.json").is_file():
        return AutoConfig.from_pretrained(base)
    if not isinstance(preset, HubModel):
        raise InputError(f"{base} holds no model: run `dvc repro base_model`, which makes it")
    try:
        return AutoConfig.from_pretrained(preset.repository, revision=preset.revision)
    except OSError as error:
        raise InputError(f"{preset.repository}: its config.json is not to be had ({error})") from None


def size(config: Any, lora: Lora | None = None) -> Size:
    """The numbers of a model that is built without its weights."""
    import torch
    from transformers import AutoModelForCausalLM

    from stages.training.model import with_adapters

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(copy.deepcopy(config))
        parameters = sum(parameter.numel() for parameter in model.parameters())
        projection = model.get_output_embeddings().weight.numel()
        if lora is not None:
            model = with_adapters(model, lora)
    layers = model.get_decoder().layers
    largest = max(map(trained, [*layers, model.get_output_embeddings()]))
    # Embeddings are looked up, not multiplied, unless they serve as the projection too.
    multiplied = parameters if config.tie_word_embeddings else parameters - projection
    return Size(parameters, trained(model), largest, multiplied, len(layers), config.hidden_size)


def trained(module: Any) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def lengths(base: Path, corpus: Sequence[AnnotatedConversation], recipe: Recipe) -> list[int]:
    """Tokens of each conversation that fits, role prompt included, by the base model's tokenizer if it is there."""
    texts = ["".join([*item.turns, item.role]) for item in corpus]
    if (base / "tokenizer.json").is_file():
        from transformers import AutoTokenizer

        counts = [len(ids) for ids in AutoTokenizer.from_pretrained(base)(texts)["input_ids"]]
    else:
        counts = [round(len(text) / CHARACTERS_A_TOKEN) for text in texts]
    return [count for count in counts if count <= recipe.max_length]


def operations(size: Size, tokens: Sequence[int]) -> float:
    """Floating point operations of one epoch, forward and backward: 6 a weight and token, and causal attention.

    After Kaplan et al. 2020, section 2.1; attention, half of it masked, is 6 x layers x width x T^2. A frozen weight
    has no gradient of its own, which leaves 4.
    """
    a_token = 4.0 * size.multiplied + 2.0 * min(size.trained, size.multiplied)
    return sum(a_token * count + 6.0 * size.layers * size.width * count**2 for count in tokens)


def memory(size: Size, hardware: Hardware) -> Iterator[tuple[str, float, float]]:
    """Bytes of model states by ZeRO stage and offload: what, on one GPU, on a node's host (DeepSpeed's estimators).

    Frozen weights are 2 bytes each, whole on every GPU but with ZeRO 3, or shared by the hosts if offloaded.
    """
    from deepspeed.runtime.zero.stage3 import estimate_zero3_model_states_mem_needs as zero3
    from deepspeed.runtime.zero.stage_1_and_2 import estimate_zero2_model_states_mem_needs as zero2

    on_node, nodes = min(hardware.gpus, hardware.gpus_per_node), math.ceil(hardware.gpus / hardware.gpus_per_node)
    frozen = 2.0 * size.parameters if size.trained < size.parameters else 0.0
    yield "ZeRO 0", 18.0 * size.trained + frozen, 0.0
    for offload, name in ((False, "ZeRO 1, 2"), (True, "ZeRO 1, 2, optimizer offloaded")):
        host, gpu = zero2(size.trained, on_node, nodes, offload)
        yield name, gpu + frozen, host
    for offload, of_parameters, name in (
        (False, False, "ZeRO 3"),
        (True, False, "ZeRO 3, optimizer offloaded"),
        (True, True, "ZeRO 3, optimizer offloaded and parameters"),
    ):
        host, gpu, _ = zero3(size.trained, size.largest_layer, on_node, nodes, offload, of_parameters)
        of_gpu, of_host = (0.0, frozen / nodes) if of_parameters else (frozen / hardware.gpus, 0.0)
        yield name, gpu + of_gpu, host + of_host


def estimate(name: str, size: Size, tokens: Sequence[int], recipe: Recipe, hardware: Hardware) -> str:
    """A text for the terminal; says which ZeRO stages do not fit."""
    steps = math.ceil(round(len(tokens) * recipe.epochs) / recipe.batch_size)
    work = recipe.epochs * operations(size, tokens) * (4 / 3 if recipe.gradient_checkpointing else 1)
    hours = work / (hardware.gpus * hardware.tflops * 1e12 * hardware.mfu) / 3600
    stored = size.parameters * (2 if recipe.dtype == "bfloat16" else 4)
    checkpoints = 3 * (16 * size.trained + stored * (size.trained < size.parameters)) if recipe.checkpoint_every else 0
    # With checkpointing, the activations of one layer and the input of each are kept.
    kept = ACTIVATION_BYTES + 2 * size.layers if recipe.gradient_checkpointing else ACTIVATION_BYTES * size.layers
    held = kept * size.width * recipe.micro_batch_size * recipe.max_length
    states = "\n".join(
        f"{what:40}{gpu / 1e9:10.1f}{host / 1e9:11.1f}  "
        f"{'fits' if (gpu + held) / 1e9 <= hardware.gpu_memory else 'DOES NOT FIT'}"
        for what, gpu, host in memory(size, hardware)
    )
    return f"""\
{name}: {size.parameters / 1e6:,.0f} million parameters, {size.trained / 1e6:,.3g} million trained, \
{len(tokens)} conversations, {sum(tokens):,} tokens an epoch, {recipe.epochs:g} epochs, {steps} optimizer steps
operations  {work:.2e}
time        {hours:.2g} hours on {hardware.gpus} GPUs of {hardware.tflops:g} TFLOP/s at MFU {hardware.mfu:g}
disk        {stored / 1e9:.1f} GB exported, up to {checkpoints / 1e9:.1f} GB of checkpoints
activations {held / 1e9:.1f} GB on each GPU ({recipe.micro_batch_size} x {recipe.max_length} tokens)

{"model states":40}{"GB a GPU":>10}{"GB a host":>11}  with activations, of {hardware.gpu_memory:g} GB
{states}"""


if __name__ == "__main__":
    command_line.run(main)
