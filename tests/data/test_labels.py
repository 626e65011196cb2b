"""Labels get the same numbers always, and a cell that is no label says why."""

import pytest

from gptcli.data.labels import LabelColumn, LabelSet
from gptcli.errors import InputError


def learned(
    cells: list[object], *, regression: bool = False, separator: str | None = None
) -> tuple[LabelSet, list[object]]:
    """Return the classes of cells and the value that each cell stands for."""
    column = LabelColumn(regression=regression, separator=separator)
    codes = [column.code(cell) for cell in cells]
    labels = column.label_set(set(codes))
    return labels, [labels.value(column.raw[code]) for code in codes]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["neg", "pos", "Neg"], ("Neg", "neg", "pos")),
        (["10", "9", "-1", "2"], ("-1", "2", "9", "10")),
        ([10, 9, -1, 2], ("-1", "2", "9", "10")),
        ([1.0, 1, "1", 0], ("0", "1")),
        ([2, "10", "x"], ("10", "2", "x")),
        ([True, False, "true"], ("false", "true")),
        ([0.5, 1.5], ("0.5", "1.5")),
        ([" a ", "a", "b"], ("a", "b")),
        (["é", "z", "a"], ("a", "z", "é")),
        (["1", "01", "2"], ("01", "1", "2")),
    ],
    ids=str,
)
def test_integers_stand_in_their_order_and_text_in_that_of_its_characters(
    cells: list[object], names: tuple[str, ...]
) -> None:
    labels, values = learned(cells)
    assert labels.names == names
    assert learned(cells[::-1]) == (labels, values[::-1])
    assert labels.id2label == dict(enumerate(names))
    assert labels.label2id == {name: number for number, name in enumerate(names)}
    assert labels.kind == "single"


@pytest.mark.parametrize(
    ("cells", "separator", "names", "values"),
    [
        ([["b", "a"], ["a", "a"], []], None, ("a", "b"), [(0, 1), (0,), ()]),
        (["b;a", "a; a", "b"], ";", ("a", "b"), [(0, 1), (0,), (1,)]),
        ([[3, 20], ["3"], (1,)], None, ("1", "3", "20"), [(1, 2), (1,), (0,)]),
        ([["a"], "b"], None, ("a", "b"), [(0,), (1,)]),
    ],
    ids=str,
)
def test_a_row_has_several_labels_by_a_list_or_a_separator(
    cells: list[object], separator: str | None, names: tuple[str, ...], values: list[object]
) -> None:
    labels, found = learned(cells, separator=separator)
    assert (labels.kind, labels.names, found) == ("multi", names, values)


def test_a_regression_learns_numbers() -> None:
    labels, values = learned([1, "2.5", -1e3, "1"], regression=True)
    assert (labels.kind, labels.names, values) == ("regression", (), [1.0, 2.5, -1000.0, 1.0])


@pytest.mark.parametrize(
    ("cell", "regression", "separator", "message"),
    [
        (None, False, None, "has no label"),
        ("  ", False, None, "has no label"),
        (float("nan"), False, None, "has no label"),
        ("", False, ";", "has no label"),
        ({}, False, None, "holds an object for a label"),
        ([["a"]], False, None, "holds an array for a label"),
        ([None], False, None, "has no label"),
        (None, True, None, "has no label"),
        ("", True, None, "has no label"),
        ("high", True, None, "has the label high, which is not a number"),
        ("4,5", True, None, "has the label 4,5, which is not a number: write a point for its comma"),
        ("nan", True, None, "has the label nan, which is not a number"),
        (10**400, True, None, "which is not a number"),
        (True, True, None, "holds a boolean for a label, not a number"),
        ([1], True, None, "holds an array for a label, not a number"),
    ],
)
def test_a_cell_that_is_no_label_says_why(cell: object, regression: bool, separator: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelColumn(regression=regression, separator=separator).code(cell)


def test_a_label_outside_the_set_is_named() -> None:
    labels, _ = learned(["a", "b"])
    with pytest.raises(InputError, match="has the label c, which no training row has"):
        labels.value("c")
    with pytest.raises(InputError, match="holds a list where the other rows hold one label"):
        labels.value(["a", "b"])


@pytest.mark.parametrize(
    ("cells", "mixed"), [([1, "1"], True), ([1, "x"], False), (["1", "2"], False), ([1, 2], False)]
)
def test_a_label_that_comes_as_number_and_text_is_noticed(cells: list[object], mixed: bool) -> None:
    column = LabelColumn()
    for cell in cells:
        column.code(cell)
    assert column.mixed is mixed
    assert len(column.raw) == len({str(cell) for cell in cells})
