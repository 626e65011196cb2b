"""Whatever is wrong with a request is told in OpenAI's shape, with the right status, and the server goes on."""

import logging

import pytest
from fastapi import FastAPI

from gptcli.errors import ConfigError, DeviceError, InputError, ModelError
from gptcli.serving.errors import ApiError, api_error, in_fields
from tests.serving.asking import app_of
from tests.serving.sending import ask, error_of, post, raw


@pytest.fixture
def app() -> FastAPI:
    return app_of()


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"nonsense", b'{"text": "a"', b'{"text": "\xff"}', b"[" * 100_000, b'{"text": ' + b"1" * 5000 + b"}"],
)
def test_a_body_that_is_no_json_is_a_400_in_words(app: FastAPI, content: bytes) -> None:
    response = ask(app, "POST", "/v1/tokenize", content=content, headers=JSON)
    error = error_of(response)
    assert response.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert "JSON" in error["message"]


@pytest.mark.parametrize("content", [b"[]", b"3", b'"text"', b"null"])
def test_a_body_that_is_no_object_is_a_400(app: FastAPI, content: bytes) -> None:
    response = ask(app, "POST", "/v1/tokenize", content=content, headers=JSON)
    assert (response.status_code, error_of(response)["message"]) == (400, "the body must be a JSON object")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"])
def test_another_type_of_content_is_a_415_since_any_page_may_send_it_without_asking(app: FastAPI, kind: str) -> None:
    response = ask(app, "POST", "/v1/tokenize", content=b'{"text": "a"}', headers={"Content-Type": kind})
    assert response.status_code == 415
    assert "application/json" in error_of(response)["message"]


@pytest.mark.parametrize(
    ("path", "body", "param", "said"),
    [
        ("/v1/tokenize", {"text": 3}, "text", "text should be a valid string"),
        ("/v1/tokenize", {}, "text", "text is missing"),
        ("/v1/tokenize", {"text": "a", "txet": "b"}, "txet", "unknown field: txet"),
        ("/v1/tokenize", {"text": "a", "two\nlines": 1}, "two\nlines", "unknown field: two\nlines"),
        ("/v1/tokenize", {"text": "a", "half \ud800": 1}, None, "the body should be a valid string"),
        ("/v1/next", {"text": "a", "temperature": "hot"}, "temperature", "temperature should be a valid number"),
        ("/v1/next", {"text": "a", "temperature": True}, "temperature", "temperature should be a valid number"),
        ("/v1/next", {"text": "a", "temperature": -1}, "temperature", "greater than or equal to 0"),
        ("/v1/next", {"text": "a", "top_p": 0}, "top_p", "greater than 0"),
        ("/v1/next", {"text": "a", "append": [1, "x"]}, "append[1]", "append[1] should be a valid integer"),
        ("/v1/attention", {"text": "a", "layer": 0}, "head", "head is missing"),
        # The unknown field, most likely the missing one misspelt, was not told.
        ("/v1/tokenize", {"txet": "a"}, "text", "text is missing, and txet is unknown"),
        ("/v1/completions", {"prompt": "a", "logit_bias": {"x": 1}}, "logit_bias.x", "x must be the id of a token"),
        ("/v1/embeddings", {"input": 3}, "input", "input should be a string, a list of strings, a list of token ids"),
        ("/v1/embeddings", {"input": []}, "input", "input must not be empty"),
        ("/v1/embeddings", {"input": ["a", 3]}, "input[1]", "input[1] should be a valid string"),
        ("/v1/embeddings", {"input": [1, "a"]}, "input[1]", "input[1] should be a valid integer"),
        ("/v1/embeddings", {"input": "a", "encoding_format": "hex"}, "encoding_format", "'float' or 'base64'"),
        ("/v1/classify", {"input": "a", "labels": ["one"]}, "labels", "at least 2 items"),
        ("/v1/classify", {"input": "a", "labels": ["a", "b" * 257]}, "labels[1]", "should have at most 256 characters"),
    ],
)
def test_a_wrong_field_is_a_400_that_names_it(app: FastAPI, path: str, body: dict, param: str, said: str) -> None:
    response = post(app, path, **body)
    error = error_of(response)
    assert response.status_code == 400
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert said in error["message"]


def test_a_number_that_is_none_is_a_400(app: FastAPI) -> None:
    response = ask(app, "POST", "/v1/next", content=b'{"text": "a", "temperature": NaN}', headers=JSON)
    assert error_of(response)["param"] == "temperature"


def test_a_path_that_is_not_there_is_a_404_and_another_method_a_405(app: FastAPI) -> None:
    missing, other = ask(app, "GET", "/v2/completions"), ask(app, "GET", "/v1/tokenize")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "not_found")
    assert (other.status_code, error_of(other)["code"]) == (405, "method_not_allowed")
    assert other.headers["Allow"] == "POST"
    assert "use POST" in error_of(other)["message"]


def test_a_body_that_says_that_it_is_too_large_is_a_413_before_it_is_read() -> None:
    app = app_of(max_body_bytes=100)
    status, taken = raw(app, [b"x" * 200], path="/v1/tokenize", headers=[(b"content-length", b"200")])
    assert (status, taken) == (413, 0)


def test_a_body_in_chunks_that_grows_too_large_is_a_413_and_not_read_further() -> None:
    app = app_of(max_body_bytes=100)
    status, taken = raw(app, [b"x" * 60] * 1000, path="/v1/tokenize", headers=[(b"transfer-encoding", b"chunked")])
    assert (status, taken) == (413, 2)


def test_a_body_that_never_ends_is_given_up_after_the_time_of_a_request() -> None:
    app = app_of(timeout_seconds=0.05)
    assert raw(app, [b'{"text": '], path="/v1/tokenize", headers=[]) == (408, 1)


def test_a_body_that_is_too_large_is_told_in_openais_shape() -> None:
    response = post(app_of(max_body_bytes=100), "/v1/tokenize", text="x" * 200)
    assert response.status_code == 413
    assert error_of(response)["code"] == "request_too_large"


def test_a_bug_is_a_500_that_keeps_its_cause_to_one_line_of_the_log(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the secret cause")

    response = ask(app, "GET", "/broken")
    error = error_of(response)
    assert (response.status_code, error["type"]) == (500, "server_error")
    assert "secret" not in response.text
    (record,) = [record for record in caplog.records if record.name == "gptcli.serving"]
    assert (record.levelno, record.getMessage()) == (logging.CRITICAL, "RuntimeError: the secret cause")
    assert ask(app, "GET", "/health").status_code == 200


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("--top-p must be above 0 and at most 1, not 2"), 400),
        (InputError("text: has 50 tokens"), 400),
        (ModelError("the model predicts no number"), 500),
        (DeviceError("out of memory"), 503),
        (MemoryError(), 503),
    ],
)
def test_errors_of_tasks_keep_their_words_and_get_the_right_status(app: FastAPI, error: Exception, status: int) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise error

    response = ask(app, "GET", "/broken")
    assert response.status_code == status
    assert error_of(response)["message"] == str(api_error(error))


def test_an_option_is_named_as_the_field_that_it_is_here() -> None:
    assert in_fields("--top-p must be above 0, not 2") == ("top_p must be above 0, not 2", "top_p")
    assert in_fields("--max-new-tokens must be at least 1") == ("max_tokens must be at least 1", "max_tokens")
    assert in_fields("'--rm -rf' is a text") == ("'--rm -rf' is a text", None)


def test_an_error_does_not_send_back_all_that_came() -> None:
    assert len(str(ApiError(400, "x" * 100_000))) < 1100
