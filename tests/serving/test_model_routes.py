"""What is served, how it does, and between text and tokens."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.classifiers import save_random_classifier
from tests.serving.asking import app_of
from tests.serving.sending import answer, ask, error_of, post


@pytest.fixture(scope="module")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_classifier(tmp_path_factory.mktemp("classifier") / "moods", "glad", "sad")


@pytest.fixture(scope="module")
def app(tiny: Path, moods: Path) -> FastAPI:
    return app_of(tiny, moods)


def test_models_are_listed_as_openai_lists_them_with_what_the_page_must_know(app: FastAPI, tiny: Path) -> None:
    told = ask(app, "GET", "/v1/models").json()
    writer, classifier = told["data"]
    assert told["object"] == "list"
    assert (writer["id"], writer["object"], writer["owned_by"]) == (tiny.name, "model", "gptcli")
    assert isinstance(writer["created"], int)
    assert (writer["kind"], writer["context"], writer["layers"], writer["heads"]) == ("language-model", 48, 2, 4)
    assert (writer["labels"], writer["dialogue"]) == (None, "plain")
    assert (classifier["kind"], classifier["labels"], classifier["dialogue"]) == ("classifier", ["glad", "sad"], None)


def test_one_model_is_told_by_its_id(app: FastAPI, tiny: Path) -> None:
    assert ask(app, "GET", f"/v1/models/{tiny.name}").json() == ask(app, "GET", "/v1/models").json()["data"][0]
    missing = ask(app, "GET", "/v1/models/a/b")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "model_not_found")
    assert tiny.name in error_of(missing)["message"]


def test_health_is_ok_until_the_server_is_ending(tiny: Path) -> None:
    app = app_of(tiny)
    assert (ask(app, "GET", "/health").status_code, ask(app, "GET", "/health").json()) == (200, {"status": "ok"})
    app.state.server.drain.begin()
    ending, refused = ask(app, "GET", "/health"), post(app, "/v1/next", text="a")
    assert (ending.status_code, ending.json()) == (503, {"status": "stopping"})
    assert (refused.status_code, error_of(refused)["code"]) == (503, "shutting_down")
    assert refused.headers["Retry-After"]


def test_text_goes_to_tokens_and_back(app: FastAPI, moods: Path) -> None:
    told = answer(app, "/v1/tokenize", text="Hi there")
    assert told["count"] == 8
    assert [token["token"] for token in told["tokens"]] == list("Hi there")
    ids = [token["id"] for token in told["tokens"]]
    assert answer(app, "/v1/detokenize", tokens=ids)["text"] == "Hi there"
    assert answer(app, "/v1/tokenize", text="", model=moods.name) == {"model": "moods", "tokens": [], "count": 0}
    assert answer(app, "/v1/detokenize", tokens=[])["text"] == ""


def test_tokens_that_are_none_and_texts_that_are_none_are_told(app: FastAPI) -> None:
    assert error_of(post(app, "/v1/detokenize", tokens=[96]))["param"] == "tokens"
    assert error_of(post(app, "/v1/detokenize", tokens=[-1]))["param"] == "tokens[0]"
    assert "surrogate" in error_of(post(app, "/v1/tokenize", text="\ud800"))["message"]
    long = error_of(post(app, "/v1/tokenize", text="a" * 262_145))
    assert long["param"] == "text"
    assert long["message"] == "text: has 262,145 characters, and may have 262,144: send less"


def test_a_character_of_several_tokens_is_shown_in_its_bytes(builtin: Path) -> None:
    app = app_of(builtin)
    told = answer(app, "/v1/tokenize", text="\U0001f984")
    assert told["count"] > 1
    assert all(token["token"].startswith("\\x") for token in told["tokens"])


def test_the_page_comes_from_the_package(app: FastAPI) -> None:
    page, script, icon = (ask(app, "GET", path) for path in ("/", "/page/js/main.js", "/page/icon.svg"))
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<!doctype html>" in page.text.lower()
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert icon.headers["Content-Type"] == "image/svg+xml"
    assert ask(app, "HEAD", "/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/page/", "/page/js", "/page/../errors.py", "/page/%2e%2e/errors.py", "/page//etc/passwd", "/page/js/main.js/"],
)
def test_nothing_but_the_pages_files_is_served(app: FastAPI, path: str) -> None:
    assert ask(app, "GET", path).status_code == 404


def test_metrics_tell_what_was_asked_and_what_the_engines_do(tiny: Path) -> None:
    app = app_of(tiny)
    answer(app, "/v1/next", text="a")
    post(app, "/v1/next", text=3)
    ask(app, "GET", "/no/such/path/1")
    ask(app, "GET", "/no/such/path/2")
    told = ask(app, "GET", "/metrics")
    assert told.headers["Content-Type"].startswith("text/plain")
    lines = told.text.splitlines()
    assert 'gptcli_http_requests_total{method="POST",route="/v1/next",status="200"} 1.0' in lines
    assert 'gptcli_http_requests_total{method="POST",route="/v1/next",status="400"} 1.0' in lines
    assert 'gptcli_http_requests_total{method="GET",route="other",status="404"} 2.0' in lines
    assert 'gptcli_http_request_seconds_count{route="/v1/next"} 2.0' in lines
    for name in ("running_sequences", "waiting_sequences", "inspections"):
        assert f'gptcli_{name}{{model="{tiny.name}"}} 0.0' in lines


def test_metrics_count_a_completion(tiny: Path) -> None:
    app = app_of(tiny)
    written = f'gptcli_new_tokens_total{{model="{tiny.name}"}} '
    before = _figure(app, written)
    post(app, "/v1/completions", prompt="abc", max_tokens=4, seed=1, stream=True)
    assert _figure(app, written) == before + 4
    lines = ask(app, "GET", "/metrics").text.splitlines()
    assert f'gptcli_prompt_tokens_total{{model="{tiny.name}"}} 3.0' in lines
    assert f'gptcli_completion_seconds_count{{model="{tiny.name}"}} 1.0' in lines
    assert f'gptcli_time_to_first_token_seconds_count{{model="{tiny.name}"}} 1.0' in lines


def _figure(app: FastAPI, name: str) -> float:
    """Return one figure of the metrics."""
    lines = ask(app, "GET", "/metrics").text.splitlines()
    (line,) = [line for line in lines if line.startswith(name)]
    return float(line.removeprefix(name))


def test_two_servers_count_apart(tiny: Path) -> None:
    one, other = app_of(), app_of()
    ask(one, "GET", "/health")
    assert 'route="/health"' not in ask(other, "GET", "/metrics").text


def test_the_openapi_document_names_every_route(app: FastAPI) -> None:
    document = ask(app, "GET", "/openapi.json").json()
    assert {"/v1/completions", "/v1/embeddings", "/v1/classify", "/v1/next", "/health"} <= set(document["paths"])
    assert "/" not in document["paths"]
    assert ask(app, "GET", "/docs").status_code == 404
