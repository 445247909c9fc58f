"""Tokens: make, look up, search, match, erase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vault_gateway.client import reading
from vault_gateway.client.answers import Groups, ItemError, Kind, Recipient, TokenInfo, Tokenized, Value
from vault_gateway.client.transport import Transport, segment


class Tokens:
    def __init__(self, http: Transport, tenant: Mapping[str, str]) -> None:
        self._http = http
        self._tenant = tenant

    def create(
        self, values: Sequence[Value], *, order: str | None = None, idempotency_key: str | None = None
    ) -> list[Tokenized | ItemError]:
        """A token for each value, or why there is none, in order. Up to 10,000 values.

        `idempotency_key` is for a caller that may start over after a crash: the same key and values within
        24 hours get the same tokens.
        """
        body: dict[str, Any] = {**self._tenant, "items": [value.to_json() for value in values]}
        if order is not None:
            body["order"] = order
        answer = self._http.create("/v1/tokens", body, key=idempotency_key)
        return [reading.item(one, reading.tokenized) for one in answer["items"]]

    def recipient(
        self, name: str, phone: str, address: str | Mapping[str, str], *, order: str | None = None
    ) -> Recipient:
        """One person's three values as a waybill takes them; raises ValueError with the codes of those that
        are refused. The other values' tokens are then left unused."""
        made = self.create([Value.name(name), Value.phone(phone), Value.address(address)], order=order)
        tokens = [one.token for one in made if isinstance(one, Tokenized)]
        if len(tokens) < len(made):
            codes = ", ".join(one.code for one in made if isinstance(one, ItemError))
            raise ValueError(f"refused: {codes}")
        return Recipient(*tokens)

    def get(self, token: str) -> TokenInfo:
        return reading.token_info(self._http.get(f"/v1/tokens/{segment(token)}", self._tenant))

    def look_up(self, tokens: Sequence[str]) -> list[TokenInfo | ItemError]:
        answer = self._http.ask("/v1/tokens/lookup", {**self._tenant, "tokens": list(tokens)})
        return [reading.item(one, reading.token_info) for one in answer["items"]]

    def of_order(self, order: str) -> list[TokenInfo]:
        """The tokens of an order as they were submitted, all pages of them."""
        return [
            reading.token_info(one) for one in self._http.pages(f"/v1/orders/{segment(order)}", self._tenant)
        ]

    def search(self, kind: Kind, value: str | Mapping[str, str]) -> Iterator[TokenInfo]:
        """Tokens of the same value. Searches that find nothing are counted by the day, and a repeated try of a
        lost answer counts again."""
        return self._found({"kind": kind, "value": value})

    def search_last4(self, last4: str) -> Iterator[TokenInfo]:
        """Phones that end in these four digits."""
        return self._found({"kind": "phone", "last4": last4})

    def match(self, recipients: Sequence[Recipient]) -> Groups:
        """Which of up to 1,000 recipients are the same person at the same door."""
        body = {**self._tenant, "recipients": [one.to_json() for one in recipients]}
        answer = self._http.ask("/v1/tokens/match", body)
        return Groups([tuple(group) for group in answer["groups"]], tuple(answer["missing"]))

    def erase(self, token: str) -> None:
        self._http.delete(f"/v1/tokens/{segment(token)}", self._tenant)

    def _found(self, wanted: Mapping[str, Any]) -> Iterator[TokenInfo]:
        body = {**self._tenant, **wanted}
        while True:
            page = self._http.ask("/v1/tokens/search", body)
            yield from map(reading.token_info, page["items"])
            if "next" not in page:
                return
            body["cursor"] = page["next"]
