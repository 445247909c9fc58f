"""One value of one kind, ready to be encrypted, indexed and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from vault_gateway.inforce import InForce
from vault_gateway.model import Kind
from vault_gateway.tokens.addresses import address_key, normal_address
from vault_gateway.tokens.addresses import street_of as street_of_detail
from vault_gateway.tokens.levels import fingerprint_of
from vault_gateway.tokens.masks import MaskingProfile
from vault_gateway.tokens.names import normal_name
from vault_gateway.tokens.phones import e164, phone_value

# A ciphertext is as long as its value, and a name of one length is half guessed. So names and details are filled up
# with NULs, which none of them has inside, to the next multiple of so many bytes: nearly all look alike. A phone is
# not: its mask tells how many digits it has.
NAME_BLOCK = 32
ADDRESS_BLOCK = 128
# In what is encrypted of an address: what its region was.
_REGION = "region"


class Normalised(NamedTuple):
    """`value` is what is encrypted, `indexed` what the blind index is made of. `last4` only where the mask
    shows them; `region` only of an address, and kept apart from `value`: it is no secret."""

    value: bytes
    indexed: bytes
    masked: str
    last4: str | None = None
    region: Mapping[str, str] | None = None


class Normaliser:
    """Reads values with the masking profile in force. Raises ValueRefused with a code and never the value."""

    def __init__(self, masks: InForce[MaskingProfile]) -> None:
        self._masks = masks

    def settled(self) -> Normaliser:
        """By the profile of this moment, for the many values of a request: it is not asked for each which one is in
        force."""
        masks = self._masks()
        return Normaliser(lambda: masks)

    def normalise(self, kind: Kind, value: object, region: str = "CN") -> Normalised:
        """`region` (ISO 3166) is where a phone without a calling code is from."""
        if kind is Kind.PHONE:
            return self._phone(phone_value(value, region))
        if kind is Kind.NAME:
            name = normal_name(value)
            value = _padded(name.encode(), NAME_BLOCK)
            return Normalised(value, name.casefold().encode(), self._masks().name(name))
        parts = normal_address(value)
        place = parts.place
        secret = {"detail": parts.detail, _REGION: place.fingerprint}
        if parts.postcode:
            secret["postcode"] = parts.postcode
        value = _padded(orjson.dumps(secret), ADDRESS_BLOCK)
        mask = self._masks().address(place.region)
        return Normalised(value, address_key(parts), mask, region=place.named)

    def own_phone(self, value: object) -> Normalised:
        """A phone that its owner also calls from, so no virtual number: nobody's calls show one."""
        return self._phone(e164(value))

    def _phone(self, phone: str) -> Normalised:
        raw = phone.encode()
        return Normalised(raw, raw, *self._masks().phone_and_last4(phone))


def _padded(value: bytes, block: int) -> bytes:
    return value + bytes(-len(value) % block)


class OtherRegion(Exception):
    """The region that stands beside an address is not the one that it was stored with."""


def reveal_value(kind: Kind, plaintext: bytes, region: Mapping[str, str] | None) -> Any:
    """What a courier gets: E.164 text (of a virtual number with `;ext=7576`), a name, or an address in its parts.
    OtherRegion where somebody changed the city, which lies open in the database, so that a parcel goes astray."""
    plaintext = plaintext.rstrip(b"\0")
    if kind is not Kind.ADDRESS:
        return plaintext.decode()
    secret = orjson.loads(plaintext)
    if secret.pop(_REGION) != fingerprint_of(dict(region or {})):
        raise OtherRegion
    return {**(region or {}), **secret}


def street_of(address: dict[str, str]) -> dict[str, str]:
    """An address cut at the street: region and street, no door."""
    shown = {name: value for name, value in address.items() if name not in ("detail", "postcode")}
    return {**shown, "street": street_of_detail(address["detail"])}
