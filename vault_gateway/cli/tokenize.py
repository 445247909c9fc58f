"""`vault-gateway tokenize`: a CSV file of people becomes one of tokens."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click
from tqdm import tqdm

from vault_gateway.cli.key_file import read_key
from vault_gateway.client import Client, ClientFailure
from vault_gateway.client.bulk.columns import Columns, MappingRefused, ValueColumns, read_mapping
from vault_gateway.client.bulk.output import Output, OutputRefused
from vault_gateway.client.bulk.run import Bulk, Input, InputRefused, Summary

_FILE = click.Path(path_type=Path, dir_okay=False)


class MappingParam(click.ParamType[ValueColumns]):
    name = "columns=kind"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ValueColumns:
        try:
            return read_mapping(str(value))
        except MappingRefused as refusal:
            self.fail(str(refusal), param, ctx)


@click.command(
    epilog="Example: vault-gateway tokenize orders.csv tokens.csv --platform douyin --merchant tea --map name=name"
    " --map phone=phone --map province,city,district,detail=address --key-file shop.key"
)
@click.argument("source", metavar="IN.csv", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.argument("result", metavar="OUT.csv", type=_FILE)
@click.option("--platform", help="The marketplace; the key's own where it has one.")
@click.option("--merchant", help="The merchant; the key's own where it has one.")
@click.option(
    "--map",
    "mappings",
    type=MappingParam(),
    multiple=True,
    required=True,
    help="COLUMN=phone, =name or =address (one line of text), or several columns that make an address:"
    " FIELD[:COLUMN],...=address with the fields country, province, city, district, township, detail, postcode"
    " and text. Repeat it for each value.",
)
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The gateway.")
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Holds the API key. Without it VAULT_GATEWAY_KEY.",
)
@click.option(
    "--ca-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Whom to trust."
)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="Of IN.csv; OUT.csv is UTF-8.")
@click.option("--region", help="ISO 3166 country of national phones; CN where it is not given.")
@click.option(
    "--parallel", default=4, show_default=True, type=click.IntRange(1, 32), help="Requests at once."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def tokenize(
    source: Path,
    result: Path,
    platform: str | None,
    merchant: str | None,
    mappings: tuple[ValueColumns, ...],
    url: str,
    key_file: Path | None,
    ca_file: Path | None,
    encoding: str,
    region: str | None,
    parallel: int,
    as_json: bool,
) -> None:
    """Replace names, phones and addresses in a CSV file by tokens.

    Mapped columns hold tokens in OUT.csv, the others are copied; several columns become one. A value that is
    refused has an empty token and its reason in the last column, `token_error`; such rows are counted and do not
    fail the command. A run that was stopped in whatever way is continued by the same command.
    """
    key = read_key(key_file)
    file = Input(source, encoding)
    summary, began = Summary(), time.monotonic()
    try:
        if result.exists() and result.samefile(source):
            raise click.UsageError("IN.csv and OUT.csv are the same file")
        columns = Columns(file.header(), mappings)
        total = file.count()
        with (
            _client(url, key, platform, merchant, ca_file, parallel) as client,
            Output(result, columns.header) as output,
            tqdm(total=total, unit=" rows", file=sys.stderr, disable=None) as progress,
        ):
            tenant = f"{platform or ''}/{merchant or ''}"
            bulk = Bulk(client, columns, secret=key, tenant=tenant, region=region)
            summary = bulk.run(file, output, parallel=parallel, advance=progress.update)
    except MappingRefused as refusal:
        raise click.UsageError(str(refusal)) from None
    except (InputRefused, OutputRefused) as refusal:
        _fail(str(refusal))
    except ClientFailure as failure:
        _stopped(str(failure).rstrip("."))
    except KeyboardInterrupt:
        _stopped("interrupted")
    _print(summary, result, time.monotonic() - began, as_json=as_json)


def _client(
    url: str, key: str, platform: str | None, merchant: str | None, ca_file: Path | None, parallel: int
) -> Client:
    try:
        return Client(url, key, platform=platform, merchant=merchant, ca_file=ca_file, connections=parallel)
    except ValueError as refusal:
        raise click.UsageError(f"--url or --ca-file: {refusal}") from None


def _print(summary: Summary, result: Path, seconds: float, *, as_json: bool) -> None:
    if as_json:
        shown = {
            "rows": summary.rows,
            "resumed": summary.resumed,
            "tokens": summary.tokens,
            "rows_with_errors": summary.rows_with_errors,
            "errors": dict(sorted(summary.errors.items())),
            "seconds": round(seconds, 3),
            "out": str(result),
        }
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    errors = ", ".join(f"{code} {count}" for code, count in sorted(summary.errors.items()))
    resumed = f", {summary.resumed} of them by an earlier run" if summary.resumed else ""
    click.echo(f"{_count(summary.rows, 'row')}{resumed}, {_count(summary.tokens, 'token')}, {seconds:.1f} s")
    if summary.rows_with_errors:
        click.echo(f"{_count(summary.rows_with_errors, 'row')} with errors: {errors}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _stopped(why: str) -> None:
    _fail(f"{why}. What is in OUT.csv stays: run the same command again to continue.")


def _fail(message: str) -> None:
    click.echo(f"vault-gateway: {message}", err=True)
    sys.exit(1)
