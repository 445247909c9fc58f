"""The same code on engines that others run: `provision`, `migrate`, `serve`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3

from tests import canaries
from tests.functional.embedded.installation import call, run
from tests.functional.serve.clients import add
from tests.functional.serve.conftest import Outside, initialise
from tests.functional.serve.served import Served, serving
from vault_gateway.embedded.processes import free_port

REQUESTS = re.compile(r'^vault_gateway_requests_total\{.*route="/v1/tokens".*\} (\S+)$', re.MULTILINE)


@pytest.fixture(scope="module")
def served(outside_engines: Outside) -> Any:
    with serving(outside_engines, VAULT_GATEWAY_WORKERS="2", VAULT_GATEWAY_THREADS="4") as served:
        yield served


def test_an_order_lives_its_life_on_two_workers_that_count_together(
    served: Served, outside_engines: Outside
) -> None:
    shop = add(outside_engines, "shop", "merchant", "--platform", "douyin", "--merchant", "tea")
    carrier = add(outside_engines, "carrier", "carrier", "--carrier", "sf")
    courier = add(outside_engines, "li", "courier", "--carrier", "sf")
    someone = canaries.person()
    for _ in range(12):
        status, body = call(served.url, shop, "POST", "/v1/tokens", {"items": canaries.items_of(someone)})
        assert status == 201, body
    tokens = {item["kind"]: item["token"] for item in body["items"]}
    waybill = {"network": "douyin", "carrier": "sf", "recipient": tokens}
    number = call(served.url, shop, "POST", "/v1/waybills", waybill)[1]["waybill_no"]
    for event in ({"type": "accepted"}, {"type": "out_for_delivery", "courier": "li"}):
        assert call(served.url, carrier, "POST", f"/v1/waybills/{number}/events", event)[0] == 201
    reveal = {"waybill_no": number, "purpose": "deliver", "claim": True}
    status, body = call(served.url, courier, "POST", "/v1/reveals", reveal)
    assert (status, body["fields"]["name"]) == (201, someone.name)

    # Whichever worker answers, it tells of both.
    for _ in range(6):
        metrics = urllib3.request("GET", f"{served.url}/metrics", headers={"Connection": "close"})
        assert REQUESTS.findall(metrics.data.decode()) == ["12.0"]
        assert metrics.headers["Content-Type"].count("charset=") == 1


def test_the_gateway_is_nobody_special_in_the_database(served: Served, outside_engines: Outside) -> None:
    with psycopg.connect(outside_engines.environment["VAULT_GATEWAY_DATABASE_URL"]) as conn:
        row = conn.execute(
            "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
        ).fetchone()
        assert row == (False, False, False, False)
        assert conn.info.server_version >= 150000


def test_what_is_done_again_changes_nothing(outside_engines: Outside) -> None:
    files = [outside_engines.folder / name for name in ("operator/operator.toml", "gateway/gateway.toml")]
    before = [path.read_bytes() for path in files]
    env = {**outside_engines.operator, "VAULT_GATEWAY_ADMIN_DATABASE_URL": outside_engines.admin_dsn}
    initialise(files[0].parent, files[1].parent, env)
    assert [path.read_bytes() for path in files] == before
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600, 0o600]
    assert b"operator" not in before[1], "a gateway holds no operator's identity"


def test_commands_and_nodes_have_no_login_in_common(outside_engines: Outside) -> None:
    env = {
        **outside_engines.environment,
        "VAULT_GATEWAY_ADMIN_DATABASE_URL": outside_engines.admin_dsn,
        "VAULT_GATEWAY_OPERATOR_DATABASE_URL": outside_engines.environment["VAULT_GATEWAY_DATABASE_URL"],
    }
    _, err = run("migrate", "--login", env=env, expected=1)
    assert "OPERATOR_DATABASE_URL needs a user of its own" in err


def test_several_workers_need_a_redis(outside_engines: Outside) -> None:
    env = {**outside_engines.environment, "VAULT_GATEWAY_WORKERS": "2", "VAULT_GATEWAY_REDIS_URL": ""}
    _, err = run("serve", env=env, expected=1)
    assert "WORKERS is 2" in err
    assert "rate limits would be counted in each worker apart" in err
    assert err.count("\n") == 1


def test_a_database_without_its_schema_is_refused_with_the_way_out(outside_engines: Outside) -> None:
    env = {**outside_engines.environment, "VAULT_GATEWAY_PORT": str(free_port())}
    env["VAULT_GATEWAY_DATABASE_URL"] = psycopg.conninfo.make_conninfo(
        outside_engines.admin_dsn, dbname="template1"
    )
    _, err = run("serve", env=env, expected=1)
    assert "run `vault-gateway migrate`" in err
    assert "Traceback" not in err


def test_a_toml_file_says_it_all(outside_engines: Outside, tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    named = {n.removeprefix("VAULT_GATEWAY_").lower(): v for n, v in outside_engines.environment.items()}
    kept = Path(named.pop("config")).read_text(encoding="utf-8")
    config.write_text("".join(f"{n} = {json.dumps(v)}\n" for n, v in named.items()) + kept, encoding="utf-8")
    with serving(None, "--config", str(config)) as served:
        ready = urllib3.request("GET", f"{served.url}/readyz", headers={"Connection": "close"})
        assert ready.json()["status"] == "ready"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"VAULT_GATEWAY_VAULT_ADMIN_TOKEN": "s.nobody"}, "Vault cannot be provisioned now (refused)"),
        ({"VAULT_GATEWAY_VAULT_ADDR": "https://localhost:1"}, "Vault cannot be provisioned now (gone)"),
        ({"VAULT_GATEWAY_VAULT_ADDR": "http://vault:8200"}, "must be https beyond this machine"),
        ({"VAULT_GATEWAY_VAULT_ADMIN_TOKEN": ""}, "VAULT_ADMIN_TOKEN"),
    ],
    ids=["refused", "gone", "plain", "no-token"],
)
def test_provision_says_what_is_wrong(
    outside_engines: Outside, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    env = {**outside_engines.operator, "VAULT_GATEWAY_VAULT_ADMIN_TOKEN": "s.x", **changed}
    _, err = run("provision", "--out", str(tmp_path / "x.toml"), env=env, expected=1)
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "x.toml").exists()
