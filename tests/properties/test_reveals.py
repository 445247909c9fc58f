"""Waybill, couriers, reveals and revocations of the real service are what a small model says, whatever happens and in
which order."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.reveal_walk import Reveals
from tests.world import TurnedClock, World, new_town, unique
from vault_gateway.identity import api_keys, memory
from vault_gateway.reveals import claiming


@pytest.fixture
def remembered_by_the_clock(clock: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was admitted is remembered for seconds of the turned clock, not of the wall's."""
    turned = SimpleNamespace(monotonic=lambda: clock().timestamp())
    monkeypatch.setattr(memory, "time", turned)
    monkeypatch.setattr(api_keys, "time", turned)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model knows no claim that took too long, as one does on a busy machine."""
    monkeypatch.setattr(claiming, "LONGEST_CLAIM_S", 60.0)


@pytest.mark.usefixtures("remembered_by_the_clock", "patient")
def test_the_service_is_what_the_model_is(world: World) -> None:
    # A gateway of its own, which remembers nobody by another clock.
    app = world.gateway()
    town = new_town(world, app=app)
    stranger = world.actor("courier", app=app, carrier=unique("c"))
    operator = world.actor("operator", app=app)

    class Walk(Reveals):
        def __init__(self) -> None:
            super().__init__(town, stranger, operator)

    # No shrinking: with a real service behind it that would take many times as long.
    bounds = settings(
        max_examples=14,
        stateful_step_count=50,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Walk, settings=bounds)
