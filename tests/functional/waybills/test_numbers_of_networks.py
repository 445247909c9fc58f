"""Numbers brought from outside, against the rules of the networks that ship."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from werkzeug.test import TestResponse

from tests import canaries
from tests.unit.networks.shipped import networks
from tests.world import Tokens, Town, TurnedClock, World, new_town
from vault_gateway.settings.policies import policies_folder

SHANGHAI = ZoneInfo("Asia/Shanghai")
_serials = iter(range(100, 10_000))


def number(network: str, carrier: str) -> str:
    """One that no other test has."""
    segment = next(one for one in networks()[network].segments if one.carrier == carrier)
    return segment.numbers.number(segment.numbers.first + next(_serials))


def ship(
    town: Town, tokens: Tokens, network: str, waybill_no: str | None = None, carrier: str | None = None
) -> TestResponse:
    carrier = carrier or town.carrier_slug
    body = {"network": network, "carrier": carrier, "recipient": tokens.as_recipient()}
    return town.merchant.post(
        "/v1/waybills", body if waybill_no is None else {**body, "waybill_no": waybill_no}
    )


def refused(answer: TestResponse) -> str:
    """The rule by which a number was refused."""
    assert answer.status_code == 422
    problem = answer.get_json()
    assert problem["code"] == "waybill_no_unusable"
    return str(problem["detail"])


@pytest.fixture(scope="module")
def cut_off(world: World) -> date:
    """The day of Douyin's rule, moved ahead: the weeks of 2021 have no partitions any more."""
    return (world.clock() + timedelta(days=3)).astimezone(SHANGHAI).date()


@pytest.fixture(scope="module")
def douyin(world: World, tmp_path_factory: pytest.TempPathFactory, cut_off: date) -> Town:
    policies = tmp_path_factory.mktemp("moved") / "policies"
    shutil.copytree(policies_folder(), policies)
    for path in (policies / "networks").glob("*.yaml"):
        _move(path, cut_off)
    return new_town(world, platform_slug="douyin", app=world.gateway(policies=policies))


def _move(path: Path, day: date) -> None:
    path.write_text(path.read_text("utf-8").replace("2021-08-01", day.isoformat()), "utf-8")


@pytest.mark.parametrize("network", ["cainiao", "jd", "pdd"])
def test_at_midnight_in_shanghai_douyin_stops_taking_them(
    world: World, clock: TurnedClock, douyin: Town, cut_off: date, network: str
) -> None:
    tokens = douyin.tokenize(canaries.person())
    midnight = datetime.combine(cut_off, time(), SHANGHAI).astimezone(UTC)

    clock.offset = midnight - timedelta(seconds=20) - datetime.now(UTC)
    assert ship(douyin, tokens, network, number(network, "yto")).status_code == 201
    assert ship(douyin, tokens, network).status_code == 201

    clock.offset = midnight - datetime.now(UTC)
    rule = refused(ship(douyin, tokens, network, number(network, "yto")))
    assert f"Douyin takes no number segments of {networks()[network].title} from {cut_off}" in rule
    # Nor one that the network would make up; its own it takes.
    assert str(cut_off) in refused(ship(douyin, tokens, network))
    assert ship(douyin, tokens, "douyin", number("douyin", "yto")).status_code == 201


def test_one_refused_number_does_not_keep_the_others_of_its_batch(world: World) -> None:
    town = new_town(world, platform_slug="jd")
    tokens = town.tokenize(canaries.person())
    base = {"carrier": town.carrier_slug, "recipient": tokens.as_recipient()}
    items = [
        {**base, "network": "jd", "waybill_no": number("jd", "jd")},
        {**base, "network": "cainiao", "waybill_no": number("cainiao", "sf")},
        {**base, "network": "jd"},
        {**base, "network": "jd", "waybill_no": "XX-87654321"},
    ]
    answer = town.merchant.post("/v1/waybills", {"items": items})
    assert answer.status_code == 207
    codes = [item.get("error", {}).get("code") for item in answer.get_json()["items"]]
    assert codes == [None, "waybill_no_unusable", None, "waybill_no_unusable"]
    assert "alone" in answer.get_json()["items"][1]["error"]["detail"]


