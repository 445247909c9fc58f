"""The machine by itself: every state, every question, every moment that matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from vault_gateway.reveals import machine
from vault_gateway.reveals.machine import SEALED_LIMIT, Grant, State

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXPIRY = START + timedelta(seconds=60)
KEY_A, KEY_B = b"a" * 32, b"b" * 32
TICK = timedelta(microseconds=1)

ISSUED = Grant(
    id=uuid4(),
    waybill_id=uuid4(),
    waybill_no="TEST-00000001",
    orders=(),
    carrier="c",
    holder="h",
    principal="key:h",
    purpose="deliver",
    fields=("name",),
    tokens=(uuid4(),),
    state=State.ISSUED,
    public_key=None,
    released=0,
    ack_digests=(),
    issued_at=START,
    expires_at=EXPIRY,
)
CLAIMED = replace(ISSUED, state=State.CLAIMED, claimed_at=START)
SEALED = replace(CLAIMED, public_key=KEY_A)
REVOKED = replace(ISSUED, state=State.REVOKED)


def released(grant: Grant, times: int = 1, *, first: datetime = START) -> Grant:
    return replace(grant, released=times, first_released_at=first)


def delivered(grant: Grant) -> Grant:
    return replace(released(grant), state=State.DELIVERED)


LATE_FIRST = EXPIRY - TICK
REDELIVERY_END = LATE_FIRST + timedelta(seconds=120)


@pytest.mark.parametrize(
    ("grant", "at", "state"),
    [
        (ISSUED, EXPIRY - TICK, State.ISSUED),
        (ISSUED, EXPIRY, State.EXPIRED),
        (CLAIMED, EXPIRY - TICK, State.CLAIMED),
        (CLAIMED, EXPIRY, State.EXPIRED),
        (released(CLAIMED), EXPIRY - TICK, State.CLAIMED),
        (released(CLAIMED), EXPIRY, State.UNCONFIRMED),
        (released(SEALED, first=LATE_FIRST), EXPIRY, State.CLAIMED),
        (released(SEALED, first=LATE_FIRST), REDELIVERY_END - TICK, State.CLAIMED),
        (released(SEALED, first=LATE_FIRST), REDELIVERY_END, State.UNCONFIRMED),
        (SEALED, EXPIRY, State.EXPIRED),
        (delivered(CLAIMED), EXPIRY + timedelta(days=9), State.DELIVERED),
        (REVOKED, EXPIRY + timedelta(days=9), State.REVOKED),
        (released(REVOKED), EXPIRY + timedelta(days=9), State.REVOKED),
    ],
)
def test_state_follows_from_time(grant: Grant, at: datetime, state: State) -> None:
    assert machine.state_at(grant, at) is state


def test_a_short_redelivery_does_not_end_a_long_grant_early() -> None:
    long = replace(released(SEALED), expires_at=START + timedelta(minutes=10))
    assert machine.state_at(long, START + timedelta(minutes=9)) is State.CLAIMED
    assert not machine.may_claim(long, KEY_A, START + timedelta(seconds=120))
    assert machine.may_claim(long, KEY_A, START + timedelta(seconds=120) - TICK)


@pytest.mark.parametrize(
    ("grant", "key", "at", "may"),
    [
        (ISSUED, None, START, True),
        (ISSUED, KEY_A, START, True),
        (ISSUED, None, EXPIRY - TICK, True),
        (ISSUED, None, EXPIRY, False),
        (replace(ISSUED, public_key=KEY_A), KEY_A, START, True),
        (replace(ISSUED, public_key=KEY_A), KEY_B, START, False),
        (replace(ISSUED, public_key=KEY_A), None, START, False),
        (CLAIMED, None, START, True),
        (CLAIMED, KEY_A, START, False),
        (SEALED, KEY_A, START, True),
        (SEALED, KEY_B, START, False),
        (SEALED, None, START, False),
        (SEALED, KEY_A, EXPIRY, False),
        (released(CLAIMED), None, START, False),
        (released(SEALED), KEY_A, START + timedelta(seconds=120) - TICK, True),
        (released(SEALED), KEY_A, START + timedelta(seconds=120), False),
        (released(SEALED, SEALED_LIMIT - 1), KEY_A, START, True),
        (released(SEALED, SEALED_LIMIT), KEY_A, START, False),
        (released(SEALED), KEY_B, START, False),
        (delivered(SEALED), KEY_A, START, False),
        (REVOKED, None, START, False),
    ],
)
def test_who_may_claim(grant: Grant, key: bytes | None, at: datetime, may: bool) -> None:
    assert machine.may_claim(grant, key, at) is may


@pytest.mark.parametrize(
    ("grant", "at", "may"),
    [
        (CLAIMED, EXPIRY - TICK, True),
        (CLAIMED, EXPIRY, False),
        (ISSUED, START, False),
        (REVOKED, START, False),
        (delivered(SEALED), START, False),
        (released(CLAIMED), START, False),
        (released(SEALED, SEALED_LIMIT - 1), START, True),
        (released(SEALED, SEALED_LIMIT), START, False),
        (released(SEALED), START + timedelta(seconds=120), False),
    ],
)
def test_what_was_decrypted_goes_out_only_while_the_grant_lasts(
    grant: Grant, at: datetime, may: bool
) -> None:
    assert machine.may_release(grant, at) is may


@pytest.mark.parametrize(
    ("grant", "at", "live", "counted"),
    [
        (ISSUED, START, True, True),
        (ISSUED, EXPIRY, False, False),
        (CLAIMED, START, True, True),
        (CLAIMED, EXPIRY, False, False),
        (released(CLAIMED), START, False, True),
        (released(CLAIMED), EXPIRY, False, True),
        (released(SEALED), START, True, True),
        (released(SEALED, SEALED_LIMIT), START, False, True),
        (released(SEALED), START + timedelta(seconds=120), False, True),
        (delivered(SEALED), START, False, True),
        (REVOKED, START, False, False),
        (released(REVOKED), START, False, True),
    ],
)
def test_only_what_is_certainly_undisclosed_is_given_back(
    grant: Grant, at: datetime, live: bool, counted: bool
) -> None:
    assert machine.is_live(grant, at) is live
    assert machine.counts(grant, at) is counted


@pytest.mark.parametrize(
    ("grant", "at", "may"),
    [
        (ISSUED, START, True),
        (CLAIMED, START, True),
        (released(CLAIMED), START, True),
        (ISSUED, EXPIRY, False),
        (CLAIMED, EXPIRY, False),
        (released(CLAIMED), EXPIRY, False),
        (delivered(CLAIMED), START, False),
        (REVOKED, START, False),
    ],
)
def test_what_is_over_is_not_revoked(grant: Grant, at: datetime, may: bool) -> None:
    assert machine.may_revoke(grant, at) is may


@pytest.mark.parametrize(
    ("grant", "may"),
    [
        (ISSUED, False),
        (CLAIMED, False),
        (released(CLAIMED), True),
        (released(SEALED, SEALED_LIMIT), True),
        (released(REVOKED), False),
        (delivered(CLAIMED), False),
    ],
)
def test_only_what_went_out_is_acknowledged(grant: Grant, may: bool) -> None:
    assert machine.may_acknowledge(grant) is may
