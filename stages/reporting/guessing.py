"""What guessing would score."""

from stages.reporting.inputs import Inputs


def chance(inputs: Inputs, benchmark: str) -> float | None:
    """The mean, over the questions asked, of one divided by the number of choices; None where there are none."""
    questions = inputs.questions.get(benchmark, {})
    answered = next((found.values() for (_, name), found in inputs.generations.items() if name == benchmark), None)
    asked = questions if answered is None else {answer.id for answer in answered}
    shares = [1 / len(questions[each].choices) for each in asked if each in questions and questions[each].choices]
    return sum(shares) / len(shares) if shares else None
