"""The policy folder as one whole: read together, found of one mind, and replaced while the gateway runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import g, has_request_context

from vault_gateway.access import Access, Policies, load_policies
from vault_gateway.errors import PolicyFileError
from vault_gateway.networks.loading import load_networks
from vault_gateway.networks.verdicts import Networks
from vault_gateway.notices.templates import Template, load_templates
from vault_gateway.quotas import Quotas, load_quotas
from vault_gateway.retention import FlowsKept, RelayPeriods, Retention, load_retention
from vault_gateway.reveals.agreement import require_agreement
from vault_gateway.reveals.purposes import Purposes, load_purposes
from vault_gateway.tokens.masks import MaskingProfile


@dataclass(frozen=True)
class Rules:
    """Who may do what, what is revealed for what, and how much; what masks show, what recipients are sent, whose a
    waybill number is, how long relay numbers serve and rest, and for how long what is kept."""

    policies: Policies
    purposes: Purposes
    quotas: Quotas
    masks: MaskingProfile
    templates: Mapping[str, Template]
    networks: Networks
    retention: Retention


def load_rules(folder: Path) -> Rules:
    """All good and of one mind, or a PolicyFileError that says where. `folder` may be a link: where it is turned to
    another copy meanwhile, that one is read, for files of the first may have been missing already."""
    while True:
        copy = folder.resolve()
        try:
            rules = _read_rules(copy)
        except PolicyFileError:
            if folder.resolve() == copy:
                raise
            continue
        if folder.resolve() == copy:
            return rules


def _read_rules(folder: Path) -> Rules:
    policies = load_policies(folder / "access")
    purposes = load_purposes(folder / "purposes.yaml")
    require_agreement(purposes, policies)
    return Rules(
        policies,
        purposes,
        load_quotas(folder / "quotas.yaml"),
        MaskingProfile.load(folder / "masking.yaml"),
        load_templates(folder / "notices.yaml"),
        load_networks(folder / "networks"),
        load_retention(folder / "retention.yaml"),
    )


class RulesInForce:
    """One set for all rooms, replaced as a whole; each kind for the rooms that go by it."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self.access = Access(lambda: self._current().policies)

    def replace(self, rules: Rules) -> None:
        self._rules = rules

    def purposes(self) -> Purposes:
        return self._current().purposes

    def quotas(self) -> Quotas:
        return self._current().quotas

    def masks(self) -> MaskingProfile:
        return self._current().masks

    def templates(self) -> Mapping[str, Template]:
        return self._current().templates

    def networks(self) -> Networks:
        return self._current().networks

    def relay_periods(self) -> RelayPeriods:
        return self._current().retention.relay

    def flows_kept(self) -> FlowsKept:
        return self._current().retention.flows

    def _current(self) -> Rules:
        """A request goes from its first question to its last by one set: what is new of one file is not taken
        together with what was before of another."""
        if not has_request_context():
            return self._rules
        rules: Rules = g.setdefault("rules", self._rules)
        return rules
