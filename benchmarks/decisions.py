"""How long a policy decision takes: every case of `policies/access/cases.yaml`, in seconds of one core.

    python -m benchmarks.decisions [--rounds 15]

Beside it, in the same run, the same questions put to the whole set: what it would take if each decision asked policies
of all roles. A busy machine slows both: the ratio holds where the microseconds do not, and of these the best round
counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import cedarpy
import click

from benchmarks.stage import machine, ratio, verdict
from vault_gateway.access import Access, load_policies
from vault_gateway.access.cases import CASES_FILE, read_cases
from vault_gateway.access.decisions import question
from vault_gateway.settings.policies import default_policies

AIM_US = 100.0


@click.command()
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1))
def main(rounds: int) -> None:
    folder = default_policies() / "access"
    policies = load_policies(folder)
    access = Access(policies)
    cases = read_cases(folder / CASES_FILE)

    def decided() -> None:
        for case in cases:
            access.decide(case.principal, case.action, case.resource, case.context)

    def by_all() -> None:
        for case in cases:
            request, entities = question(case.principal, case.action, case.resource, case.context)
            cedarpy.is_authorized(request, policies.policy_set, entities, policies.schema)

    taken = [(_us_each(decided, len(cases)), _us_each(by_all, len(cases))) for _ in range(rounds)]
    # What else runs on the machine only ever adds to it.
    ours = min(one for one, _ in taken)
    print(
        f"{machine()}\n{len(policies.statements)} policies, {len(cases)} questions, {rounds} rounds by turns"
    )
    ratio("by the whole set, times as long", median(whole / one for one, whole in taken))
    if not verdict("a decision, us of one core", ours, AIM_US, at_least=False):
        sys.exit(1)


def _us_each(work: Callable[[], None], count: int) -> float:
    began = time.thread_time()
    work()
    return (time.thread_time() - began) / count * 1e6


if __name__ == "__main__":
    main()