def test_a_number_goes_under_its_own_network(town: Town, someone: Tokens) -> None:
    assert "another network" in refused(ship(town, someone, "douyin", number("cainiao", "yto")))
    assert ship(town, someone, "cainiao", number("cainiao", "yto")).status_code == 201


@pytest.fixture(scope="module")
def known_carriers(world: World) -> None:
    """Registered here by the names that they have in the networks' files."""
    for carrier in ("sf", "yto", "jd"):
        world.actor("carrier", carrier=carrier)


@pytest.mark.usefixtures("known_carriers")
class TestCarriers:
    def test_a_number_goes_with_its_own_carrier(self, town: Town, someone: Tokens) -> None:
        wrong = ship(town, someone, "cainiao", number("cainiao", "yto"), "sf")
        assert "another carrier" in refused(wrong)
        assert ship(town, someone, "cainiao", number("cainiao", "yto"), "yto").status_code == 201
        # One that no segment holds is nobody's: nothing says that it is not this carrier's.
        assert ship(town, someone, "cainiao", f"SF-{number('cainiao', 'yto')}", "sf").status_code == 201

    @pytest.mark.parametrize("brought", [None, "jd", "XX-11223344"])
    def test_a_network_serves_its_carriers_alone(
        self, town: Town, someone: Tokens, brought: str | None
    ) -> None:
        waybill_no = number("jd", "jd") if brought == "jd" else brought
        answer = ship(town, someone, "jd", waybill_no, "sf")
        assert (answer.status_code, answer.get_json()["code"]) == (422, "carrier_not_served")
        assert ship(town, someone, "jd", waybill_no, "jd").status_code == 201

    def test_a_carrier_by_a_name_of_its_own_here_is_served(self, town: Town, someone: Tokens) -> None:
        """As `segment grant --carrier` allows: no file tells who it is."""
        assert ship(town, someone, "jd", number("jd", "yto")).status_code == 201
        assert ship(town, someone, "jd").status_code == 201

    def test_one_of_a_batch_fails_alone(self, town: Town, someone: Tokens) -> None:
        base = {"network": "jd", "recipient": someone.as_recipient()}
        answer = town.merchant.post(
            "/v1/waybills", {"items": [{**base, "carrier": carrier} for carrier in ("jd", "sf", "yto")]}
        )
        codes = [item.get("error", {}).get("code") for item in answer.get_json()["items"]]
        assert (answer.status_code, codes) == (207, [None, "carrier_not_served", None])


def test_numbers_without_a_letter_are_taken_where_a_network_has_them(town: Town, someone: Tokens) -> None:
    own = number("cainiao", "zto")
    assert own.isdigit()
    assert ship(town, someone, "cainiao", own).status_code == 201
    assert town.merchant.get(f"/v1/waybills/{own}").status_code == 200
    # A phone with its country code is none, nor is what no network has.
    for text in (f"86{canaries.person().phone[-11:]}", "99999999999999"):
        assert "could be a phone" in refused(ship(town, someone, "cainiao", text))


def test_a_mistyped_check_digit_is_refused(town: Town, someone: Tokens) -> None:
    right = number("cainiao", "ems")
    wrong = right[:10] + str((int(right[10]) + 1) % 10) + right[11:]
    assert "check digit" in refused(ship(town, someone, "cainiao", wrong))
    assert ship(town, someone, "cainiao", right).status_code == 201


def test_a_refusal_is_the_same_when_it_is_repeated(town: Town, someone: Tokens) -> None:
    headers = {"Idempotency-Key": "networks-1"}
    body = {
        "items": [
            {
                "network": "douyin",
                "carrier": town.carrier_slug,
                "recipient": someone.as_recipient(),
                "waybill_no": number("cainiao", "yto"),
            }
        ]
    }
    first, again = (town.merchant.post("/v1/waybills", body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 422
    assert first.get_json() == again.get_json()
