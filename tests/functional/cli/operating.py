"""Commands that an operator runs, and what is on record of them."""

from __future__ import annotations

from click.testing import CliRunner, Result

from tests.pages import all_events
from tests.world import Actor, World
from vault_gateway.cli.root import root


def operate(world: World, *words: str) -> Result:
    return CliRunner().invoke(root, [*words, "--data", str(world.instance.engines.data)])


def told(auditor: Actor, resource: str) -> list[tuple[str, str, dict[str, str]]]:
    events = all_events(auditor, "actor=cli:operator")
    assert {event["role"] for event in events} == {"operator"}
    found = [event for event in events if event.get("resource") == resource]
    for event in found:
        assert event["detail"].pop("user")
    return [(event["action"], event["outcome"], event["detail"]) for event in found]
