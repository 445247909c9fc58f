"""A running `vault-gateway sip`, the numbers and parcels that its calls are about, and their records."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from tests import canaries
from tests.canaries import Person
from tests.e2e.sip.sipp import Phone
from tests.pool import add_numbers, retire_numbers
from tests.waiting import eventually
from tests.world import Actor, World, new_town

# No other test's parcels go there, so their numbers are of this telecom.
CITY, DISTRICT = "舟山市", "定海区"
CALLERS_HOST, CALLEES_HOST, OWN_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.1"


def free_port(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])


def caller_phone(number: str) -> Phone:
    return Phone(f"+86{number}", CALLERS_HOST, free_port(CALLERS_HOST), "192.0.2.21")


@dataclass(frozen=True)
class Parcel:
    courier_phone: str
    recipient: Person
    number: str
    extension: str
    waybill_no: str
    merchant: Actor
    courier: Actor


@dataclass(frozen=True)
class Switch:
    """A running `vault-gateway sip`; its trunk's calls go out to `trunk_port`."""

    at: str
    trunk_port: int
    log: Path
    process: subprocess.Popen[str]

    def callee(self, number: str) -> Phone:
        return Phone(f"+86{number}", CALLEES_HOST, self.trunk_port, "192.0.2.31")


class Operator:
    """Numbers, parcels and switches of this file."""

    def __init__(self, world: World, url: str) -> None:
        self.world, self.url = world, url
        self.telecom = world.actor("telecom")
        self._town = new_town(world)
        for mode in ("extension", "axb"):
            add_numbers(world, self.telecom.name, 2, mode, region=CITY)

    def retire(self) -> None:
        retire_numbers(self.world, self.telecom.name)

    def parcel(self, phone: str | None = None) -> Parcel:
        """Out for delivery, with a courier whose phone is registered."""
        town, courier_phone = self._town, canaries.phone()
        place = {"province": "浙江省", "city": CITY, "district": DISTRICT, "detail": canaries.detail()}
        someone = Person(canaries.name(), phone or canaries.phone(), place)
        town.register_courier(courier_phone)
        made = town.new_waybill(town.tokenize(someone), relay=True)
        waybill_no, relay = made["waybill_no"], made["relay"]
        town.hand_to_courier(waybill_no)
        return Parcel(
            courier_phone,
            someone,
            relay["number"],
            relay["extension"],
            waybill_no,
            town.merchant,
            town.courier,
        )

    @contextmanager
    def switch(self, *, url: str | None = None, options: list[str] | None = None) -> Iterator[Switch]:
        """Its log stands beside the engines', where the last test of a run looks for leaks. It writes nothing else."""
        port, trunk = free_port(OWN_HOST), free_port(CALLEES_HOST)
        log = self.world.instance.engines.data / "logs" / f"sip-{port}.log"
        command = [
            sys.executable, "-m", "vault_gateway", "sip", "--listen", f"{OWN_HOST}:{port}",
            "--trunk", f"{CALLEES_HOST}:{trunk}", "--from", CALLERS_HOST, "--url", url or self.url, *(options or []),
        ]  # fmt: skip
        folder = Path(mkdtemp())
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "VAULT_GATEWAY_KEY": self.telecom.key},
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        with process:
            assert process.stdout is not None
            try:
                assert process.stdout.readline() == f"ready sip:{OWN_HOST}:{port}\n", log.read_text()
                yield Switch(f"{OWN_HOST}:{port}", trunk, log, process)
            finally:
                process.terminate()
                assert process.wait(20) == 0
                assert process.stdout.read() == ""
                left = [file.name for file in folder.iterdir()]
                rmtree(folder)
                assert left == []

    def has_records(self, parcel: Parcel, *expected: str) -> None:
        """The last call about the parcel comes to have just these, in alphabetical order: several threads tell them."""
        self._wait(parcel, lambda types: types[-1] == list(expected))

    def has_a(self, record: str, parcel: Parcel) -> None:
        """Each call about the parcel comes to have such a record."""
        self._wait(parcel, lambda types: all(record in each for each in types))

    def _wait(self, parcel: Parcel, met: Callable[[list[list[str]]], bool]) -> None:
        eventually(lambda: self.records_now(parcel), lambda types: types and met(types), within_s=10)

    def records_now(self, parcel: Parcel) -> list[list[str]]:
        with self.world.admin() as conn:
            rows = conn.execute(
                "select c.call_id, array_agg(e.type order by e.type) filter (where e.type is not null)"
                " as types from relay_call c left join relay_call_event e using (telecom, call_id)"
                " where c.waybill_id in (select waybill_id from relay_binding where waybill_no = %s)"
                " group by c.call_id, c.routed_at order by c.routed_at",
                (parcel.waybill_no,),
            ).fetchall()
        return [row["types"] or [] for row in rows]
