"""Loading a policy folder: it holds all of its own cases, or it is not used."""

from __future__ import annotations

from pathlib import Path

from vault_gateway.access.cases import CASES_FILE, failures, read_cases
from vault_gateway.access.policies import Policies, PolicyError, read_policies

_TOLD = 5


def load_policies(folder: Path) -> Policies:
    """The policy set of `folder`; PolicyError names the file or the case where it is not valid, or where it
    decides one of the cases in `cases.yaml` otherwise than is written there."""
    policies = read_policies(folder)
    failed = list(failures(policies, read_cases(folder / CASES_FILE)))
    if failed:
        told = "; ".join(str(failure) for failure in failed[:_TOLD])
        more = f"; and {len(failed) - _TOLD} more" if len(failed) > _TOLD else ""
        raise PolicyError(f"{folder / CASES_FILE}: {len(failed)} cases do not hold: {told}{more}")
    return policies
