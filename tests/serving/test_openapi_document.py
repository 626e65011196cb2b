"""Requests made up from the OpenAPI document, good and bad, get the answers that it promises, from every route."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from gptcli.serving.app import make_app
from gptcli.serving.served import Models
from gptcli.serving.settings import ServeSettings
from tests.classifiers import save_random_classifier
from tests.serving.asking import app_of
from tests.serving.live import live

EXAMPLES = 12
"""Of each kind for each route, the same ones each time; with 120 of them nothing more was found."""

LEFT_OUT = {
    # That a good request is never refused: no document can say that a prompt has to fit into the context, that ids end
    # with the vocabulary, or which fields go together; and to JSON Schema 3.0 is an integer, which bodies here refuse.
    "positive_data_acceptance",
}
PATHS = make_app(ServeSettings(), Models([])).openapi()["paths"]
OPERATIONS = [(path, method) for path, item in PATHS.items() for method in item]


@pytest.fixture(scope="module")
def document(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """Return the document of a server that listens."""
    moods = save_random_classifier(tmp_path_factory.mktemp("classifier") / "moods", "glad", "sad")
    with live(app_of(tiny, moods)) as server:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")


def check(document: schemathesis.BaseSchema, path: str, method: str, mode: GenerationMode) -> None:
    """Send requests of one kind to a route, and hold each answer to all checks but those that are left out."""
    load_all_checks()
    left_out = [one for one in CHECKS.get_all() if one.__name__ in LEFT_OUT]
    assert len(left_out) == len(LEFT_OUT)

    @settings(max_examples=EXAMPLES)
    @given(document[path][method].as_strategy(generation_mode=mode))
    def hold(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=left_out)

    hold()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_the_document_allows_gets_an_answer_that_it_describes(
    document: schemathesis.BaseSchema, path: str, method: str
) -> None:
    check(document, path, method, GenerationMode.POSITIVE)


@pytest.mark.parametrize(("path", "method"), [one for one in OPERATIONS if one[1] == "post"])
def test_what_the_document_does_not_allow_is_refused(document: schemathesis.BaseSchema, path: str, method: str) -> None:
    check(document, path, method, GenerationMode.NEGATIVE)
