"""How likely a system finds the reference answers of held-out conversations, after different role prompts."""

import logging
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tqdm import tqdm

from stages.chat import arms, self_prompt
from stages.chat.rendering import Part, before_answer, render, tokenize_prompt
from stages.decoding.choices import DECIMALS, Row, loglikelihoods
from stages.decoding.context import RoleEnd
from stages.decoding.generating import Chooser, Prompt, batches, generate
from stages.decoding.model import load
from stages.decoding.parameters import Decoding, ReferenceLikelihoods
from stages.decoding.partial import Partial, fingerprint
from stages.records.conversation import AnnotatedConversation
from stages.records.results import ReferenceLikelihood, RoleGiven
from stages.records.systems import Arm

logger = logging.getLogger("likelihood")

CONDITIONS = 5
"""Each conversation is in memory so many times: after its own role prompt, the recorded one, and so on."""

OwnHead = Literal["role", "restated"]
"""What a system's own turn begins with: a role prompt that it writes, or the question's first sentence."""


def own_head(arm: Arm | None) -> OwnHead | None:
    """What the arm was trained to begin with; None for nothing."""
    if arm in {None, "standard"}:
        return None
    return "restated" if arm == "restated" else "role"


@dataclass(frozen=True)
class Held:
    """A held-out conversation, and the role prompt of another one; None where there is no other."""

    conversation: AnnotatedConversation
    other_role: str | None


def held_out(conversations: Sequence[AnnotatedConversation], limit: int | None, rng: random.Random) -> list[Held]:
    """The conversations asked about, each with another one's role prompt: a random permutation without fixed points."""
    chosen = conversations[:limit]
    if len(chosen) < 2:
        return [Held(only, None) for only in chosen]
    return [Held(*pair) for pair in zip(chosen, arms.deranged([each.role for each in chosen], rng), strict=True)]


def reference_likelihoods(
    folder: Path,
    held: Sequence[Held],
    own: OwnHead | None,
    asking: ReferenceLikelihoods,
    decoding: Decoding,
    partial: Path,
) -> list[ReferenceLikelihood]:
    """Likelihoods of the first reference answers, in order; those that do not fit the model's context are left out.

    Where a system that writes role prompts writes none for a conversation, its own way is to answer without. A killed
    run goes on from what is in the folder ``partial``.
    """
    measuring = _Measuring(folder, own, asking, decoding)
    fitting = [each for each in held if measuring.fits(each)]
    if len(fitting) < len(held):
        logger.warning("%d of %d answers do not fit the model's context: left out", len(held) - len(fitting), len(held))
    kept = Partial(partial, fingerprint(folder, [held, own, asking, decoding]), ReferenceLikelihood)
    done = kept.begin()
    prompts = [measuring.prompt(each) for each in fitting]
    settings = {"total": len(fitting), "initial": len(done), "unit": "item", "mininterval": 1}
    with tqdm(**settings, desc=f"{folder.name} likelihood") as bar:
        for batch in batches(prompts, decoding.batch_tokens // CONDITIONS):
            if batch[0] not in done:
                measured = measuring.measure([fitting[index] for index in batch], [prompts[index] for index in batch])
                kept.add(batch, measured)
                bar.update(len(batch))
    found = kept.read()
    return [found[index] for index in range(len(fitting))]


class _Measuring:
    """One model and how it is asked."""

    def __init__(self, folder: Path, own: OwnHead | None, asking: ReferenceLikelihoods, decoding: Decoding) -> None:
        self.loaded, self.own, self.asking, self.decoding = load(folder, decoding), own, asking, decoding
        config = self.loaded.model.config.get_text_config()
        self.room = getattr(config, "max_position_embeddings", None) or sys.maxsize
        self.role_end = RoleEnd(self.loaded.tokenizer, before_answer(self.loaded.tokenizer, ["?"])[1])

    def prompt(self, held: Held) -> Prompt:
        """The conversation's first turn, to which the system writes its own role prompt.

        Its limit has room for the answer, which is in memory with it; the role prompt's own limit is set when it is
        asked for.
        """
        (answer,) = self._row(held, None).texts
        shown = tokenize_prompt(self.loaded.tokenizer, held.conversation.turns[:1])
        return Prompt(shown, self.asking.role_tokens + len(answer), until=self.role_end)

    def fits(self, held: Held) -> bool:
        """Whether prompt, any role prompt, and what is measured of the answer are within the model's context."""
        rows = [self._row(held, head) for _, head in self._given(held, None)]
        lengths = [len(row.before) + len(row.texts[0]) for row in rows]
        if self.own == "role":
            prompt = self.prompt(held)
            lengths.append(len(prompt.ids) + prompt.max_new_tokens + len("\n\n"))
        return max(lengths) <= self.room

    def measure(self, held: Sequence[Held], prompts: Sequence[Prompt]) -> list[ReferenceLikelihood]:
        """Likelihoods of a batch."""
        roles = self._own_roles(prompts) if self.own == "role" else [None] * len(held)
        given = [dict(self._given(each, role)) for each, role in zip(held, roles, strict=True)]
        distinct = [list(dict.fromkeys(heads.values())) for heads in given]
        rows = [self._row(each, head) for each, heads in zip(held, distinct, strict=True) for head in heads]
        values = iter(loglikelihoods(self.loaded, rows, self.decoding.batch_tokens))
        found = []
        for each, role, by_condition, heads in zip(held, roles, given, distinct, strict=True):
            nats = {head: round(-next(values)[0], DECIMALS) for head in heads}
            found.append(
                ReferenceLikelihood(
                    id=each.conversation.id,
                    tokens=len(self._row(each, None).texts[0]),
                    own_role=role,
                    nats={name: nats[head] for name, head in by_condition.items()},
                )
            )
        return found

    def _given(self, held: Held, role: str | None) -> Iterator[tuple[RoleGiven, str | None]]:
        """What each condition puts before the answer; ``role`` is the role prompt that the system wrote, if any."""
        if self.own:
            restated = self_prompt.first_sentence(held.conversation.turns[0]) if self.own == "restated" else None
            yield "own", role or restated
        yield "recorded", held.conversation.role
        if held.other_role is not None:
            yield "other", held.other_role
        yield "generic", arms.GENERIC_ROLE
        yield "none", None

    def _own_roles(self, prompts: Sequence[Prompt]) -> list[str | None]:
        asked = [Prompt(prompt.ids, self.asking.role_tokens, until=self.role_end) for prompt in prompts]
        completions = generate(self.loaded, asked, Chooser(None, []), range(len(asked)), lambda tokens: None)
        return [self.role_end.role(completion.ids) for completion in completions]

    def _row(self, held: Held, role: str | None) -> Row:
        """Rendered as in training: prompt and role prompt, and the answer with its end of turn, or its first tokens.

        The blank line between role prompt and answer counts to neither, so that the same text is measured in all
        conditions: of an answer's first tokens, where the template opens the answer with a line break, as ours do.
        """
        tokenizer, (question, reference) = self.loaded.tokenizer, held.conversation.turns[:2]
        rendered = render(tokenizer, [question, self_prompt.join(role, reference) if role else reference], role)
        answer = [place for place, part in enumerate(rendered.parts) if part not in {Part.PROMPT, Part.ROLE}]
        begin, end = answer[0], answer[-1] + 1
        while begin + 1 < end and not str(tokenizer.decode([rendered.ids[begin]])).strip():
            begin += 1
        return Row(rendered.ids[:begin], [rendered.ids[begin:end][: self.asking.answer_tokens]])
