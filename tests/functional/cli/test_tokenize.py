"""`vault-gateway tokenize` on a real gateway."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import vault_gateway.demo
from tests import canaries
from tests.world import Town, World
from vault_gateway.cli.root import root
from vault_gateway.client import Client
from vault_gateway.client.bulk.run import Bulk

Run = Callable[..., Result]
ADDRESS = "province,city,district,township,detail,text:address_text=address"


@pytest.fixture(scope="module")
def gateway(world: World) -> Iterator[str]:
    with world.served() as url:
        yield url


@pytest.fixture
def run(town: Town, gateway: str) -> Run:
    """The command with the merchant's key; nothing that it prints may hold a planted value."""

    def call(*arguments: str | Path, key: str | None = None) -> Result:
        command = ["tokenize", "--url", gateway, *map(str, arguments)]
        environment = {"VAULT_GATEWAY_KEY": town.merchant.key if key is None else key}
        result = CliRunner().invoke(root, command, env=environment)
        assert not list(canaries.leaks(result.output_bytes))
        return result

    return call


def write(path: Path, rows: list[list[str]], *, encoding: str = "utf-8", end: str = "\n") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator=end).writerows(rows)
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_sample_orders(run: Run, town: Town, gateway: str, tmp_path: Path) -> None:
    source, out = Path(vault_gateway.demo.__file__).with_name("orders.csv"), tmp_path / "out.csv"
    result = run(
        source, out, "--map", "name=name", "--map", "phone=phone", "--map", ADDRESS, "--json",
        "--platform", town.platform_slug, "--merchant", town.merchant_slug,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["rows"], summary["rows_with_errors"], summary["tokens"]) == (200, 10, 590)
    assert summary["errors"]["phone_extension"] == 2
    rows = read(out)
    assert list(rows[0]) == ["order", "name", "phone", "address", "token_error"]
    assert rows[6]["order"] == "DEMO-0007"
    assert (rows[6]["phone"], rows[6]["token_error"]) == ("", "phone:phone_extension")
    with Client(gateway, town.merchant.key) as client:
        shown = client.tokens.get(rows[3]["address"])
        assert shown.masked.startswith("甘肃省兰州市")
        assert client.tokens.get(rows[3]["phone"]).masked.endswith("6382")


@pytest.mark.parametrize(
    ("encoding", "named", "end"),
    [
        ("utf-8", None, "\n"),
        ("utf-8-sig", None, "\r\n"),
        ("gb18030", "gb18030", "\r\n"),
        ("utf-16", "utf-16", "\n"),
    ],
)
def test_encodings_line_ends_and_quoted_newlines(
    run: Run, town: Town, gateway: str, tmp_path: Path, encoding: str, named: str | None, end: str
) -> None:
    people = [canaries.person() for _ in range(3)]
    rows = [["姓名", "备注"], *([one.name, 'said "hi"\nand left, twice'] for one in people)]
    source, out = write(tmp_path / "in.csv", rows, encoding=encoding, end=end), tmp_path / "out.csv"
    result = run(source, out, "--map", "姓名=name", *(["--encoding", named] if named else []))
    assert result.exit_code == 0, result.output
    done = read(out)
    assert [row["备注"] for row in done] == ['said "hi"\nand left, twice'] * 3
    with Client(gateway, town.merchant.key) as client:
        infos = [client.tokens.get(row["姓名"]) for row in done]
    assert [info.masked[0] for info in infos] == [one.name[0] for one in people]


