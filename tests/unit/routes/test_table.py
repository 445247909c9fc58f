"""Tables of routing codes as carriers write them, and what is wrong with some."""

from __future__ import annotations

import pytest

from vault_gateway.routes.table import MAX_FAULTS, Route, TableRefused, read_table

HEAD = "province,city,district,township,code\n"


def faults_of(table: str | bytes) -> dict[int, str]:
    with pytest.raises(TableRefused) as refusal:
        read_table(table if isinstance(table, bytes) else table.encode())
    return refusal.value.faults


@pytest.mark.parametrize(
    ("row", "prefix"),
    [
        ("浙江省,杭州市,西湖区,转塘街道", ("浙江省", "杭州市", "西湖区", "转塘街道")),
        ("浙江,杭州,西湖,", ("浙江省", "杭州市", "西湖区")),
        ("浙江,杭州,,", ("浙江省", "杭州市")),
        ("浙江,,,", ("浙江省",)),
        (" 广东 , 深圳市 ,,", ("广东省", "深圳市")),
        ("北京,,海淀,", ("北京市", "北京市", "海淀区")),
        ("北京,市辖区,海淀区,", ("北京市", "北京市", "海淀区")),
        ("北京市,北京市,,", ("北京市", "北京市")),
        ("广东,东莞,虎门镇,", ("广东省", "东莞市", "虎门镇")),
        ("广东,东莞,,虎门镇", ("广东省", "东莞市", "虎门镇")),
        ("内蒙古,呼和浩特,新城区,", ("内蒙古自治区", "呼和浩特市", "新城区")),
    ],
)
def test_names_are_read_like_those_of_addresses(row: str, prefix: tuple[str, ...]) -> None:
    assert read_table(f"{HEAD}{row},571-A12\n".encode()) == [Route(prefix, "571-A12")]


def test_columns_stand_in_any_order_quoted_or_not_with_a_mark_in_front_and_empty_lines() -> None:
    table = '\ufeffcode,province,district,city,township\r\n"1 杭",浙江,,杭州,\r\n\r\n2,浙江,,,\r\n'
    assert read_table(table.encode()) == [Route(("浙江省", "杭州市"), "1 杭"), Route(("浙江省",), "2")]


def test_a_table_may_be_empty() -> None:
    assert read_table(HEAD.encode()) == []


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("Atlantis,,,,1", "The province is not the name of one"),
        ("浙江,深圳,,,1", "The city is not the name of one"),
        ("浙江,新新市,,,1", "The city is not the name of one"),
        ("浙江,杭州,新新区,,1", "The district is not the name of one"),
        ("浙江,杭州,南山区,,1", "The district is not the name of one"),
        ("浙江,杭州,西湖区,某某花园3号,1", "The township is not the name of one"),
        ("浙江,杭州,,转塘街道,1", "An address needs province, city, district"),
        ("浙江,,西湖区,,1", "An address needs"),
        (",杭州,,,1", "The province is not the name of one"),
        ("浙江,杭州,,,", "A code is"),
        ("浙江,杭州,,,a1", "A code is"),
        ("浙江,杭州,,," + "1" * 33, "A code is"),
        ("浙江,杭州,,1", "The row has another number of columns."),
        ("浙江,杭州,,,1,2", "The row has another number of columns."),
        ("浙" * 81 + ",,,,1", "A column holds at most 80 characters."),
        ("浙\u0007江,杭州,,,1", "control"),
        ("浙江,杭,州,\u2028,1", "An address needs"),
    ],
)
def test_what_fits_nothing_known_is_told_by_its_line_and_never_repeated(row: str, why: str) -> None:
    faults = faults_of(f"{HEAD}浙江,宁波,,,9\n{row}\n")
    assert list(faults) == [3]
    assert why in faults[3] or (why == "An address needs" and "is not the name of one" in faults[3])
    assert "Atlantis" not in faults[3]
    assert "新新" not in faults[3]


def test_a_region_that_stands_twice_is_told_however_it_is_written() -> None:
    assert faults_of(f"{HEAD}浙江,杭州,,,1\n浙江省,杭州市,,,2\n") == {3: "Another row has the same region."}


def test_a_hundred_lines_are_told_and_no_more() -> None:
    faults = faults_of(HEAD + "nowhere,,,,1\n" * 300)
    assert list(faults) == list(range(2, 2 + MAX_FAULTS))


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"\xff\xfe",
        b"province,city\n",
        HEAD.encode() + b"\0",
        b"province,city,district,township,code,code\n",
    ],
)
def test_what_is_no_table_is_told_at_its_first_line(table: bytes) -> None:
    assert list(faults_of(table)) == [1]


def test_an_unclosed_quote_is_not_csv() -> None:
    assert set(faults_of(HEAD + '"浙江,杭州,,,1\n').values()) == {"This is not CSV."}
