"""What asking would take, before anything is paid."""

from collections.abc import Iterable

from stages.chat_models.bodies import make_body, modes_for, most_prompt_tokens
from stages.chat_models.interface import ChatRequest, Check, Estimate, Value
from stages.chat_models.preset import OpenAIPreset
from stages.chat_models.replies import Replies

TOKENS_PER_BYTE = 0.25
"""Of English under current tokenizers, roughly; replies in the cache say it better."""


def estimate(requests: Iterable[ChatRequest], check: Check[Value], replies: Replies, preset: OpenAIPreset) -> Estimate:
    """Count what is cached and what is missing; tokens as in the cached replies, where there are any."""
    count = missing = missing_bytes = 0
    seen_bytes = seen_prompt = seen_completion = seen = 0
    for request in requests:
        count += 1
        walk = replies.walk(request, check)
        size = most_prompt_tokens(make_body(request, preset, modes_for(request, preset)[0]))
        if walk.replies:
            seen += 1
            seen_bytes += size
            seen_prompt += walk.replies[0].prompt_tokens
            seen_completion += walk.replies[0].completion_tokens
        if walk.missing:
            missing += 1
            missing_bytes += size
    prompt = round(missing_bytes * (seen_prompt / seen_bytes if seen_prompt else TOKENS_PER_BYTE))
    completion = round(missing * (seen_completion / seen if seen else preset.token_limit))
    return Estimate(
        requests=count,
        cached=count - missing,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cost=preset.prices.cost(prompt, completion, batched=preset.batch),
        cost_at_most=preset.prices.cost(missing_bytes, missing * preset.token_limit, batched=preset.batch),
    )