def test_a_killed_run_is_continued(town: Town, gateway: str, run: Run, tmp_path: Path) -> None:
    numbers = [canaries.phone() for _ in range(9000)]
    rows = [["no", "phone"], *([str(at), number] for at, number in enumerate(numbers))]
    source, out = write(tmp_path / "in.csv", rows), tmp_path / "out.csv"
    arguments = [source, out, "--map", "phone=phone", "--parallel", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "vault_gateway", "tokenize", *map(str, arguments), "--url", gateway],
        env={**os.environ, "VAULT_GATEWAY_KEY": town.merchant.key},
    )
    until = time.monotonic() + 60
    while process.poll() is None and (not out.exists() or out.stat().st_size < 20_000):
        assert time.monotonic() < until
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    written = out.read_bytes()
    assert written.count(b"\n") < 9000
    # As if the kill had come in the middle of a chunk and of a line of it.
    half = written[: len(written) // 2 - 7]
    assert not half.endswith(b"\n")
    out.write_bytes(half)

    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary["resumed"] == half.count(b"\n") - 1
    assert (summary["rows"], summary["tokens"]) == (9000, 9000)
    whole = out.read_bytes()
    # What the killed run had got, the second got again: the same tokens in the same places.
    assert whole.startswith(written)
    done = read(out)
    assert [row["no"] for row in done] == [str(at) for at in range(9000)]
    assert len({row["phone"] for row in done}) == 9000

    again = run(*arguments, "--json")
    assert json.loads(again.stdout)["resumed"] == 9000
    assert out.read_bytes() == whole


def test_a_malformed_row_shows_nothing_and_stops_nothing(run: Run, tmp_path: Path) -> None:
    someone = canaries.person()
    source = tmp_path / "in.csv"
    source.write_text(
        f"no,phone\n1,{canaries.phone()}\n2,x,{someone.detail}\n\n3,{canaries.phone()}\n", "utf-8"
    )
    result = run(source, tmp_path / "out.csv", "--map", "phone=phone")
    assert result.exit_code == 0, result.output
    assert "1 row with errors: row_malformed 1" in result.stdout
    rows = read(tmp_path / "out.csv")
    assert [row["no"] for row in rows] == ["1", "", "3"]
    assert rows[1] == {"no": "", "phone": "", "token_error": "row_malformed"}
    assert not list(canaries.leaks((tmp_path / "out.csv").read_bytes()))


def test_wrong_usage_is_told_and_exits_2(run: Run, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", [[canaries.name(), "phone"], [canaries.name(), canaries.phone()]])
    out = tmp_path / "out.csv"
    for arguments, told in [
        ((source, out, "--map", "fon=phone"), "no column 'fon'"),
        ((source, out, "--map", "phone=fax"), "phone, address or name"),
        ((source, out), "--map"),
        ((source, source, "--map", "phone=phone"), "the same file"),
        ((tmp_path / "none.csv", out, "--map", "phone=phone"), "does not exist"),
    ]:
        result = run(*arguments)
        assert result.exit_code == 2, result.output
        assert told in result.stderr
    result = run(source, out, "--map", "phone=phone", key=" ")
    assert (result.exit_code, "VAULT_GATEWAY_KEY" in result.stderr) == (2, True)
    result = run(source, out, "--map", "phone=phone", "--url", "http://vault.example")
    assert (result.exit_code, "https" in result.stderr) == (2, True)
    bytes_ = tmp_path / "bytes"
    bytes_.write_bytes(b"vg_\xff\n\xfe")
    for option, told in [("--key-file", "no API key"), ("--ca-file", "no certificate")]:
        result = run(source, out, "--map", "phone=phone", option, bytes_)
        assert (result.exit_code, told in result.stderr) == (2, True), result.output
    assert not out.exists()


def test_what_fails_is_told_and_exits_1(run: Run, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", [["姓名"], [canaries.name()]], encoding="gb18030")
    out = tmp_path / "out.csv"
    result = run(source, out, "--map", "姓名=name")
    assert result.exit_code == 1
    assert "--encoding" in result.stderr
    assert not out.exists()

    result = run(source, out, "--map", "姓名=name", "--encoding", "no-such-encoding")
    assert result.exit_code == 1
    result = run(source, out, "--map", "姓名=name", "--encoding", "gb18030", key="vg_wrong")
    assert result.exit_code == 1
    assert "unauthenticated" in result.stderr
    assert ".." not in result.stderr

    other = write(tmp_path / "other.csv", [["姓名", "token_error"], ["nm_1", ""], ["nm_2", ""]])
    before = other.read_bytes()
    result = run(source, other, "--map", "姓名=name", "--encoding", "gb18030")
    assert result.exit_code == 1
    assert "not of this input" in result.stderr
    assert other.read_bytes() == before


def test_who_interrupts_it_is_told_how_to_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "in.csv", [["name"], [canaries.name()]])

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bulk, "run", interrupted)
    result = run(source, tmp_path / "out.csv", "--map", "name=name")
    assert result.exit_code == 1
    assert "interrupted. What is in OUT.csv stays: run the same command again" in result.stderr


def test_a_key_comes_from_a_file(run: Run, town: Town, tmp_path: Path) -> None:
    key_file = tmp_path / "shop.key"
    key_file.write_text(town.merchant.key + "\n", encoding="utf-8")
    source = write(tmp_path / "in.csv", [["phone"], [canaries.phone()]])
    result = run(source, tmp_path / "out.csv", "--map", "phone=phone", "--key-file", key_file, key="")
    assert result.exit_code == 0, result.output
    assert read(tmp_path / "out.csv")[0]["phone"].startswith("ph_")
