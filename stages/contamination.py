"""Measure how much of each benchmark's questions stands in the training corpus: metrics/contamination.json."""

from pathlib import Path

from stages.core import command_line
from stages.records.conversation import AnnotatedConversation
from stages.records.files import read_jsonl, write_json
from stages.records.question import Question
from stages.records.systems import read_plan

CORPUS = Path("data/annotated.jsonl")
QUESTIONS = Path("data/questions")
OPEN_ENDED = "open_ended"


def main() -> None:
    command_line.parser(__doc__).parse_args()
    from stages.corpora.overlap import contamination  # scikit-learn takes a second

    plan = read_plan()
    corpus = read_jsonl(CORPUS, AnnotatedConversation)
    metrics = {
        benchmark: contamination(read_jsonl(QUESTIONS / f"{benchmark}.jsonl", Question), corpus)
        for benchmark in dict.fromkeys([*plan.benchmarks, OPEN_ENDED])
        if benchmark in plan.benchmarks or (QUESTIONS / f"{benchmark}.jsonl").is_file()
    }
    write_json(Path("metrics/contamination.json"), metrics)


if __name__ == "__main__":
    command_line.run(main)
