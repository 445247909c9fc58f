"""An order's whole life, in six acts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from vault_gateway.client import (
    ItemError,
    Order,
    Recipient,
    RelayNumber,
    Revealed,
    Tokenized,
    Waybill,
)
from vault_gateway.demo.calling import on_the_phone
from vault_gateway.demo.cast import HE, LIN, SHOP, SWIFT, WU, Cast, cast
from vault_gateway.demo.log import read_log
from vault_gateway.demo.orders import SampleOrder, sample
from vault_gateway.demo.screen import Screen
from vault_gateway.demo.telling import Telling

# The order that the story follows; the same buyer comes again, in other words, as DEMO-0032.
HERO = "DEMO-0004"
GOOD, BROKEN, TWICE = 190, 10, 10
_DUMPED = 92


def play(folder: Path, screen: Screen) -> None:
    """Raises NotAsTold, or what the engines and the client raise."""
    telling = Telling(screen)
    began = time.monotonic()
    screen.line("vault-gateway: an order's life, from checkout to the door", "bold")
    screen.tell(
        "OpenBao holds the keys, PostgreSQL the records, and the gateway stands between them. Everyone below"
        " calls it over HTTP with a key of their own. All people are made up. Starting ..."
    )
    with cast(folder) as players:
        screen.done(f"all three run in {folder} ({time.monotonic() - began:.1f} s)")
        orders = sample()
        recipients = _checkout(telling, players, orders)
        _two_views(telling, players, [one for one in orders if one.order in recipients], recipients[HERO])
        waybill, nobodys = _ship(telling, players, recipients)
        hero = _named(orders, HERO)
        _on_the_way(telling, players, waybill.waybill_no)
        on_the_phone(telling, players, waybill, hero, nobodys)
        _at_the_door(telling, players, waybill.waybill_no, hero)
        read_log(telling, players, waybill.waybill_no)
    screen.line()
    screen.line(
        f"  All {telling.checks} claims above were checked as they were told. The engines are stopped.",
        "bold",
        "green",
    )
    screen.tell("Next: `vault-gateway up --data data`, then `vault-gateway client add --help`.")


def _checkout(telling: Telling, players: Cast, orders: Sequence[SampleOrder]) -> dict[str, Recipient]:
    """Act 1: PII goes in, tokens come out. Returns the good orders' recipients."""
    screen = telling.screen
    screen.title(1, "Checkout: the marketplace hands in 200 orders and keeps tokens")
    values = [value for order in orders for value in order.values()]
    began = time.monotonic()
    made = players.platform.tokens.create(values)
    seconds = time.monotonic() - began
    telling.done(
        len(made) == len(values) == 600,
        f"{len(values)} names, phones and addresses sealed in one request: {seconds:.2f} s,"
        f" {len(values) / seconds:,.0f} a second",
    )
    recipients: dict[str, Recipient] = {}
    refused: list[tuple[str, str, ItemError]] = []
    for position, order in enumerate(orders):
        triple = made[3 * position : 3 * position + 3]
        good = [one.token for one in triple if isinstance(one, Tokenized)]
        if len(good) == 3:
            recipients[order.order] = Recipient(*good)
        refused += [
            (order.order, (one.ref or "").split()[-1], one) for one in triple if isinstance(one, ItemError)
        ]
    telling.done(len(recipients) == GOOD, f"{GOOD} orders are well")
    telling.done(
        len({order for order, _, _ in refused}) == BROKEN,
        f"{BROKEN} are refused, each for its own reason, and the reason never repeats the value:",
    )
    rows = [(order, kind, error.code, error.detail.partition(";")[0]) for order, kind, error in refused]
    screen.table(("order", "value", "code", "told to the sender"), (9, 7, 22, 52), rows)
    return recipients


def _two_views(telling: Telling, players: Cast, orders: Sequence[SampleOrder], recipient: Recipient) -> None:
    """Act 2: the same order in the shop's eyes and in a thief's."""
    screen = telling.screen
    screen.title(2, f"Two views of order {HERO}: the shop's, and the database's")
    rows = []
    for token in (recipient.name, recipient.phone, recipient.address):
        seen = players.shop.tokens.get(token)
        stored = players.database.stored(token)
        telling.require("*" in seen.masked, "a mask hides something")
        rows.append((seen.kind, seen.masked, token, f"v{stored.key_version} {stored.ciphertext.hex()}"))
    screen.table(("value", "the shop sees", "and works with", "the database holds"), (7, 30, 29, 24), rows)
    screen.tell("The phone's line in a dump of the database:")
    dumped = players.database.dump_line(recipient.phone)
    for at in range(0, min(len(dumped), 3 * _DUMPED), _DUMPED):
        screen.line("    " + dumped[at : at + _DUMPED], "yellow")
    dump = players.database.dump()
    secrets = [secret for order in orders for secret in order.secrets()]
    found = sum(secret in dump for secret in secrets)
    telling.done(
        found == 0 and len(secrets) > 500,
        f"{len(secrets)} names, phones and doors looked for in the whole dump ({len(dump) // 1000:,} kB):"
        f" {found} found",
    )


