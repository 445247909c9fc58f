"""`vault-gateway network`: the waybill networks that the policies describe, and whose a number is."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from vault_gateway.cli.policies_option import policies_option
from vault_gateway.cli.printing import json_text
from vault_gateway.model import SLUG, utc_now
from vault_gateway.networks.loading import load_networks
from vault_gateway.networks.network import Network
from vault_gateway.networks.numbers import NumberRange
from vault_gateway.networks.verdicts import Networks
from vault_gateway.settings.policies import policies_folder


@click.group()
def network() -> None:
    """Waybill networks: their carriers, their numbers, and where these may be used."""


@network.command("list", epilog="Example: vault-gateway network list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@policies_option("networks/")
def list_(as_json: bool, policies: Path | None) -> None:
    """Networks, their segments, fees and platforms. Each segment with an example number."""
    told = [_told(each) for each in _networks(policies).values()]
    if as_json:
        click.echo(json_text(told))
        return
    for each in told:
        fee = each["fee"]
        cost = f"{fee['amount']} {fee['currency']} a sheet, paid by the {fee['payer']}" if fee else "no fee"
        click.echo(f"{each['network']}  {each['title']}, {cost}")
        for segment in each["segments"]:
            click.echo(
                f"  {segment['carrier'] or 'made up for tests':<18} {segment['example']:<18} "
                f"{segment['first']} to {segment['last']}"
            )
        for rule in each["platforms"]:
            click.echo(f"  {rule['rule']}")


@network.command(
    "check", epilog="Example: vault-gateway network check YT1234567890123 --platform douyin --on 2021-08-01"
)
@click.argument("number")
@click.option("--platform", help="Where it is to be used. Without it the answer is only whose number it is.")
@click.option(
    "--on",
    "on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="A day in the platform's time zone; today where none is given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@policies_option("networks/")
def check(
    number: str, platform: str | None, on: datetime | None, as_json: bool, policies: Path | None
) -> None:
    """Tell whose a number is, and which platforms take it. Says by which rule, on which day.

    Exit code 0 where it is accepted (without --platform: known), else 1.
    """
    if platform is not None and not SLUG.fullmatch(platform):
        raise click.UsageError("a platform's name is 1 to 40 of a-z, 0-9 and -")
    if on is not None and platform is None:
        raise click.UsageError("--on needs the --platform whose day it is")
    networks = _networks(policies)
    if platform is None:
        verdict = networks.owner(number)
        good = verdict.accepted is None and verdict.network is not None
    else:
        day = networks.day_of(platform, utc_now()) if on is None else on.date()
        verdict = networks.verdict(number, platform, day)
        good = bool(verdict.accepted)
    if as_json:
        click.echo(json_text(asdict(verdict)))
    else:
        whose = " with ".join(name for name in (verdict.network, verdict.carrier) if name) or "unknown"
        said = {True: "accepted", False: "refused", None: "a number"}[verdict.accepted]
        click.echo(f"{said}: {whose}: {verdict.rule}")
    if not good:
        raise click.exceptions.Exit(1)


def _networks(policies: Path | None) -> Networks:
    return load_networks((policies or policies_folder()) / "networks")


def _told(each: Network) -> dict[str, Any]:
    fee = each.fee_on(utc_now().astimezone(each.zone).date())
    return {
        "network": each.name,
        "title": each.title,
        "time_zone": each.zone.key,
        "segments": [
            *({"carrier": one.carrier, **_numbers(one.numbers)} for one in each.segments),
            {"carrier": None, **_numbers(each.made_up)},
        ],
        "platforms": [
            {
                "platform": rule.platform,
                "stance": rule.stance.value,
                "from": rule.begins and rule.begins.isoformat(),
                "to": rule.ends and rule.ends.isoformat(),
                "time_zone": rule.zone.key,
                "rule": rule.rule,
            }
            for rule in each.platforms
        ],
        "fee": fee and {"amount": str(fee.amount), "currency": fee.currency, "payer": fee.payer},
        "returns": {"share": str(each.returns.share), "free": each.returns.free},
    }


def _numbers(span: NumberRange) -> dict[str, str]:
    """The example is from the middle: the first is all zeros, and looks like none."""
    return {
        "example": span.number((span.first + span.last) // 2),
        "first": span.number(span.first),
        "last": span.number(span.last),
    }
