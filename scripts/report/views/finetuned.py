"""What fine-tuning on a folder of classes came to: sentences beside the network's table."""

from scripts.report.answers import Question
from scripts.report.evidence import Evidence
from scripts.report.wording import count, number, percent

LAYERS = {"all": "all layers", "head": "its last layer alone"}


def finetuned(question: Question, evidence: Evidence) -> list[str]:
    """On what it was trained, how long, and how it does on photos that it never saw; [] for networks taken as they are."""
    model = evidence.model(question.model, question.weights)
    facts = model.get("fine_tuned")
    if not facts:
        return []
    losses, test = facts["losses"], facts["test"]
    spent = f"{count(facts['epochs'], 'epoch')} on {count(facts['photos'], 'photo')}"
    change = f"from {number(losses[0])} to {number(losses[-1])}" if len(losses) > 1 else f"was {number(losses[0])}"
    low, high = (percent(end) for end in test["interval"])
    return [
        f"Fine-tuned here, {LAYERS[facts['layers']]}, for {spent} in {len(model['labels'])} classes: the mean loss"
        f" {'went ' if len(losses) > 1 else ''}{change}.",
        f"Of the {count(test['photos'], 'test photo')}, which neither trained nor chose anything, {test['right']} are"
        f" right: {percent(test['accuracy'])} (95 % interval {low} to {high}).",
    ]
