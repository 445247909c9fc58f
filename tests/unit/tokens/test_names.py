from __future__ import annotations

import pytest

from vault_gateway.model import Kind
from vault_gateway.tokens.names import normal_name
from vault_gateway.tokens.normalise import Normaliser
from vault_gateway.tokens.text import ValueRefused


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("张三", "张三"),
        (" 张三\u3000", "张三"),
        ("张\u3000三", "张三"),
        ("Ｊｏｈｎ　 Smith", "John Smith"),
        ("Jose\u0301", "Jos\u00e9"),
        ("阿依古丽 • 样本", "阿依古丽·样本"),
        ("阿依古丽.样本", "阿依古丽·样本"),
        ("J. R. Sample", "J. R. Sample"),
        ("\u0639\u0644\u06cc\u200c\u067e\u0648\u0631", "\u0639\u0644\u06cc\u200c\u067e\u0648\u0631"),
        ("Anna\u200b", "Anna"),
        ("\ufeff김샘플", "김샘플"),
        ("\U0003134a三", "\U0003134a三"),
        ("\U000323b0三", "\U000323b0三"),
        ("小雨\U0001f327", "小雨\U0001f327"),
        ("3号仓", "3号仓"),
    ],
)
def test_a_name_of_any_script_is_kept(written: str, name: str) -> None:
    assert normal_name(written) == name


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "value_empty"),
        ("\u3000 ", "value_empty"),
        ("\u200b", "value_empty"),
        ("张**", "value_masked"),
        ("张＊＊", "value_masked"),
        ("13912345678", "name_invalid"),
        ("张三13912345678", "name_invalid"),
        ("---", "name_invalid"),
        ("\u0301a", "name_invalid"),
        ("张\x00三", "value_bad_characters"),
        ("张\n三", "value_bad_characters"),
        ("张\u202e三", "value_bad_characters"),
        ("张\ue000", "value_bad_characters"),
        ("张\ud800", "value_bad_characters"),
        ("张\U000e0041", "value_bad_characters"),
        ("张\uffff", "value_bad_characters"),
        ("\u3164", "value_bad_characters"),
        ("\U0001f468\u200d\U0001f469 Ann", "value_bad_characters"),
        ("张" * 129, "value_too_long"),
    ],
)
def test_what_nobody_is_called_is_refused(written: str, code: str) -> None:
    with pytest.raises(ValueRefused) as refused:
        normal_name(written)
    assert refused.value.code == code


def test_a_name_is_found_in_any_case(normaliser: Normaliser) -> None:
    upper, lower = (normaliser.normalise(Kind.NAME, name) for name in ("JOHN SAMPLE", "John  Sample"))
    assert upper.indexed == lower.indexed
    assert upper.value != lower.value
