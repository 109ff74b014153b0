"""Bring the chosen instruction corpus into the pipeline as it is."""

from pathlib import Path

from stages.core import command_line, parameters
from stages.corpora.preset import CorpusPreset
from stages.corpora.reading import read_corpus
from stages.records import files


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--corpus", required=True, help="a key of `corpora` in params.yaml")
    parser.add_argument("--data", required=True, help="where repositories are: bundled, hub or mirror")
    arguments = parser.parse_args()
    preset = parameters.load(f"corpora.{arguments.corpus}", CorpusPreset)
    files.write_jsonl(Path("data/corpus.jsonl"), read_corpus(arguments.corpus, preset, arguments.data))


if __name__ == "__main__":
    command_line.run(main)
