"""Key names."""

from __future__ import annotations

import pytest

from vault_gateway.keys.names import platform_key, platforms_of
from vault_gateway.model import Kind


def test_a_key_is_named_by_kind_and_platform() -> None:
    assert platform_key("douyin", Kind.PHONE) == "phone-douyin"


@pytest.mark.parametrize("platform", ["", "Douyin", "a/b", "../x", "a\n", "-a", "a" * 41])
def test_only_slugs_become_names(platform: str) -> None:
    with pytest.raises(ValueError, match="slug"):
        platform_key(platform, Kind.PHONE)


def test_a_platform_has_all_three_keys() -> None:
    keys = ["phone-b", "name-b", "address-b", "phone-half", "name-half", "blind-index", "checkpoint"]
    assert platforms_of([*keys, "phone-a-c", "name-a-c", "address-a-c"]) == ["a-c", "b"]
