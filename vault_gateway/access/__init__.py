"""Who may do what: Cedar policies, read once, asked by every service before it acts."""

from vault_gateway.access.decisions import Access, Decision
from vault_gateway.access.loading import load_policies
from vault_gateway.access.policies import Policies, PolicyError
from vault_gateway.access.resources import Resource

__all__ = ["Access", "Decision", "Policies", "PolicyError", "Resource", "load_policies"]
