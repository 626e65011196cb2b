"""What classify tells of the labels that the rows have, with answers that are given."""

import pytest

from gptcli.data.labels import LabelSet
from gptcli.data.records import Record
from gptcli.tasks.agreement import Agreement
from gptcli.tasks.events import Classified, Measured, Notice


def reports(*labels: str) -> list[Measured | Notice]:
    """Return what is told of rows that are all called good."""
    agreement = Agreement(LabelSet(kind="single", names=("bad", "good")), "y", ",")
    for number, label in enumerate(labels):
        record = Record(source="in", line=number + 1, columns={"y": label})
        answer = Classified(
            index=number,
            record=record,
            text="",
            kind="single",
            labels=("good",),
            probabilities=(("good", 1.0),),
            value=None,
            tokens=1,
        )
        agreement.count(answer)
    return list(agreement.reports())


def test_labels_that_are_all_spelled_differently_are_told_beside_the_models() -> None:
    notice, accuracy = reports("Good", "Bad", "Good", "3", "4", "5", "6")
    assert accuracy == Measured(name="accuracy", value=0, rows=7)
    assert isinstance(notice, Notice)
    assert notice.text == (
        "all 7 rows have a label that the model does not have, and count as wrong: Good, Bad, 3, 4, 5, ...; "
        "it has bad, good: spell them alike"
    )


@pytest.mark.parametrize("labels", [("Good",), ("Good", "good")])
def test_one_such_row_is_told_by_its_place(labels: tuple[str, ...]) -> None:
    notice = reports(*labels)[0]
    assert isinstance(notice, Notice)
    assert notice.text == "rows with a label that the model does not have, counted as wrong: 1 (first: in:1)"
