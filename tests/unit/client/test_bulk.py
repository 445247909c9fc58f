"""Columns into values, and files that grow by whole lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import canaries
from vault_gateway.client import Value
from vault_gateway.client.bulk.columns import (
    ERROR_COLUMN,
    LONGEST_CELL,
    ROW_MALFORMED,
    Columns,
    MappingRefused,
    read_mapping,
)
from vault_gateway.client.bulk.output import Output, OutputRefused, end_of_lines

HEADER = ["order", "name", "省", "city", "detail", "note"]
MAPPINGS = [read_mapping("name=name"), read_mapping("province:省,city,detail=address")]


def test_columns_become_values_and_one_address() -> None:
    columns = Columns(HEADER, MAPPINGS)
    someone = canaries.person()
    row = ["O-1", someone.name, "浙江省", "", someone.detail, "fragile"]
    assert columns.header == ["order", "name", "address", "note", ERROR_COLUMN]
    assert columns.values(row, None) == [
        Value.name(someone.name),
        Value.address({"province": "浙江省", "detail": someone.detail}),
    ]
    outcomes = [("nm_1", ""), ("", "address_incomplete")]
    assert columns.result(row, outcomes) == ["O-1", "nm_1", "", "fragile", "address:address_incomplete"]


@pytest.mark.parametrize(
    "text",
    ["", "=", "phone", "=phone", "phone=", "phone=fax", "a,b=phone", "a:b=name", "house=address,x",
     "house,city=address", "city,city:other=address"],
)  # fmt: skip
def test_a_mapping_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(MappingRefused):
        read_mapping(text)


@pytest.mark.parametrize(
    ("header", "mapping"),
    [
        (["order"], ["phone=phone"]),
        (["phone", "phone"], ["phone=phone"]),
        (["phone"], ["phone=phone", "phone=name"]),
        (["phone", ERROR_COLUMN], ["phone=phone"]),
        (["city", "detail", "address"], ["city,detail=address"]),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused(header: list[str], mapping: list[str]) -> None:
    with pytest.raises(MappingRefused):
        Columns(header, [read_mapping(text) for text in mapping])


def test_a_refusal_does_not_repeat_a_first_line_that_is_data() -> None:
    someone = canaries.person()
    with pytest.raises(MappingRefused) as raised:
        Columns([someone.name, someone.phone, someone.detail], [read_mapping("phone=phone")])
    assert not list(canaries.leaks(str(raised.value).encode()))


def test_nothing_of_a_row_with_too_many_cells_is_passed_on() -> None:
    columns, someone = Columns(HEADER, MAPPINGS), canaries.person()
    for row in ([*HEADER, someone.detail], [someone.name]):
        assert set(columns.values(row, None)) == {ROW_MALFORMED}
        assert columns.result(row, []) == ["", "", "", "", ROW_MALFORMED]


def test_a_cell_beyond_every_limit_is_not_sent() -> None:
    columns = Columns(["phone"], [read_mapping("phone=phone")])
    assert columns.values(["1" * (LONGEST_CELL + 1)], None) == ["value_too_long"]


def test_the_result_of_another_file_is_told_apart() -> None:
    columns = Columns(["order", "phone"], [read_mapping("phone=phone")])
    assert columns.continues(["O-1", "x"], ["O-1", "ph_1", ""])
    assert columns.continues(["O-1", "x"], ["O-1", "", "phone:phone_invalid"])
    assert not columns.continues(["O-2", "x"], ["O-1", "ph_1", ""])
    assert not columns.continues(["O-1", "x"], ["O-1", "nm_1", ""])
    assert not columns.continues(["O-1", "x"], ["O-1", "ph_1"])


CELLS = st.text(st.sampled_from('a"\n\r,é赵 '), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), max_size=8), st.data())
def test_a_cut_anywhere_leaves_the_whole_lines_before_it(rows: list[list[str]], data: st.DataObject) -> None:
    text = io.StringIO(newline="")
    ends = [0]
    for row in rows:
        csv.writer(text, lineterminator="\n").writerow(row)
        ends.append(len(text.getvalue().encode()))
    raw = text.getvalue().encode()
    cut = data.draw(st.integers(0, len(raw)))
    block = data.draw(st.integers(1, 9))

    def blocks() -> Iterator[bytes]:
        return (raw[:cut][at : at + block] for at in range(0, cut, block))

    assert end_of_lines(blocks()) == max(end for end in ends if end <= cut)


def test_a_result_is_written_by_one_run_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with Output(path, ["a"]), pytest.raises(OutputRefused, match="another run"):
        Output(path, ["a"])
    with Output(path, ["a"]) as output:
        assert list(output.done()) == []


def test_a_cut_line_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text('a,b\n1,"x\ny"\n2,"z\n', encoding="utf-8")
    with Output(path, ["a", "b"]) as output:
        assert list(output.done()) == [["1", "x\ny"]]
        output.append([["2", 'z"\n']])
    assert path.read_text(encoding="utf-8") == 'a,b\n1,"x\ny"\n2,"z""\n"\n'


@pytest.mark.parametrize(
    "content", ["something,else\n1,2\n", "something,else\n1,2", "no table at all", "a,bc\n1,2"]
)
def test_another_file_is_not_continued_and_stays_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "out.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(OutputRefused, match="other columns"):
        Output(path, ["a", "b"])
    assert path.read_text(encoding="utf-8") == content


def test_a_run_killed_in_its_first_line_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("a,", encoding="utf-8")
    with Output(path, ["a", "b"]) as output:
        assert list(output.done()) == []
    assert path.read_text(encoding="utf-8") == "a,b\n"


def test_a_result_is_a_regular_file() -> None:
    for path in (Path("/dev/null"), Path("/dev/full")):
        with pytest.raises(OutputRefused, match="no regular file"):
            Output(path, ["a"])


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match="cannot write"):
        Output(tmp_path / "no such folder" / "out.csv", ["a"])
