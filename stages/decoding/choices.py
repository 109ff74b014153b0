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
    cache, lengths = joined([completion.past for completion in completions], len(heads[0]) + longest)
    filled = cache.get_seq_length()

    def step(ids: Tensor) -> Tensor:
        return last_logits(loaded, ids, lengths + (cache.get_seq_length() - filled), cache).log_softmax(dim=-1)

    after_head = step(torch.tensor(heads, device=loaded.device))
    base = cache.get_seq_length()
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
