"""Give every conversation of the corpus the role prompt of the expert who would answer it best.

Whatever is paid for is stored first: after an interruption, the next run asks only for the rest.
"""

import argparse
import logging
from contextlib import closing
from pathlib import Path

from stages.annotation.annotating import CorpusFile, RoleRequests, Tally, annotate, demand_enough
from stages.annotation.recording import RecordedModel, record
from stages.chat_models.local_model import open_chat_model
from stages.chat_models.preset import ChatPreset
from stages.core import command_line, parameters
from stages.core.errors import InputError
from stages.records.files import replacing, write_json, write_jsonl

CORPUS = Path("data/corpus.jsonl")
ANNOTATED = Path("data/annotated.jsonl")
METRICS = Path("metrics/annotate.json")
FAILURES = Path("logs/annotate_failures.jsonl")
RECORDED = Path("data/annotations")

logger = logging.getLogger("annotate")


def main() -> None:
    arguments = parse()
    preset: ChatPreset = parameters.load(f"annotators.{arguments.annotator}", ChatPreset)  # type: ignore[arg-type]
    recorded = RECORDED / f"{arguments.corpus}.jsonl"
    if arguments.record and preset.kind == "recorded":
        raise InputError(f"--record writes {recorded}, which annotator {arguments.annotator!r} reads: choose another")
    model = RecordedModel(recorded) if preset.kind == "recorded" else open_chat_model(preset)
    corpus, tally = CorpusFile(CORPUS), Tally(preset)

    if arguments.dry_run:
        print(RoleRequests(corpus).estimate(model))
        return
    with closing(annotate(corpus, model, tally, FAILURES)) as annotated:
        if arguments.record:
            held = list(annotated)
            demand_enough(tally, preset, recorded, FAILURES)
            logger.info("%d annotations recorded in %s: commit it", record(recorded, held, corpus), recorded)
            return
        with replacing(ANNOTATED) as temporary:
            write_jsonl(temporary, annotated)
            write_json(METRICS, tally.metrics())
            demand_enough(tally, preset, recorded, FAILURES)


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--annotator", required=True, help="key of annotators in params.yaml")
    parser.add_argument("--corpus", required=True, help="key of corpora in params.yaml")
    parser.add_argument("--dry-run", action="store_true", help="say what is stored, missing, and what it would cost")
    parser.add_argument("--record", action="store_true", help=f"write {RECORDED}/<corpus>.jsonl and nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    command_line.run(main)
