"""UUIDv7 (RFC 9562) as token text: one canonical form, and nothing else is a token."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vault_gateway.ids import ALPHABET, base32, new_id, new_ids, new_texts, parse_base32
from vault_gateway.model import Kind
from vault_gateway.tokens.ids import PREFIXES, parse_token, token_text

_V7 = (0x7 << 76) | (0b10 << 62)
_FIXED = (0xF << 76) | (0b11 << 62)
uuids_v7 = st.integers(0, 2**128 - 1).map(lambda n: UUID(int=n & ~_FIXED | _V7))
kinds = st.sampled_from(Kind)
times = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis takes bounds without a zone


@given(kind=kinds, token_id=uuids_v7)
def test_a_token_is_read_back(kind: Kind, token_id: UUID) -> None:
    text = token_text(kind, token_id)
    assert len(text) == 29
    assert parse_token(text) == (kind, token_id)


@given(moment=times, count=st.integers(0, 20))
def test_ids_are_uuid7_of_their_millisecond(moment: datetime, count: int) -> None:
    read = [parse_base32(text) for text in new_texts(moment, count)]
    assert len({*read} - {None}) == count
    for made in [new_id(moment), *new_ids(moment, count), *filter(None, read)]:
        assert (made.version, made.variant) == (7, "specified in RFC 4122")
        assert made.int >> 80 == int(moment.timestamp() * 1000)
        assert parse_base32(base32(made)) == made


@given(moment=times, count=st.integers(0, 20))
def test_ids_of_one_request_ascend(moment: datetime, count: int) -> None:
    made = new_ids(moment, count)
    assert [(one, hash(one), repr(one), one.is_safe) for one in made] == [
        (whole, hash(whole), repr(whole), whole.is_safe) for whole in (UUID(int=one.int) for one in made)
    ]
    assert made == sorted(set(made))


@given(first=uuids_v7, second=uuids_v7)
def test_text_sorts_as_ids_do(first: UUID, second: UUID) -> None:
    assert (base32(first) < base32(second)) == (first < second)


@given(kind=kinds, token_id=uuids_v7, at=st.integers(0, 28), character=st.characters())
def test_a_changed_character_is_another_token_or_none(
    kind: Kind, token_id: UUID, at: int, character: str
) -> None:
    text = token_text(kind, token_id)
    changed = text[:at] + character + text[at + 1 :]
    parsed = parse_token(changed)
    assert parsed is None or token_text(*parsed) == changed


@given(number=st.integers(0, 2**130 - 1), prefix=st.sampled_from(list(PREFIXES.values())))
def test_only_what_we_would_write_is_read(number: int, prefix: str) -> None:
    text = prefix + "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    parsed = parse_token(text)
    assert parsed is None or token_text(*parsed) == text


@given(value=st.one_of(st.none(), st.integers(), st.binary(), st.text(), st.lists(st.text())))
def test_anything_else_is_no_token(value: object) -> None:
    assert parse_token(value) is None