def _ship(telling: Telling, players: Cast, recipients: dict[str, Recipient]) -> tuple[Waybill, str]:
    """Act 3: labels without people on them. Returns the hero's parcel, and an extension that no parcel has."""
    screen = telling.screen
    screen.title(3, "Shipping: the shop merges, prints labels and ships, and sees nobody")
    names = list(recipients)
    groups = players.platform.tokens.match([recipients[name] for name in names]).groups
    pairs = [[names[at] for at in group] for group in groups if len(group) > 1]
    telling.done(
        len(pairs) == TWICE and [HERO, "DEMO-0032"] in pairs,
        f"{len(pairs)} buyers ordered twice in other words: their orders can go together ({HERO} + DEMO-0032)",
    )
    wanted = [Order("douyin", SWIFT, recipients[name], order=name, relay=True) for name in names]
    began = time.monotonic()
    made = players.shop.waybills.create_many(wanted, merge=True)
    seconds = time.monotonic() - began
    waybills = [one for one in made if isinstance(one, Waybill)]
    parcels = {one.waybill_no for one in waybills}
    waybill = waybills[names.index(HERO)]
    telling.done(
        len(waybills) == GOOD and len(parcels) == GOOD - TWICE and waybill.orders == (HERO, "DEMO-0032"),
        f"{len(waybills)} orders in {len(parcels)} e-waybills: {seconds:.2f} s; the label of {HERO}:",
    )
    label = waybill.label
    head = f"{label['barcode']}   {label['carrier']}"
    last = f"call {label['call']}   {label['orders']} orders"
    screen.box([head, label["recipient"], label["address"], last], "bold")
    taken = {one.relay.extension for one in waybills if isinstance(one.relay, RelayNumber)}
    telling.require(len(taken) == len(parcels), "each parcel has an extension of its own")
    return waybill, next(text for text in map("{:06d}".format, range(GOOD + 1)) if text not in taken)


def _moves(telling: Telling, players: Cast, waybill_no: str, type_: str, courier: str | None = None) -> None:
    state = players.swift.waybills.event(waybill_no, type_, courier=courier).state
    telling.require(state == type_, f"the parcel is {type_}")
    told = f"parcel: {type_}{f' with {courier}' if courier else ''}"
    telling.screen.line("    " + telling.screen.styled(told, "cyan"))


def _on_the_way(telling: Telling, players: Cast, waybill_no: str) -> None:
    """Act 4: two people who never learn each other's number."""
    telling.screen.title(4, "On the way: courier and recipient call each other")
    _moves(telling, players, waybill_no, "accepted")
    _moves(telling, players, waybill_no, "in_transit")
    lin = f"{LIN} (too early)"
    telling.refused(lin, "opens it before it is out", lambda: players.lin.reveals.open(waybill_no), *_UNSEEN)
    _moves(telling, players, waybill_no, "out_for_delivery", LIN)


def _at_the_door(telling: Telling, players: Cast, waybill_no: str, order: SampleOrder) -> None:
    """Act 5: one courier, once."""
    telling.screen.title(5, "The last mile: one courier may look, once")
    telling.screen.tell(
        "Name and door open for the courier who has the parcel, at the door. Who else tries is refused:"
    )
    grants = players.lin.reveals
    telling.refused(
        f"{HE} (other carrier)", "opens it", lambda: players.he.reveals.open(waybill_no), *_UNSEEN
    )
    telling.refused(
        f"{WU} (other courier)", "opens it", lambda: players.wu.reveals.open(waybill_no), *_UNSEEN
    )
    telling.refused(
        f"{SHOP} (the shop)",
        "opens it",
        lambda: players.shop.reveals.open(waybill_no),
        "forbidden",
        403,
        "a shop never may",
    )
    telling.refused(
        LIN,
        "asks for the phone as well",
        lambda: grants.open(waybill_no, fields=["name", "phone"]),
        "field_not_allowed",
        403,
        "not needed to deliver",
    )
    revealed = grants.open(waybill_no)
    _show(telling, revealed, order)
    telling.refused(
        LIN,
        "opens the same grant again",
        lambda: grants.claim(revealed.reveal_id, X25519PrivateKey.generate()),
        "reveal_spent",
        409,
        "it was opened",
    )
    _moves(telling, players, waybill_no, "delivered")
    telling.refused(
        f"{LIN} (afterwards)",
        "asks for another grant",
        lambda: grants.open(waybill_no),
        "not_out_for_delivery",
        403,
        "the parcel is delivered",
    )


_UNSEEN = ("not_found", 404, "as if there were none")


def _show(telling: Telling, revealed: Revealed, order: SampleOrder) -> None:
    name, address = revealed.fields["name"], revealed.fields["address"]
    assert isinstance(order.address, dict), "the story follows a structured address"
    telling.require(name == order.name, "the right name comes out")
    telling.require(address["detail"] == order.address["detail"], "the right door comes out")
    telling.require(revealed.acknowledged, "the courier's device acknowledged it")
    telling.screen.attempt(LIN, "opens it at the door", "sealed to a key made for this", allowed=True)
    region = "".join(address[level] for level in ("province", "city", "district", "township"))
    telling.screen.box([name, region, address["detail"]], "green", "bold")


def _named(orders: Sequence[SampleOrder], name: str) -> SampleOrder:
    return next(order for order in orders if order.order == name)
