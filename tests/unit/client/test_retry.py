"""The retry law, with a clock that only sleeping moves and answers that are told in advance."""

from __future__ import annotations

import pytest

from vault_gateway.client.errors import Unreachable
from vault_gateway.client.retry import LONGEST_BACKOFF_S, Answer, Lost, RetryLaw

OK = Answer(201, {"items": []})
UNAVAILABLE = Answer(503, {"code": "vault_unavailable"}, retry_after=2.0)
IN_FLIGHT = Answer(409, {"code": "request_in_flight"}, retry_after=1.0)
LOST = Lost("the answer was lost", sent=True)
NOT_SENT = Lost("no connection", sent=False)


class Line:
    """A line to a gateway that gives these outcomes in turn, the last one for ever."""

    def __init__(self, *outcomes: Answer | Lost, deadline_s: float = 30.0) -> None:
        self.outcomes = list(outcomes)
        self.now = 0.0
        self.waits: list[float] = []
        self.left: list[float] = []
        # The longest that jitter may give: waits are then the bounds themselves.
        self.law = RetryLaw(deadline_s, lambda: self.now, self.sleep, lambda bound: bound)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def send(self, left: float) -> Answer:
        self.left.append(left)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Lost):
            raise outcome
        return outcome

    def call(self, *, repeatable: bool) -> Answer:
        return self.law.carry_out(self.send, repeatable=repeatable)


def test_a_good_answer_is_kept_at_once() -> None:
    line = Line(OK)
    assert line.call(repeatable=False) == OK
    assert line.waits == []


def test_a_lost_answer_is_fetched_again_where_that_is_safe() -> None:
    line = Line(LOST, LOST, OK)
    answer = line.call(repeatable=True)
    assert (answer.status, answer.after_loss) == (201, True)
    assert line.waits == [0.1, 0.2]


def test_a_lost_answer_is_never_fetched_again_where_that_is_not_safe() -> None:
    line = Line(LOST, OK)
    with pytest.raises(Unreachable) as raised:
        line.call(repeatable=False)
    assert raised.value.maybe_done
    assert line.waits == []


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_was_never_sent_is_sent_again(repeatable: bool) -> None:
    line = Line(NOT_SENT, NOT_SENT, OK)
    answer = line.call(repeatable=repeatable)
    assert (answer.status, answer.after_loss) == (201, False)


def test_after_the_deadline_it_says_that_nothing_was_done() -> None:
    line = Line(NOT_SENT, deadline_s=10.0)
    with pytest.raises(Unreachable) as raised:
        line.call(repeatable=True)
    assert not raised.value.maybe_done
    assert line.now < 10.0


def test_a_loss_is_not_forgotten_when_later_tries_send_nothing() -> None:
    with pytest.raises(Unreachable) as raised:
        Line(LOST, NOT_SENT, deadline_s=5.0).call(repeatable=True)
    assert raised.value.maybe_done


def test_a_distrusted_certificate_is_not_tried_again() -> None:
    line = Line(Lost("certificate", sent=False, hopeless=True), OK)
    with pytest.raises(Unreachable):
        line.call(repeatable=True)
    assert line.waits == []


def test_unavailable_waits_at_least_what_was_asked() -> None:
    line = Line(UNAVAILABLE, OK)
    assert line.call(repeatable=True).status == 201
    assert line.waits == [2.1]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_unavailable_is_not_repeated_where_it_may_have_been_carried_out(status: int) -> None:
    line = Line(Answer(status, {}), OK)
    assert line.call(repeatable=False).status == status


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("asked", [IN_FLIGHT, Answer(429, {"code": "too_many_requests"}, retry_after=1.0)])
def test_what_was_turned_away_is_sent_again(asked: Answer, repeatable: bool) -> None:
    line = Line(asked, asked, OK)
    assert line.call(repeatable=repeatable).status == 201
    assert line.waits == [1.1, 1.2]


@pytest.mark.parametrize(
    "final",
    [
        Answer(429, {"code": "reveal_limit"}),
        Answer(409, {"code": "reveal_spent"}),
        Answer(422, {"code": "idempotency_key_reused"}),
        Answer(500, {"code": "internal"}),
        Answer(404, {"code": "not_found"}),
        Answer(401, {"code": "unauthenticated"}),
    ],
)
def test_a_refusal_is_final(final: Answer) -> None:
    line = Line(final, OK)
    assert line.call(repeatable=True).status == final.status
    assert line.waits == []


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    line = Line(Answer(429, {"code": "too_many_requests"}, retry_after=86_400.0), OK)
    answer = line.call(repeatable=True)
    assert (answer.status, answer.retry_after) == (429, 86_400.0)
    assert line.waits == []


def test_waits_double_up_to_a_bound_and_end_before_the_deadline() -> None:
    line = Line(LOST, deadline_s=60.0)
    with pytest.raises(Unreachable):
        line.call(repeatable=True)
    assert line.waits[:4] == [0.1, 0.2, 0.4, 0.8]
    assert max(line.waits) == LONGEST_BACKOFF_S
    assert line.now < 60.0
    assert line.left == sorted(line.left, reverse=True)


def test_the_shipped_jitter_spreads_over_the_whole_bound() -> None:
    jitter = RetryLaw(1.0).jitter
    drawn = [jitter(5.0) for _ in range(400)]
    assert min(drawn) >= 0.0
    assert max(drawn) <= 5.0
    assert min(drawn) < 1.0
    assert max(drawn) > 4.0
