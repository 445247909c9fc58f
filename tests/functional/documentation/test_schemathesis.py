"""Schemathesis over the document: whoever sends whatever, the answer is one that is documented, and no failing
answer repeats what was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.functional.documentation.fuzzing import (
    RealValues,
    echoed,
    everyone,
    real_values,
    said_of_failures,
    strict_document,
    strings_of,
    vocabulary_of,
)
from tests.pool import add_numbers, retire_numbers
from tests.world import Actor, World, new_town, unique
from vault_gateway.documentation.document import OPERATIONS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# Of each role that the operation is for, of each other role, and malformed ones of all roles in turn.
EXAMPLES_OF_ITS_ROLES, EXAMPLES_OF_OTHERS, MALFORMED = 6, 2, 10
UNDER_V1 = [operation.name for operation in OPERATIONS if operation.path.startswith("/v1/")]


@dataclass
class Fuzzer:
    """Sends what Schemathesis makes up, with real ids in some places, and checks each answer."""

    document: dict[str, Any]
    schema: BaseSchema
    people: dict[str, Actor]
    values: RealValues
    vocabulary: frozenset[str]
    statuses: set[int] = field(default_factory=set)

    def operation(self, name: str) -> APIOperation[Any, Any, Any, Any]:
        for result in self.schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            if operation.definition.raw["operationId"] == name:
                return operation
        raise LookupError(name)

    def send(self, case: Case[Any], role: str) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {self.people[role].key}"})
        self.statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)
        assert self.undocumented(case, answer) == []
        submitted = strings_of(
            [
                case.path_parameters,
                case.query,
                _plain(case.body),
                dict(case.headers or {}).get("Idempotency-Key"),
            ]
        )
        said = said_of_failures(answer.status_code, _media_of(answer), answer.content)
        headers = "\n".join(strings_of(list(answer.headers.values()))) if answer.status_code >= 400 else ""
        assert echoed(submitted, f"{said}\n{headers}", self.vocabulary) == []

    def undocumented(self, case: Case[Any], answer: Response) -> list[str]:
        """What of the answer's body its closed schema does not have; Schemathesis itself looks past that."""
        described = case.operation.definition.raw["responses"][str(answer.status_code)]
        media = described.get("content", {}).get(_media_of(answer), {})
        if "schema" not in media or not _media_of(answer).endswith("json"):
            return []
        whole = {**media["schema"], "components": self.document["components"]}
        return [error.message for error in OAS31Validator(whole).iter_errors(orjson.loads(answer.content))]

    def try_real_ids(self, case: Case[Any], choose: Callable[[list[str]], str | None]) -> None:
        case.path_parameters = self.values.within(dict(case.path_parameters or {}), choose)
        case.query = self.values.within(dict(case.query or {}), choose)
        if isinstance(case.body, dict | list):
            case.body = self.values.within(case.body, choose)


def _media_of(answer: Response) -> str:
    return answer.headers.get("content-type", [""])[0].partition(";")[0]


def _plain(body: Any) -> Any:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else body


def make_fuzzer(world: World, document: dict[str, Any]) -> Fuzzer:
    def gateway(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/strict.json":
            start("200 OK", [("Content-Type", "application/json")])
            return [orjson.dumps(document)]
        return world.app(environ, start)

    town = new_town(world)
    schema = schemathesis.openapi.from_wsgi("/strict.json", gateway)
    return Fuzzer(document, schema, everyone(town), real_values(town), vocabulary_of(document))


@pytest.fixture(scope="module")
def fuzzer(world: World) -> Iterator[Fuzzer]:
    """With relay numbers to be had: that there are none is a 503, which nobody who asks could mend."""
    telecom = unique("telecom")
    for mode in ("extension", "axb"):
        add_numbers(world, telecom, 3, mode, region=None)
    yield make_fuzzer(world, strict_document())
    retire_numbers(world, telecom)


def attack(fuzzer: Fuzzer, name: str, mode: GenerationMode, roles: Sequence[str], examples: int) -> set[str]:
    """`examples` requests by `roles` in turn, and who sent one; always the same ones, so that a failure can be
    repeated."""
    senders: list[str] = []
    failed: dict[str, str] = {}

    @given(case=fuzzer.operation(name).as_strategy(generation_mode=mode), data=st.data())
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Case[Any], data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE:
            fuzzer.try_real_ids(case, lambda known: data.draw(st.sampled_from([*known, None])))
        sent = repr((case.path_parameters, case.query, case.headers, case.body))
        # What failed is sent once more, to be told of: by the same.
        role = failed.get(sent, roles[len(senders) % len(roles)])
        senders.append(role)
        try:
            fuzzer.send(case, role)
        except BaseException:
            failed[sent] = role
            raise

    send()
    return set(senders)


@pytest.mark.parametrize("name", UNDER_V1)
def test_well_formed_requests_of_every_role_get_documented_answers(fuzzer: Fuzzer, name: str) -> None:
    for role in fuzzer.people:
        examples = EXAMPLES_OF_ITS_ROLES if role in _roles_of(name) else EXAMPLES_OF_OTHERS
        attack(fuzzer, name, GenerationMode.POSITIVE, [role], examples)


@pytest.mark.parametrize("name", UNDER_V1)
def test_malformed_requests_are_refused_and_never_repeated(fuzzer: Fuzzer, name: str) -> None:
    its = [role for role in _roles_of(name) if role in fuzzer.people]
    roles = [*its, *(role for role in fuzzer.people if role not in its)]
    assert attack(fuzzer, name, GenerationMode.NEGATIVE, roles, MALFORMED) == set(roles)


def _roles_of(name: str) -> tuple[str, ...]:
    return next(operation for operation in OPERATIONS if operation.name == name).roles


@pytest.mark.parametrize("name", [one.name for one in OPERATIONS if one.name not in UNDER_V1])
def test_what_needs_no_key_gets_documented_answers(fuzzer: Fuzzer, name: str) -> None:
    attack(fuzzer, name, GenerationMode.POSITIVE, ["merchant"], 2)


def test_an_undocumented_answer_would_be_found(world: World) -> None:
    document = strict_document()
    del document["paths"]["/v1/audit/events"]["get"]["responses"]["403"]
    with pytest.raises(FailureGroup, match="403"):
        attack(make_fuzzer(world, document), "list_events", GenerationMode.POSITIVE, ["merchant"], 2)


def test_an_undocumented_field_would_be_found(world: World) -> None:
    document = strict_document()
    del document["components"]["schemas"]["WaybillView"]["properties"]["network"]
    with pytest.raises(AssertionError, match="network"):
        attack(make_fuzzer(world, document), "get_waybill", GenerationMode.POSITIVE, ["merchant"], 10)


def test_requests_reach_what_is_behind_the_checks(fuzzer: Fuzzer) -> None:
    """Real ids are hit: without them most answers would be 404 and prove little."""
    attack(fuzzer, "get_waybill", GenerationMode.POSITIVE, ["merchant"], 10)
    attack(fuzzer, "create_waybills", GenerationMode.POSITIVE, ["merchant"], 40)
    assert {200, 201} <= fuzzer.statuses
