"""The policy folder as one whole: read together, found of one mind, and replaced while the gateway runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vault_gateway.access import Access, Policies, load_policies
from vault_gateway.errors import PolicyFileError
from vault_gateway.inforce import InForce
from vault_gateway.networks.loading import load_networks
from vault_gateway.networks.verdicts import Networks
from vault_gateway.notices.templates import Template, load_templates
from vault_gateway.quotas import Quotas, load_quotas
from vault_gateway.retention import Retention, load_retention
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
    """Each kind for the rooms that go by it."""

    def __init__(self, rules: Rules) -> None:
        self.access = Access(rules.policies)
        self.purposes = InForce(rules.purposes)
        self.quotas = InForce(rules.quotas)
        self.masks = InForce(rules.masks)
        self.templates = InForce(rules.templates)
        self.networks = InForce(rules.networks)
        self.relay_periods = InForce(rules.retention.relay)
        self.flows_kept = InForce(rules.retention.flows)

    def replace(self, rules: Rules) -> None:
        self.access.replace(rules.policies)
        self.purposes.replace(rules.purposes)
        self.quotas.replace(rules.quotas)
        self.masks.replace(rules.masks)
        self.templates.replace(rules.templates)
        self.networks.replace(rules.networks)
        self.relay_periods.replace(rules.retention.relay)
        self.flows_kept.replace(rules.retention.flows)
