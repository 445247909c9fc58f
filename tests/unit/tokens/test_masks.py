from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vault_gateway.tokens.masks import MaskingError, MaskingProfile

POLICY: dict[str, dict[str, Any]] = yaml.safe_load(Path("policies/masking.yaml").read_text(encoding="utf-8"))


def load(tmp_path: Path, document: object) -> MaskingProfile:
    path = tmp_path / "masking.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return MaskingProfile.load(path)


@pytest.mark.parametrize(
    ("phone", "masked", "last4"),
    [
        ("+8613912345678", "1******5678", "5678"),
        ("+861062345678", "******5678", "5678"),
        ("+442079460958", "+44 ******0958", "0958"),
        ("+85228000123", "+852 ******23", None),
        ("+4912345678901", "+49 1******8901", "8901"),
    ],
)
def test_six_digits_stay_hidden(masks: MaskingProfile, phone: str, masked: str, last4: str | None) -> None:
    assert masks.phone(phone) == masked
    assert masks.shown_last4(phone) == last4


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三", "张**"),
        ("欧阳一诺", "欧**"),
        ("张", "**"),
        ("阿依古丽·样本", "阿**"),
        ("John Sample", "J**"),
        ("e\u0302\u0323", "**"),
        ("\u0915\u093f\u0930\u0923", "\u0915\u093f**"),
    ],
)
def test_a_name_shows_its_first_character(masks: MaskingProfile, name: str, masked: str) -> None:
    assert masks.name(name) == masked


def test_an_address_ends_with_its_region(masks: MaskingProfile) -> None:
    region = {"country": "CN", "province": "北京市", "city": "北京市", "district": "朝阳区"}
    assert masks.address(tuple(region.items())) == "北京市朝阳区****"


@pytest.mark.parametrize(
    ("section", "key", "value", "rule"),
    [
        ("phone", "hide_at_least", 5, "GB/T 41833-2022 hides at least 6 digits"),
        ("phone", "hide_at_least", True, "phone.hide_at_least"),
        ("phone", "keep_last", 5, "phone.keep_last"),
        ("phone", "keep_middle", 1, "Unknown field"),
        ("name", "hide_at_least", 0, "GB/T 41833-2022 hides at least one character"),
        ("name", "hidden_as", "", "asterisks"),
        ("name", "hidden_as", "abc", "asterisks"),
        ("address", "keep", ["province", "detail"], "GB/T 41833-2022 hides what is behind the region"),
        ("address", "keep", ["postcode"], "GB/T 41833-2022 hides what is behind the region"),
        ("address", "keep", ["city", "province"], "outermost first"),
        ("address", "keep", ["city", "city"], "once each"),
    ],
)
def test_a_profile_that_shows_too_much_is_refused(
    tmp_path: Path, section: str, key: str, value: object, rule: str
) -> None:
    with pytest.raises(MaskingError) as refused:
        load(tmp_path, POLICY | {section: POLICY[section] | {key: value}})
    assert rule in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("document", [None, [], "text", {}, {"phone": 1}, POLICY | {"email": {}}])
def test_a_profile_of_another_shape_is_refused(tmp_path: Path, document: object) -> None:
    with pytest.raises(MaskingError):
        load(tmp_path, document)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a: [", b"a: b: c"])
def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "masking.yaml"
    path.write_bytes(raw)
    with pytest.raises(MaskingError, match="cannot be read"):
        MaskingProfile.load(path)
    with pytest.raises(MaskingError, match="cannot be read"):
        MaskingProfile.load(tmp_path / "none.yaml")


def test_a_stricter_profile_hides_more(tmp_path: Path) -> None:
    strict = load(tmp_path, POLICY | {"name": POLICY["name"] | {"hide_at_least": 2}})
    assert [strict.name(name) for name in ("张三", "张三丰")] == ["**", "张**"]
