"""Split the annotated corpus into train and validation items."""

from pathlib import Path

from stages.core import command_line, parameters
from stages.corpora.preset import SplitParameters
from stages.records import files
from stages.records.conversation import AnnotatedConversation
from stages.records.systems import derive_seed

OUT = Path("data/split")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--scale", required=True, help="a key of `scales` in params.yaml")
    arguments = parser.parse_args()
    from stages.corpora.splitting import split  # scikit-learn takes a second

    section = parameters.load(f"scales.{arguments.scale}.split", SplitParameters)
    seed = derive_seed(parameters.load("seed", int), "split")
    train, validation = split(files.read_jsonl(Path("data/annotated.jsonl"), AnnotatedConversation), section, seed)
    files.write_jsonl(OUT / "train.jsonl", train)
    files.write_jsonl(OUT / "validation.jsonl", validation)


if __name__ == "__main__":
    command_line.run(main)
