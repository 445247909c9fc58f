"""`vault-gateway masks`: whether a masking profile hides enough, and what its masks look like."""

from __future__ import annotations

import json
from pathlib import Path

import click

from vault_gateway.cli.policies_option import policies_option
from vault_gateway.settings.policies import policies_folder
from vault_gateway.tokens.masks import MaskingProfile

# Nobody's: a phone from a range for tests, names of fiction, a region without a house.
_PHONES = ("+8613800138000", "+861062345678", "+12025550123", "+2908123")
_NAMES = ("张三", "欧阳娜娜", "Ada Lovelace", "李")
_REGIONS = (
    {"country": "CN", "province": "浙江省", "city": "杭州市", "district": "西湖区", "township": "转塘街道"},
    {"country": "CN", "province": "北京市", "city": "北京市", "district": "海淀区"},
    {"country": "US", "province": "California", "city": "San Francisco"},
)


@click.group()
def masks() -> None:
    """Check what of a name, a phone or an address may be seen."""


@masks.command("check", epilog="Example: vault-gateway masks check --policies policies")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
@policies_option("masking.yaml")
def check(policies: Path | None, to_json: bool) -> None:
    """Refuse a masking profile that hides too little, and say why. GB/T 41833-2022 says what is too little.

    Prints an example of each mask. Exit code 1 with the rule that is broken. A gateway does the same at its start.
    """
    profile = MaskingProfile.load((policies or policies_folder()) / "masking.yaml")
    examples = [
        *(("phone", phone, profile.phone(phone)) for phone in _PHONES),
        *(("name", name, profile.name(name)) for name in _NAMES),
        *(
            ("address", " ".join(region.values()), profile.address(tuple(region.items())))
            for region in _REGIONS
        ),
    ]
    if to_json:
        rows = [{"kind": kind, "value": value, "masked": masked} for kind, value, masked in examples]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for kind, value, masked in examples:
        click.echo(f"{kind:8} {value} -> {masked}")
    click.echo("The profile hides what the standard asks for.")
