"""`vault-gateway notices`: messages that no provider took."""

from __future__ import annotations

from pathlib import Path

import click

from vault_gateway.audit.event import Event
from vault_gateway.cli.installation import Installation, as_operator, data_option, installation
from vault_gateway.cli.printing import json_text, minute
from vault_gateway.identity.clients import ClientError
from vault_gateway.identity.store import tenant_by_id
from vault_gateway.ids import parse_prefixed
from vault_gateway.model import utc_now
from vault_gateway.notices import store
from vault_gateway.notices.service import NOTICE_PREFIX, public_id, view_of

_SHOWN = 1000


@click.group()
def notices() -> None:
    """Messages to recipients."""


@notices.command("dead", epilog="Example: vault-gateway notices dead --data data --json")
@click.option(
    "--retry", "ids", multiple=True, metavar="ID", help="Let this one wait again, as if it were new."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_option
def dead(ids: tuple[str, ...], as_json: bool, data: Path | None) -> None:
    """List the notices that were given up, or try them again. Each with its last reason."""
    with installation(data) as here:
        for text in ids:
            _retry(here, text)
        found = [] if ids else store.list_dead(here.conn, _SHOWN)
    if as_json:
        click.echo(json_text([view_of(notice) for notice in found] if not ids else {"retried": list(ids)}))
        return
    for notice in found:
        click.echo(
            f"{public_id(notice)}  {minute(notice.updated_at)}  {notice.waybill_no:<24} {notice.template:<20}"
            f" {notice.tries:>3} tries  {notice.reason or '-'}"
        )


def _retry(here: Installation, text: str) -> None:
    notice_id = parse_prefixed(NOTICE_PREFIX, text)
    found = None if notice_id is None else store.get_notice(here.conn, notice_id)
    tenant = None if found is None else tenant_by_id(here.conn, found.tenant_id)
    if notice_id is None or tenant is None:
        raise ClientError(f"there is no notice {text}")
    ledger, operator = as_operator(here)
    with ledger.open(operator, tenant) as unit:
        revived = store.revive(unit.conn, notice_id, utc_now())
        if revived is None:
            raise ClientError(f"{text} is not given up")
        unit.record(
            Event(
                "notice.retry",
                resource=f"notice:{text}",
                waybill=revived.waybill_no,
                carrier=revived.carrier,
            )
        )
