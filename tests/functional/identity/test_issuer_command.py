"""`vault-gateway issuer`, as an operator types it, on a running instance."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.functional.identity.conftest import holder_of
from tests.functional.identity.provider import Provider, json_answer, public_jwk, serving
from tests.in_thread import authority
from tests.world import World, unique
from vault_gateway.cli.root import root


@pytest.fixture
def provider() -> Provider:
    return Provider(f"https://{unique('id')}.example")


@pytest.fixture
def jwks(provider: Provider, tmp_path: Path) -> Path:
    file = tmp_path / "jwks.json"
    file.write_bytes(provider.jwks())
    return file


def issuer(world: World, *words: str | Path) -> Result:
    data = str(world.instance.engines.data)
    return CliRunner().invoke(root, ["issuer", *map(str, words), "--data", data], catch_exceptions=True)


def listed(world: World, iss: str) -> list[dict[str, object]]:
    rows = json.loads(issuer(world, "list", "--json").stdout)
    return [row for row in rows if row["iss"] == iss]


def test_an_issuer_is_added_used_listed_and_revoked(world: World, provider: Provider, jwks: Path) -> None:
    carrier = unique("c")
    added = issuer(
        world,
        "add",
        provider.iss,
        "--jwks",
        jwks,
        "--role",
        "carrier",
        "--role",
        "station",
        "--carrier",
        carrier,
    )
    assert added.exit_code == 0, added.output
    issuer_id = added.stdout.strip()
    assert f"registered carrier {carrier}" in added.stderr
    (row,) = listed(world, provider.iss)
    assert row["id"] == issuer_id
    assert (row["roles"], row["carrier"], row["revoked_at"]) == (["carrier", "station"], carrier, None)
    assert row["jwks"] == str(jwks)
    desk = holder_of(world, provider.token(sub="desk", role="carrier"))
    assert desk.get("/v1/waybills").status_code == 200
    revoked = issuer(world, "revoke", provider.iss)
    assert revoked.exit_code == 0, revoked.output
    line = next(line for line in issuer(world, "list").stdout.splitlines() if line.startswith(issuer_id))
    assert re.search(rf" added 20\S+ \S+Z revoked 20\S+ \S+Z {re.escape(provider.iss)} ", line)
    fresh = holder_of(world, provider.token(sub="desk", role="carrier"))
    assert fresh.get("/v1/waybills").status_code == 401
    assert "no trusted issuer" in str(issuer(world, "revoke", provider.iss).exception)


def test_a_token_is_revoked(world: World, provider: Provider, jwks: Path) -> None:
    assert issuer(world, "add", provider.iss, "--jwks", jwks, "--role", "responder").exit_code == 0
    token = provider.token(sub="7", jti="j-1")
    assert issuer(world, "revoke-token", "j-1", "--issuer", provider.iss).exit_code == 0
    assert holder_of(world, token).get("/v1/waybills").status_code == 401
    unknown = issuer(world, "revoke-token", "j-1", "--issuer", "https://nobody.example")
    assert "no issuer" in str(unknown.exception)


def test_a_relative_file_is_kept_by_its_whole_path(
    world: World, provider: Provider, jwks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(jwks.parent)
    added = issuer(world, "add", provider.iss, "--jwks", jwks.name, "--role", "responder", "--json")
    answer = json.loads(added.stdout)
    assert (answer["iss"], answer["jwks"]) == (provider.iss, str(jwks))
    assert listed(world, provider.iss)[0]["id"] == answer["id"]


def test_keys_on_a_server_are_looked_at_before_they_are_trusted(
    world: World, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = authority(tmp_path, "localhost")
    with serving(json_answer(provider.jwks()), pem) as server:
        url = f"https://localhost:{server.server_port}/jwks"
        words = ("add", provider.iss, "--jwks", url, "--role", "responder")
        assert "public internet" in str(issuer(world, *words).exception)
        assert server.paths == []
        monkeypatch.setenv("VAULT_GATEWAY_JWKS_INTERNAL_HOSTS", "localhost")
        assert "certificate" in str(issuer(world, *words).exception)
        monkeypatch.setenv("VAULT_GATEWAY_JWKS_CA", str(tmp_path / "ca.pem"))
        assert issuer(world, *words).exit_code == 0
    assert listed(world, provider.iss)[0]["jwks"] == url


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no JSON Web Key Set"),
        (b'{"keys": []}', "no key that may be used"),
        (b'{"keys": [{"kty": "oct", "k": "AAAA"}]}', "neither RSA nor P-256 nor Ed25519"),
        (b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}]}', "private key"),
        (b" " * 300_000, "larger"),
    ],
)
def test_a_file_without_good_keys_is_refused(
    world: World, provider: Provider, tmp_path: Path, content: bytes, says: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    refused = issuer(world, "add", provider.iss, "--jwks", file, "--role", "responder")
    assert says in str(refused.exception)
    assert listed(world, provider.iss) == []


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("/nowhere/jwks.json", "cannot be read"),
        ("/dev/zero", "not in a regular file"),
        ("/", "not in a regular file"),
    ],
)
def test_what_is_no_file_of_keys_is_refused(world: World, provider: Provider, where: str, says: str) -> None:
    refused = issuer(world, "add", provider.iss, "--jwks", where, "--role", "responder")
    assert says in str(refused.exception)


def test_keys_that_are_not_used_are_told(world: World, provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    keys = [{"kty": "oct", "k": "AAAA"}, public_jwk(provider.key, kid="k1")]
    file.write_text(json.dumps({"keys": keys}), encoding="utf-8")
    added = issuer(world, "add", provider.iss, "--jwks", file, "--role", "responder")
    assert added.exit_code == 0
    assert "not used, key 1: it is neither RSA" in added.stderr


def test_a_fault_is_one_line_and_exit_code_1_a_wrong_word_2(world: World, jwks: Path) -> None:
    data = str(world.instance.engines.data)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "vault_gateway", "issuer", *words, "--data", data],
            capture_output=True,
            text=True,
            env=dict(os.environ),
            check=False,
        )

    fault = run("add", "https://id.example", "--jwks", str(jwks), "--role", "courier")
    assert (fault.returncode, fault.stdout) == (1, "")
    assert fault.stderr == "vault-gateway: an issuer of the role courier needs --carrier\n"
    assert run("add", "https://id.example", "--jwks", str(jwks), "--role", "king").returncode == 2


@pytest.mark.parametrize("command", ["add", "list", "revoke", "revoke-token"])
def test_help_has_an_example(command: str) -> None:
    shown = CliRunner().invoke(root, ["issuer", command, "--help"])
    assert shown.exit_code == 0
    assert f"Example: vault-gateway issuer {command} " in " ".join(shown.stdout.split())
