"""What fine-tuning on a folder of classes came to: sentences beside the network's table."""

from scripts.report.answers import Question
from scripts.report.evidence import Evidence
from scripts.report.wording import count, number, percent
from scripts.stats.intervals import share_interval

LAYERS = {"all": "all layers", "head": "its last layer alone"}


def finetuned(question: Question, evidence: Evidence) -> list[str]:
    """On what it was trained, how long, and how it does on photos that it never saw; [] for other networks."""
    model = evidence.model(question.model, question.weights)
    facts = model.get("fine_tuned")
    if not facts:
        return []
    losses, test = [number(loss) for loss in facts["losses"]], facts["test"]
    spent = f"{count(facts['epochs'], 'epoch')} on {count(facts['photos'], 'photo')}"
    change = f"went from {losses[0]} to {losses[-1]}" if len(losses) > 1 else f"was {losses[0]}"
    low, high = (percent(end) for end in share_interval(test["right"], test["photos"]))
    return [
        f"Fine-tuned here, {LAYERS[facts['layers']]}, for {spent} in {len(model['labels'])} classes: the mean loss"
        f" {change}.",
        f"Of the {count(test['photos'], 'test photo')}, which neither trained nor chose anything, {test['right']} are"
        f" right: {percent(test['accuracy'])} (95 % interval {low} to {high}).",
    ]
