"""Who may do what: Cedar policies, read once, asked by every service before it acts."""

from vault_gateway.access.decisions import Access, Decision
from vault_gateway.access.policies import PolicyError, load_policies
from vault_gateway.access.resources import Resource

__all__ = ["Access", "Decision", "PolicyError", "Resource", "load_policies"]
