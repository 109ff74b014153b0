"""Tables of roles, training and contamination."""

from stages.reporting import names
from stages.reporting.inputs import OPEN_ENDED, Inputs
from stages.reporting.table import Cell, Entry, Table

FREQUENT = 3


def roles_table(inputs: Inputs) -> Table:
    """Overall first, then by domain."""
    rows = []
    for model in inputs.metrics["roles"]:
        entry = Entry("metrics/roles.json", inputs.metrics["roles"]).at(model)
        rows.append(_roles_row(f"{model}: all" if len(inputs.models) > 1 else "all", entry))
        rows += [_roles_row(names.domain(domain), entry.at("domains", domain)) for domain in entry.at("domains").values]
    return Table(
        "roles",
        "The roles that were invented for MMLU's questions",
        [
            "Domain",
            "Answers",
            "With role (%)",
            "Well formed (%)",
            "Distinct prompts",
            "Distinct phrases",
            "Words",
            "Most frequent",
        ],
        rows,
        [
            "With role: answers that open with a role prompt. Well formed: answers in which it has the form that "
            "training gives it, ended by a blank line. Words: mean length of the role prompts. Most frequent: noun "
            "phrases, with how often each was written.",
        ],
        words=[7],
    )


def _roles_row(name: str, entry: Entry) -> list[Cell]:
    frequent = entry.values.get("frequent") or []
    shown = frequent[:FREQUENT]
    text = ", ".join(f"{each['phrase']} ({each['count']})" for each in shown) or names.NOTHING
    places = tuple(f"{entry.source('frequent')}/{place}/count" for place in range(len(shown)))
    return [
        Cell(name),
        entry.number("answers"),
        entry.percent("role_rate"),
        entry.percent("well_formed_rate"),
        entry.number("distinct"),
        entry.number("distinct_phrases"),
        entry.at("words").number("mean", 1),
        Cell(text, places),
    ]


def belonging_table(inputs: Inputs) -> Table:
    rows = []
    for model in inputs.metrics["roles"]:
        entry = Entry("metrics/roles.json", inputs.metrics["roles"]).at(model, "belonging")
        cells = [
            Cell(model),
            entry.percent("share", "ci_low", "ci_high"),
            entry.percent("permuted"),
            entry.p("p"),
            entry.percent("held_out_accuracy"),
            entry.percent("majority"),
            entry.number("trained_on"),
        ]
        rows.append(cells)
    return Table(
        "belonging",
        "Whether roles fit their questions, in per cent",
        ["Model", "In its domain", "Dealt at random", "p", "Classifier", "Largest domain", "Trained on"],
        rows,
        [
            "In its domain: answers whose role a classifier, trained on other questions and the subjects' names and "
            "never on roles, puts into the question's domain; an answer without a role counts as outside. A "
            "role that only repeats words of its question may count as inside.",
            "Dealt at random: the same with the roles permuted among the questions. Classifier: its accuracy on "
            "questions that it was not trained on; it errs, so that roles that fit would not reach 100 either. Largest "
            "domain: what always naming that domain would give.",
        ],
    )


def training_table(inputs: Inputs) -> Table:
    rows = []
    for name, metrics in inputs.finetune.items():
        entry = Entry(f"metrics/finetune/{name}.json", metrics)
        if metrics:
            counts = [entry.number(key) for key in ("items", "left_out", "steps", "role_tokens", "answer_tokens")]
            losses = ("loss", "validation_loss_before", "validation_loss", "validation_role_loss")
            answers = ("validation_answer_loss_before", "validation_answer_loss")
            rows.append([Cell(name), *counts, *(entry.number(key, 3) for key in (*losses, *answers))])
    head = [
        "System",
        "Items",
        "Left out",
        "Steps",
        "Role tokens",
        "Answer tokens",
        "Train",
        "Val. before",
        "Val. after",
        "Val. role",
    ]
    return Table(
        "training",
        "Training: losses in nats a token",
        [*head, "Val. answer before", "Val. answer after"],
        rows,
        [
            "Left out: items that in some arm's form are longer than the limit of tokens; all arms go without them. "
            "Train: mean loss over the last epoch. Val.: loss on the validation items, role and answer tokens apart. "
            "Arms differ in the tokens that they learn, so that the first columns of losses do not compare between "
            "them. The answer's do so with care: role reads the annotator's role prompt first, which may tell "
            "something of the answer.",
        ],
    )


def contamination_table(inputs: Inputs) -> Table:
    rows = []
    for benchmark in inputs.metrics["contamination"]:
        entry = Entry("metrics/contamination.json", inputs.metrics["contamination"]).at(benchmark)
        runs = (entry.at(f"ngram_{size}") for size in (8, 13))
        cells = [cell for run in runs for cell in (run.number("count"), run.percent("share"), run.number("too_short"))]
        similar = entry.at("similar")
        rows.append(
            [Cell(names.benchmark(benchmark)), entry.number("questions"), *cells, similar.number("count"),
             similar.number("highest")]
        )  # fmt: skip
    head = ["Benchmark", "Questions", "8 words", "8 words (%)", "Shorter than 8", "13 words", "13 words (%)"]
    return Table(
        "contamination",
        "Questions that overlap with the training corpus",
        [*head, "Shorter than 13", "Similar", "Highest cosine"],
        rows,
        [
            "All test questions of a set, asked or not. 8 and 13 words: questions of which a run of so many words "
            "stands in the corpus. Similar: the nearest request of the corpus by TF-IDF has a cosine of at least 0.5.",
            *(
                ["The open-ended prompts have no right answer."]
                if OPEN_ENDED in inputs.metrics["contamination"]
                else []
            ),
        ],
    )
