"""Templates and their parameters leave no room for a text or a phone number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from vault_gateway.notices.parameters import TAKE, ParameterRefused, spoken
from vault_gateway.notices.templates import LANGUAGES, TemplateError, load_templates
from vault_gateway.settings.policies import default_policies

WINDOW = {"from": "2026-11-11T09:00:00+08:00", "to": "2026-11-11T21:00:00+08:00"}
GOOD: dict[str, Any] = {"code": "6-2-3041", "place": "西湖驿站 3", "window": WINDOW, "minutes": 20}


def test_the_shipped_templates_speak_both_languages() -> None:
    templates = load_templates(default_policies() / "notices.yaml")
    assert len(templates) >= 5
    for template in templates.values():
        taken = template.take({name: GOOD[type_] for name, type_ in template.params.items()})
        texts = {template.text(language, taken) for language in LANGUAGES}
        assert len(texts) == 2
        assert all("{" not in text and len(text) <= 200 for text in texts)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("code", "19900001111"),
        ("code", "1234-5678"),
        ("code", "1-9900001"),
        ("code", "A B"),
        ("code", "１２３"),
        ("code", ""),
        ("code", "ABCDEFGH-ABCDE"),
        ("code", 1234),
        ("place", "拨打一九九零零零零一一一一"),
        ("place", "19900001111"),
        ("place", "call 1990 000 1111"),
        ("place", "https://evil.example"),
        ("place", "驿站\n又一行"),
        ("place", "evil.example"),
        ("place", "①②③④⑤⑥ 驿站"),
        ("place", "站" * 41),
        ("place", "12"),
        ("place", None),
        ("window", {"from": "tomorrow", "to": "later"}),
        ("window", {"from": "2026-11-11T09:00:00", "to": "2026-11-11T10:00:00"}),
        ("window", {"from": WINDOW["to"], "to": WINDOW["from"]}),
        ("window", {**WINDOW, "note": "call me"}),
        ("window", {"from": "2026-11-11T09:00:00+08:00", "to": "2026-12-11T09:00:00+08:00"}),
        ("window", {"from": 1, "to": 2}),
        ("window", "2026-11-11"),
        ("minutes", 0),
        ("minutes", 241),
        ("minutes", True),
        ("minutes", "20"),
    ],
)
def test_what_a_type_does_not_take_is_refused_and_not_repeated(type_: str, value: object) -> None:
    with pytest.raises(ParameterRefused) as refusal:
        TAKE[type_](value)
    assert not isinstance(value, str) or len(value) < 6 or value not in refusal.value.detail


@given(st.sampled_from(["code", "place"]), st.text(max_size=45))
def test_no_taken_text_holds_as_many_digits_as_a_phone(type_: str, text: str) -> None:
    try:
        taken = TAKE[type_](text)
    except ParameterRefused:
        return
    assert sum(character.isnumeric() and character not in "百千万亿" for character in taken) <= 7
    assert not set(taken) & set("\r\n@/.:<>&")


def test_a_window_reads_in_the_zone_it_was_given_in() -> None:
    assert spoken(TAKE["window"](WINDOW), "zh") == "11月11日09:00-21:00"
    assert spoken(TAKE["window"](WINDOW), "en") == "11 Nov 09:00-21:00"
    two_days = {"from": "2026-11-11T09:00:00Z", "to": "2026-11-12T10:30:00Z"}
    assert spoken(TAKE["window"](two_days), "zh") == "11月11日09:00至11月12日10:30"


def test_missing_and_unknown_parameters_are_refused_without_a_name_that_was_typed() -> None:
    template = load_templates(default_policies() / "notices.yaml")["courier_on_the_way"]
    with pytest.raises(ValidationError) as refusal:
        template.take({"text-of-mine": "call me"})
    assert "of-mine" not in str(refusal.value)
    assert {"minutes", "unknown"} == refusal.value.messages_dict["params"].keys()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1",
        "[]",
        "t: {params: {}, zh: 你好}",
        "t: {params: {}, zh: 你好, en: hello, fr: salut}",
        "t: {params: {code: text}, zh: '{code}', en: '{code}'}",
        "t: {params: {code: code}, zh: '{code}', en: hello}",
        "t: {params: {code: code}, zh: '{code}{code}', en: '{code}'}",
        "t: {params: {code: code}, zh: '{code!r}', en: '{code}'}",
        "t: {params: {code: code}, zh: '{code:>99}', en: '{code}'}",
        "t: {params: {code: code}, zh: '{code.upper}', en: '{code}'}",
        "t: {params: {code: code}, zh: '{code', en: '{code}'}",
        "t: {params: {}, zh: 请拨打 19900001111, en: hello}",
        "T!: {params: {}, zh: 你好, en: hello}",
        "t: [",
    ],
)
def test_a_file_that_could_send_anything_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notices.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"notices\.yaml"):
        load_templates(path)
