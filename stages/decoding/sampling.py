"""The next token: the most probable one, or one drawn by temperature, top-p and repetition penalty."""

import torch
from torch import Tensor

from stages.decoding.parameters import Sampling


class Chooser:
    """Chooses next tokens for rows that come and go; each row draws from a generator of its own.

    What a row draws therefore depends on its seed alone, not on which rows share its batch.
    """

    def __init__(self, sampling: Sampling | None, seeds: list[int]) -> None:
        self.sampling = sampling
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def choose(self, logits: Tensor, rows: list[int], written: list[list[int]]) -> Tensor:
        """Next tokens ``[rows]`` from logits ``[rows, vocabulary]``.

        Args:
            logits: In float32; changed in place.
            rows: Which of the generators each row has.
            written: What each row has written so far, for the repetition penalty. The prompt does not count: the "you
                are" of a system prompt would keep a model from beginning its role prompt with these words.
        """
        if self.sampling is None:
            return logits.argmax(dim=-1)
        if self.sampling.repetition_penalty != 1:
            penalize(logits, written, self.sampling.repetition_penalty)
        drawn = torch.tensor([float(torch.rand((), generator=self.generators[row])) for row in rows])
        return nucleus(logits / self.sampling.temperature, self.sampling.top_p, drawn.to(logits.device))


def penalize(logits: Tensor, written: list[list[int]], penalty: float) -> None:
    """Divide positive logits of written tokens by the penalty, multiply negative ones (Keskar et al. 2019, 4.1)."""
    for row, tokens in enumerate(written):
        index = torch.tensor(sorted(set(tokens)), dtype=torch.long, device=logits.device)
        values = logits[row, index]
        logits[row, index] = torch.where(values > 0, values / penalty, values * penalty)


def nucleus(logits: Tensor, top_p: float, drawn: Tensor) -> Tensor:
    """Tokens drawn, by uniforms ``[rows]``, from the smallest set whose probability reaches ``top_p``.

    Nucleus sampling (Holtzman et al. 2020, section 3.1).
    """
    probabilities, tokens = torch.softmax(logits, dim=-1).sort(dim=-1, descending=True, stable=True)
    cumulative = probabilities.cumsum(dim=-1)
    kept = cumulative - probabilities < top_p
    mass = (probabilities * kept).sum(dim=-1)
    place = (cumulative < (drawn * mass)[:, None]).sum(dim=-1).clamp(max=kept.sum(dim=-1) - 1)
    return tokens.gather(1, place[:, None])[:, 0]
