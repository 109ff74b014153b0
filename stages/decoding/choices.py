"""Log-likelihood of each choice after what the model wrote and a fixed trigger.

The cache that answering left is taken up again, so that neither prompt nor answer is computed twice.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from stages.decoding.cache import joined
from stages.decoding.generating import Completion, Prompt, last_logits
from stages.decoding.model import Loaded


@torch.inference_mode()
def choice_logprobs(
    loaded: Loaded,
    prompts: Sequence[Prompt],
    completions: Sequence[Completion],
    trigger: Sequence[int],
    choices: Sequence[Sequence[Sequence[int]]],
) -> list[list[float]]:
    """Log-probabilities in nats, for each row one for each choice.

    Args:
        loaded: The model.
        prompts: What was asked.
        completions: What was answered, with its cache, which lacks the last token.
        trigger: Tokens that stand before a choice.
        choices: For each row the tokens of each choice.
    """
    heads = [
        [(completion.ids or prompt.ids)[-1], *trigger] for prompt, completion in zip(prompts, completions, strict=True)
    ]
    longest = max(len(choice) for row in choices for choice in row)
    pasts = [completion.past for completion in completions]
    lengths = torch.tensor([past[0][0].shape[1] for past in pasts], device=loaded.device)
    cache = joined(pasts, len(heads[0]) + longest)
    filled = cache.layers[0].filled
    mask = (torch.arange(filled, device=loaded.device)[None] >= filled - lengths[:, None]).long()

    def step(ids: Tensor) -> Tensor:
        begin = cache.layers[0].filled - filled
        positions = lengths[:, None] + begin + torch.arange(ids.shape[1], device=loaded.device)
        seen = torch.cat([mask, mask.new_ones(len(heads), begin + ids.shape[1])], dim=1)
        return last_logits(loaded, ids, seen, positions, cache).log_softmax(dim=-1)

    after_head = step(torch.tensor(heads, device=loaded.device))
    base = cache.layers[0].filled
    found = [[0.0] * len(row) for row in choices]
    for number in range(max(len(row) for row in choices)):
        cache.rewind(base)
        logprobs, rows = after_head, [row[number] if number < len(row) else row[0] for row in choices]
        for place in range(max(len(tokens) for tokens in rows)):
            if place:
                fed = [tokens[min(place - 1, len(tokens) - 1)] for tokens in rows]
                logprobs = step(torch.tensor(fed, device=loaded.device)[:, None])
            for index, tokens in enumerate(rows):
                if number < len(choices[index]) and place < len(tokens):
                    found[index][number] += float(logprobs[index, tokens[place]])
    return found
