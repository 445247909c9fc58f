"""The document is valid, whole, and made of what the rooms load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from marshmallow import Schema
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests import canaries
from tests.functional.documentation.fuzzing import everyone
from tests.world import Town, World
from vault_gateway.documentation.document import OPERATIONS, openapi_document
from vault_gateway.documentation.operations import Operation
from vault_gateway.model import Role
from vault_gateway.tokens.ids import parse_token

TWILIO = {
    "twilio_account_sid": "AC0",
    "twilio_auth_token": "a-token",
    "twilio_telecom": "nobody",
    "twilio_url": "https://relay.example",
}
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in item.keys() & METHODS:
            yield method, path, item[method]


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_route_of_the_application_is_documented_and_no_other(
    world: World, document: dict[str, Any]
) -> None:
    routes = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), rule.endpoint.rpartition(".")[2])
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    documented = {
        (method, path, operation["operationId"]) for method, path, operation in operations_of(document)
    }
    assert routes - documented == set(), "undocumented: describe them in vault_gateway/documentation"
    assert documented - routes == set(), "documented, but the application has no such route"


def test_whatever_is_under_v1_needs_a_key_or_a_signature_and_says_so(
    world: World, document: dict[str, Any]
) -> None:
    """A key, but for what Twilio calls: that needs Twilio's signature."""
    app = world.gateway(**TWILIO)
    for method, path, operation in operations_of(document):
        if not path.startswith("/v1/"):
            assert operation["security"] == [], path
            continue
        by_twilio = path.startswith("/v1/relay/twilio/")
        scheme, status, code = (
            ("twilio", 403, "signature_invalid") if by_twilio else ("key", 401, "unauthenticated")
        )
        assert operation["security"] == [{scheme: []}], path
        assert str(status) in operation["responses"]
        answer = app.test_client().open(re.sub(r"{\w+}", "x", path), method=method.upper())
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), path
        assert answer.get_json()["code"] == code, path


def test_sections_are_roles_and_each_has_a_description(document: dict[str, Any]) -> None:
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    used = {tag for _, _, operation in operations_of(document) for tag in operation["tags"]}
    assert used == set(described)
    assert used - {"anyone"} <= {role.value for role in Role}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_examples_of_bodies_are_taken_by_the_very_schemas(operation: Operation) -> None:
    assert bool(operation.bodies) == bool(operation.body_examples)
    for name, example in operation.body_examples.items():
        accepted = [shape for shape in operation.bodies if not shape().validate(example)]
        assert len(accepted) == 1, f"{name} fits {accepted}"


@pytest.mark.parametrize(
    "operation", [one for one in OPERATIONS if one.secured], ids=lambda operation: operation.name
)
def test_what_is_documented_is_what_loads(
    town: Town, monkeypatch: pytest.MonkeyPatch, operation: Operation
) -> None:
    """The schemas that the view really hands its body or query to, not others that look like them."""
    loaded: list[type[Schema]] = []
    load = Schema.load

    def spy(self: Schema, *args: Any, **more: Any) -> Any:
        loaded.append(type(self))
        return load(self, *args, **more)

    monkeypatch.setattr(Schema, "load", spy)
    people = everyone(town)
    actor = people[next(role for role in operation.roles if role in people)]
    address = re.sub(r"{\w+}", "x", operation.path)
    seen = set()
    for body in operation.body_examples.values() or [None]:
        loaded.clear()
        actor.call(operation.method.upper(), address, body)
        # The first is the whole body's; nested ones follow.
        seen.update(loaded[:1])
    assert seen == set(operation.bodies) or (operation.query is not None and seen == {operation.query})


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    seen = 0
    for _, path, operation in operations_of(document):
        contents = [answer.get("content", {}) for answer in operation["responses"].values()]
        contents.append(operation.get("requestBody", {}).get("content", {}))
        for media in (media for content in contents for media in content.values()):
            schema = {**media["schema"], "components": document["components"]}
            for name, example in media.get("examples", {}).items():
                value = example["value"] if "value" in example else problem_example(document, example["$ref"])
                assert [e.message for e in OAS31Validator(schema).iter_errors(value)] == [], (
                    path,
                    name,
                )
                seen += 1
    assert seen > 100


def problem_example(document: dict[str, Any], ref: str) -> Any:
    return document["components"]["examples"][ref.rpartition("/")[2]]["value"]


def test_a_wrong_example_would_be_found(document: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    assert list(OAS31Validator(schema).iter_errors({"status": "404"}))


def test_tokens_of_examples_are_canonical_tokens(world: World) -> None:
    text = world.app.test_client().get("/openapi.json").text
    found = set(re.findall(r"\b(?:ph|ad|nm)_[0-9a-z]{26}\b", text))
    assert found
    assert all(parse_token(token) for token in found)


def test_it_needs_no_key_and_comes_with_an_etag(world: World) -> None:
    client = world.app.test_client()
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.get_json()["info"]["title"] == "vault-gateway · 快递隐私保险库"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    again = client.get("/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_no_planted_person_stands_in_it(world: World) -> None:
    canaries.person()
    assert list(canaries.leaks(world.app.test_client().get("/openapi.json").data)) == []
