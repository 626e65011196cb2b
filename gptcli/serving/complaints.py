"""Turn what pydantic finds wrong with a request into one sentence that names the field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NO_OBJECT = frozenset({"model_attributes_type", "model_type", "dict_type", "missing"})
"""What it says of a body that is no JSON object."""
_SUBJECT = re.compile("^(Input|String|List|Dictionary) (?=should)")
"""What its sentences begin with, where ours begin with the field's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What is wrong, in which field, and a word for it that programs can read."""

    message: str
    param: str | None = None
    code: str | None = None


def complaint_of(errors: Sequence[Mapping[str, Any]], content_type: str | None) -> Complaint:
    """Return the first thing that is wrong; the other branches of a union that failed with it are told beside it."""
    first = errors[0]
    place = [part for part in first["loc"] if part != "body"]
    if first["type"] == "json_invalid":
        where = f" (at character {place[0]})" if place else ""
        return Complaint(message=f"the body is no JSON: {first['ctx']['error']}{where}", code="bad_json")
    if not place:
        return _of_body(first, content_type)
    param = _path(place)
    if first["type"] == "extra_forbidden":
        return Complaint(message=f"unknown field: {param}", param=param, code="unknown_parameter")
    if first["type"] == "missing":
        unknown = [_path(error["loc"][1:]) for error in errors if error["type"] == "extra_forbidden"]
        beside = f", and {', '.join(unknown)} is unknown" if unknown else ""
        return Complaint(message=f"{param} is missing{beside}", param=param, code="missing_required_parameter")
    about = [error for error in errors if list(error["loc"])[1:2] == list(first["loc"])[1:2]]
    # Of a branch of a union that was not meant, what it lacks and has too much says nothing.
    meant = [error for error in about if error["type"] not in ("missing", "extra_forbidden")]
    told = dict.fromkeys(_said(error) for error in meant)
    code = "invalid_type" if first["type"].endswith("_type") else "invalid_value"
    return Complaint(message=f"{param} {', or '.join(told)}", param=param, code=code)


def _of_body(error: Mapping[str, Any], content_type: str | None) -> Complaint:
    """Return what is wrong with a body as a whole; bytes are what nobody took for JSON."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    if error["type"] in _NO_OBJECT and not is_json and error.get("input") is not None:
        # Not read all the same: any page may send text/plain here without asking, a browser asks before JSON.
        found = f"not {kind}" if kind else "which is missing"
        return Complaint(message=f"Content-Type must be application/json, {found}", code="unsupported_media_type")
    if error["type"] in _NO_OBJECT:
        return Complaint(message="the body must be a JSON object", code="invalid_type")
    said = _said(error)  # of a check of several fields together, or of a name that is no text
    return Complaint(message=f"the body {said}" if said.startswith("should") else said, code="invalid_value")


def _path(place: Sequence[str | int]) -> str:
    """Return a field as a program would write it: messages[0].role; the names of a union's branches are no fields."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.isidentifier() and not part.startswith("as_"):
            text += f".{part}" if text else part
        elif not text:  # a field of a strange name, sent by somebody
            text = part
    return text


def _said(error: Mapping[str, Any]) -> str:
    """Return pydantic's sentence so that it goes behind a field's name."""
    if error["type"] == "too_short" and error["ctx"]["actual_length"] == 0:
        return "must not be empty"
    if error["type"] == "string_pattern_mismatch":
        return "must be the id of a token, in digits"  # the one pattern there is
    message = str(error["msg"]).removeprefix("Value error, ").replace(" after validation", "")
    return _SUBJECT.sub("", message)
