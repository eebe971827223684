"""What the OpenAPI page says of every route alike, added to what each route declares."""

from __future__ import annotations

from typing import Any

from planning.api.examples import EVENTS

Part = dict[str, Any]
PROBLEM: Part = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Error"}},
}
OF_ALL = {
    "400": "an address or a body that cannot be read at all",
    "401": "no token, or one that is worth nothing",
    "403": "not for this role, device or token",
    "404": "no such thing on this site",
    "405": "no such method here",
    "406": "only JSON is spoken",
    "422": "what was sent cannot be meant, or a rule of the plant forbids it",
    "500": "a bug; it has been written down",
    "503": "somebody else is changing this, or the record cannot be reached: try again later",
}
OF_BODIES = {
    "409": "the data moved on, or somebody was first",
    "413": "more than a megabyte",
    "415": "only application/json is read",
}
CHANGED = "what was read before deciding reads otherwise by now"
IF_NONE_MATCH: Part = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "the ETag of the answer that one has",
}
ETAG: Part = {"ETag": {"schema": {"type": "string"}, "description": "for If-None-Match"}}


def what_holds_everywhere(result: Part, generator: Any, request: Any, public: bool) -> Part:
    """Every error as a problem, every read with its ETag, every kind of event with an example."""
    for methods in result["paths"].values():
        for method, operation in methods.items():
            said = OF_ALL | (OF_BODIES if method != "get" else {})
            answers = operation["responses"]
            for status, words in said.items():
                answers.setdefault(status, {"description": ""})
                answers[status]["description"] = answers[status].get("description") or words
                answers[status]["content"] = PROBLEM
            if "412" in answers:
                answers["412"] = {"description": CHANGED, "content": PROBLEM}
            if method == "get":
                answers["200"].setdefault("headers", {}).update(ETAG)
                answers["304"] = {"description": "one has it already", "headers": ETAG}
                operation.setdefault("parameters", []).append(IF_NONE_MATCH)
    _events(result)
    return result


def _events(result: Part) -> None:
    shapes = result["components"]["schemas"]
    event = shapes.get("Event")
    if event is None:
        return
    for kind, reference in event["discriminator"]["mapping"].items():
        # A field that is not known is refused, so that a misspelt one is not lost.
        shapes[reference.rsplit("/", 1)[1]]["additionalProperties"] = False
        shapes[reference.rsplit("/", 1)[1]]["properties"]["kind"] = {
            "type": "string",
            "enum": [kind],
        }
    content = result["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]
    content["application/json"]["examples"] = {
        kind: {"summary": kind.replace("_", " "), "value": body} for kind, body in EVENTS.items()
    }
