"""From questions to generations in this process, or in this one's share of several: prompts, batches, records."""

import sys
from collections.abc import Sequence

from tqdm import tqdm

from stages.chat.rendering import tokenize
from stages.decoding.choices import choice_logprobs
from stages.decoding.generating import Completion, batches, generate
from stages.decoding.model import Loaded, load
from stages.decoding.partial import Partial, fingerprint
from stages.decoding.prompting import Item, Job, choice_tokens, prepare, record, warn_of_missing_shots
from stages.decoding.sampling import Chooser
from stages.decoding.sharing import ALONE, Share
from stages.errors import InputError
from stages.records.generation import Generation
from stages.records.question import Question


def answer(
    job: Job, questions: Sequence[Question], own_roles: Sequence[str | None] | None = None, share: Share = ALONE
) -> list[Generation]:
    """Generations in the order of the questions, as many as the job asks for; none in a process but the first.

    Batches are formed as one process forms them, whatever the number of processes that share them: an answer's bytes
    depend on who else is in its batch, never on who computes it.
    """
    if share.rank == 0:
        warn_of_missing_shots(job, questions)
    loaded = load(job.folder, job.decoding)
    items = prepare(job, questions, own_roles, loaded.tokenizer)
    prompts = [item.prompt for item in items]
    _check_context(loaded, job, items)
    chooser = Chooser(job.sampling, [job.seed_of(item.question) for item in items])
    shaping = [items, job.benchmark, job.trigger, job.named_choices, job.asking, job.decoding, job.seed]
    partial = Partial(job.partial, fingerprint(job.folder, shaping), share.rank)
    found = partial.done()
    mine = share.of(list(batches(prompts, job.decoding.batch_tokens)))
    left = [batch for batch in mine if batch[0] not in found]
    total, to_do = (sum(len(batch) for batch in some) for some in (mine, left))
    name = f"{job.folder.name} {job.benchmark}"
    with tqdm(total=total, initial=total - to_do, unit="item", desc=name, mininterval=1, disable=share.rank > 0) as bar:
        counter = _TokenCounter(bar)
        for batch in left:
            chosen = [items[index] for index in batch]
            completions = generate(loaded, [item.prompt for item in chosen], chooser, batch, counter)
            partial.add(batch, _records(loaded, job, chosen, completions))
            bar.update(len(batch))
    share.wait_for_the_others()
    if share.rank:
        return []
    found = partial.read()
    return [found[index] for index in range(len(items))]


def _check_context(loaded: Loaded, job: Job, items: Sequence[Item]) -> None:
    """Hold the longest prompt and answer, and the choices where they are scored, against the model's context.

    Raises:
        InputError: The model would be asked about positions that it was not made for.
    """
    room = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize
    longest = max(items, key=lambda item: len(item.prompt.ids) + item.prompt.max_new_tokens)
    choices = choice_tokens(job, longest.question, loaded.tokenizer)
    scored = len(tokenize(loaded.tokenizer, job.trigger)) + max(map(len, choices)) if choices else 0
    length, new = len(longest.prompt.ids), longest.prompt.max_new_tokens
    if length + new + scored > room:
        raise InputError(
            f"{longest.question.id}: a prompt of {length} tokens, an answer of up to {new} and its choices ({scored}) "
            f"exceed the {room} positions of {job.folder}: lower `max_new_tokens` or `shots` in the scale's "
            f"`{job.section}`, or choose a model of longer context"
        )


class _TokenCounter:
    """Shows tokens a second on the bar."""

    def __init__(self, bar: "tqdm[None]") -> None:
        self.bar, self.tokens = bar, 0

    def __call__(self, tokens: int) -> None:
        self.tokens += tokens
        elapsed = self.bar.format_dict["elapsed"]
        if elapsed:
            self.bar.set_postfix_str(f"{self.tokens / elapsed:.0f} tok/s", refresh=False)


def _records(loaded: Loaded, job: Job, items: Sequence[Item], completions: Sequence[Completion]) -> list[Generation]:
    logprobs = _choices(loaded, job, items, completions)
    return [
        record(
            item,
            str(loaded.tokenizer.decode(completion.ids, skip_special_tokens=True)),
            len(completion.ids),
            completion.finished,
            of_choices,
        )
        for item, completion, of_choices in zip(items, completions, logprobs, strict=True)
    ]


def _choices(
    loaded: Loaded, job: Job, items: Sequence[Item], completions: Sequence[Completion]
) -> Sequence[list[float] | None]:
    choices = [choice_tokens(job, item.question, loaded.tokenizer) for item in items]
    if not choices[0]:
        return [None] * len(items)
    trigger = tokenize(loaded.tokenizer, job.trigger)
    return choice_logprobs(loaded, [item.prompt for item in items], completions, trigger, choices)
