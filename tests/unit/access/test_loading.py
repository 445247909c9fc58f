"""A policy folder is used whole or not at all, and who is refused hears the file and the case."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.unit.access.shipped import FOLDER
from vault_gateway.access import PolicyError, load_policies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "access"
    shutil.copytree(FOLDER, copy)
    return copy


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def refusal(folder: Path) -> str:
    with pytest.raises(PolicyError) as refused:
        load_policies(folder)
    return str(refused.value)


def test_the_shipped_folder_is_used(folder: Path) -> None:
    assert "courier-reveals-assigned-parcels" in load_policies(folder).statements


def test_a_policy_that_cannot_be_parsed_is_refused_with_its_file(folder: Path) -> None:
    change(folder / "courier.cedar", "permit (", "permitt (")

    assert "courier.cedar cannot be parsed" in refusal(folder)


def test_an_attribute_that_the_schema_does_not_know_is_refused_with_file_and_policy(folder: Path) -> None:
    change(
        folder / "station.cedar",
        "resource.station == principal.station",
        "resource.depot == principal.station",
    )

    told = refusal(folder)
    assert "station.cedar does not fit the schema" in told
    assert "station-held-parcels" in told


def test_an_optional_attribute_that_is_not_asked_for_first_is_refused(folder: Path) -> None:
    change(folder / "courier.cedar", "resource has deliver_by && ", "")

    assert "delivery_window_over" in refusal(folder)


def test_a_schema_that_cannot_be_parsed_is_refused(folder: Path) -> None:
    change(folder / "schema.cedarschema", "entity Courier", "entityy Courier")

    assert "schema.cedarschema cannot be parsed" in refusal(folder)


def test_a_policy_that_decides_a_case_otherwise_is_refused_with_the_case(folder: Path) -> None:
    change(
        folder / "courier.cedar",
        "context.now <= resource.deliver_by",
        "context.now <= resource.deliver_by + 60",
    )

    told = refusal(folder)
    assert "cases.yaml" in told
    assert "li reveal.issue out-with-li with purpose=deliver now=1001" in told
    assert "deny by delivery_window_over is due" in told


def test_a_removed_policy_file_is_refused(folder: Path) -> None:
    (folder / "courier.cedar").unlink()

    assert "cases do not hold" in refusal(folder)


@pytest.mark.parametrize("name", ["cases.yaml", "schema.cedarschema"])
def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()

    assert name in refusal(folder)


def test_a_folder_without_policies_is_refused(folder: Path) -> None:
    for path in folder.glob("*.cedar"):
        path.unlink()

    assert "there is no policy" in refusal(folder)


NESTED = {
    "brackets": "(" * 5000 + "true" + ")" * 5000,
    "sets": "[" * 5000 + "]" * 5000 + " == []",
    "records": "{a:" * 5000 + "1" + "}" * 5000 + " == 1",
    "a chain": " || ".join(["principal == resource"] * 5000),
    "choices": "if true then " * 5000 + "true" + " else true" * 5000,
    "a path": "principal" + ".a" * 5000 + " == 1",
}


@pytest.mark.parametrize("condition", NESTED.values(), ids=NESTED)
def test_what_is_nested_without_end_is_refused_and_ends_no_process(folder: Path, condition: str) -> None:
    with (folder / "auditor.cedar").open("a", encoding="utf-8") as file:
        file.write(f'@id("deep") permit (principal, action, resource) when {{ {condition} }};')
    told = refusal(folder)
    assert re.search(r"auditor\.cedar, line \d+: more than 400 brackets and operators in one policy", told)
    assert "\n" not in told


def test_a_schema_is_no_deeper(folder: Path) -> None:
    with (folder / "schema.cedarschema").open("a", encoding="utf-8") as file:
        file.write("type Deep = " + "Set<" * 5000 + "String" + ">" * 5000 + ";")
    assert "schema.cedarschema, line" in refusal(folder)


def test_texts_comments_and_many_policies_are_not_nested(folder: Path) -> None:
    names = ", ".join(f'"a.b(c)-{number}"' for number in range(2000))
    with (folder / "auditor.cedar").open("a", encoding="utf-8") as file:
        file.write(f"// {'(' * 1000} it isn't\n")
        file.write(
            f'@id("many") forbid (principal is Auditor, action, resource) when {{ [{names}].contains("x") }};'
        )
        file.writelines(
            f'@id("m{number}") forbid (principal is Auditor, action, resource) when {{ 1 + 1 == 3 }};'
            for number in range(200)
        )
    assert "m199" in load_policies(folder).statements


def test_a_policy_without_an_id_is_refused(folder: Path) -> None:
    change(folder / "operator.cedar", '@id("operator-revokes-grants")\n', "")

    assert 'operator.cedar: a permit has no @id("...")' in refusal(folder)


def test_an_id_that_is_used_twice_is_refused(folder: Path) -> None:
    change(folder / "station.cedar", "station-own-grants", "courier-own-grants")

    assert "there are two policies 'courier-own-grants'" in refusal(folder)


def test_a_template_is_refused(folder: Path) -> None:
    change(folder / "operator.cedar", "principal is Operator", "principal == ?principal")

    assert "operator.cedar" in refusal(folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("as: li, do: reveal.ack", "as: nobody, do: reveal.ack", "there is no actor or resource 'nobody'"),
        ("then: allow, by: courier-own-grants", "then: allow", "names the policies"),
        ("then: allow, by: courier-own-grants", "then: maybe, by: courier-own-grants", "then"),
        ("because: it was given to it", "why: it was given to it", "because"),
        ("li: {role: courier,", "li: {role: king,", "role"),
        ("wang: {role: courier, carrier: sf, handle: wang}", "li: {role: operator}", "a name is given twice"),
        ("cases:", "cases: [", "cases.yaml"),
        # A denial because of a typing error would prove nothing.
        (
            "with: {purpose: marketing, now: 500}",
            "with: {purpse: marketing, now: 500}",
            "does not fit the schema",
        ),
        ("sfs-fleet: {Fleet: {carrier: sf}}", "sfs-fleet: {Fleet: {carier: sf}}", "does not fit the schema"),
    ],
)
def test_cases_that_cannot_be_read_are_refused_with_the_place(
    folder: Path, old: str, new: str, told: str
) -> None:
    change(folder / "cases.yaml", old, new)

    assert told in refusal(folder)


@pytest.mark.parametrize(
    "odd",
    ["99999999999999999999999", "!!binary aGk=", "!!set {a, b}", "{1: 2}", "[[]]", "null", ".inf", "true"],
)
def test_a_value_that_no_question_can_have_is_refused_with_its_place(folder: Path, odd: str) -> None:
    cases = (folder / "cases.yaml").read_text(encoding="utf-8")
    (folder / "cases.yaml").write_text(
        re.sub(r"deliver_by: \d+", f"deliver_by: {odd}", cases, count=1), encoding="utf-8"
    )
    assert "cases.yaml" in refusal(folder)
