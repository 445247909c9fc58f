"""May a number be used: by what the networks' files say, on the day that it is for the platform."""

from __future__ import annotations

from datetime import datetime

from vault_gateway.errors import GatewayError
from vault_gateway.networks.verdicts import Networks
from vault_gateway.tokens.phones import e164
from vault_gateway.tokens.text import ValueRefused

ANOTHER_NETWORK = "it is of another network than the order"
ANOTHER_CARRIER = "it is of another carrier than the order"
PERHAPS_A_PHONE = "it could be a phone number"


def refusal(
    networks: Networks, network: str, carrier: str, waybill_no: str | None, platform: str, now: datetime
) -> GatewayError | None:
    """Why a parcel of `network` with `carrier` cannot have the number that it brings (or, where it brings none, any of
    the network) on this platform now; None where it can."""
    if not networks.serves(network, carrier):
        return GatewayError("carrier_not_served", 422, "This waybill network does not serve this carrier.")
    day = networks.day_of(platform, now)
    taken, rule = networks.stance(network, platform, day)
    if taken and waybill_no is not None:
        verdict = networks.verdict(waybill_no, platform, day)
        taken, rule = bool(verdict.accepted), verdict.rule
        if taken and verdict.network not in (None, network):
            taken, rule = False, ANOTHER_NETWORK
        elif taken and networks.is_another(verdict.carrier, carrier):
            taken, rule = False, ANOTHER_CARRIER
        elif taken and waybill_no.isdigit() and (verdict.network is None or _is_phone(waybill_no)):
            taken, rule = False, PERHAPS_A_PHONE
    return None if taken else unusable(rule)


def unusable(rule: str) -> GatewayError:
    return GatewayError("waybill_no_unusable", 422, f"This waybill number cannot be used: {rule}.")


def _is_phone(digits: str) -> bool:
    try:
        e164(f"+{digits}")
    except ValueRefused:
        return False
    return True
