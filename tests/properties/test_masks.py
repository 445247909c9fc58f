"""No mask ever shows more than its profile and GB/T 41833-2022 allow."""

from __future__ import annotations

import unicodedata

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.tokens.masks import LEAST_HIDDEN_DIGITS, LEVELS, MaskingProfile

profiles = st.builds(
    MaskingProfile,
    phone_first=st.integers(0, 3),
    phone_last=st.integers(0, 4),
    phone_hidden=st.integers(LEAST_HIDDEN_DIGITS, 15),
    name_first=st.integers(0, 1),
    name_hidden=st.integers(1, 8),
    name_hidden_as=st.just("**"),
    address_levels=st.sets(st.sampled_from(LEVELS)).map(lambda kept: tuple(x for x in LEVELS if x in kept)),
    address_hidden_as=st.just("****"),
)
examples = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    if (number := phonenumbers.example_number(region)) is not None
]
phones = st.one_of(st.sampled_from(examples), st.from_regex(r"\+861[3-9][0-9]{9}", fullmatch=True))
names = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
words = st.text(st.characters(categories=["L"]), min_size=1, max_size=8)


@given(profile=profiles, phone=phones)
def test_a_masked_phone_leaves_a_million_candidates(profile: MaskingProfile, phone: str) -> None:
    masked, last4 = profile.phone_and_last4(phone)
    hidden = masked.count("*")
    national = phonenumbers.national_significant_number(phonenumbers.parse(phone))
    assert hidden >= min(len(national), max(LEAST_HIDDEN_DIGITS, profile.phone_hidden))
    assert len(masked.rpartition(" ")[2]) == len(national)
    assert last4 is None or (masked.endswith(last4) and len(last4) == 4)
    if len(national) >= LEAST_HIDDEN_DIGITS:
        assert 10**hidden >= 10**6


@given(profile=profiles, name=names)
def test_a_masked_name_shows_one_character_at_most(profile: MaskingProfile, name: str) -> None:
    shown = profile.name(name).removesuffix("**")
    assert name.startswith(shown)
    assert not shown or shown != name
    assert all(unicodedata.category(character)[0] == "M" for character in shown[1:])
    assert profile.name_first or not shown


@given(name=names, other=names)
def test_a_mask_does_not_tell_a_names_length(name: str, other: str) -> None:
    profile = MaskingProfile(1, 4, 6, 0, 1, "**", (), "****")
    assert profile.name(name) == profile.name(other)


@given(profile=profiles, region=st.dictionaries(st.sampled_from(LEVELS), words), detail=words)
def test_a_masked_address_is_made_of_levels_alone(
    profile: MaskingProfile, region: dict[str, str], detail: str
) -> None:
    masked = profile.address(tuple(region.items()))
    assert masked.endswith("****")
    more = {**region, "detail": detail, "postcode": detail}
    assert profile.address(tuple(more.items())) == masked
