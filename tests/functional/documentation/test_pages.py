"""The pages stand alone: no key, nothing from elsewhere, nothing inline."""

from __future__ import annotations

import gzip
import re

import pytest

from tests.world import World
from vault_gateway.documentation.codes import CODES

PAGES = ("/docs", "/docs/errors")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_allows_nothing_but_this_server(world: World, page: str) -> None:
    answer = world.app.test_client().get(page)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_all_it_needs_from_this_server(world: World, page: str) -> None:
    client = world.app.test_client()
    text = client.get(page).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", text)
    addresses = re.findall(r'(?:src|href|data-document)="([^"#]+)"', text)
    assert len(addresses) > 4
    for address in addresses:
        assert address.startswith("/"), address
        assert client.get(address).status_code == 200, address


def test_the_address_alone_leads_to_the_documentation(world: World) -> None:
    answer = world.app.test_client().get("/", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/docs")


def test_assets_may_be_kept_and_come_compressed(world: World) -> None:
    client = world.app.test_client()
    found = re.search(r'src="(/docs/assets/\w+/swagger-ui-bundle\.js)"', client.get("/docs").text)
    assert found is not None
    plain = client.get(found[1])
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.mimetype == "text/javascript"
    zipped = client.get(found[1], headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert len(zipped.data) < len(plain.data) / 2


@pytest.mark.parametrize("name", ["../http.py", "..%2fhttp.py", "index.html", "docs.js%00", "%2e%2e"])
def test_there_are_no_other_files(world: World, name: str) -> None:
    client = world.app.test_client()
    found = re.search(r"/docs/assets/\w+/", client.get("/docs").text)
    assert found is not None
    answer = client.get(found[0] + name)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert client.get("/docs/assets/other/docs.css").status_code == 404


def test_the_page_of_codes_has_each_code(world: World) -> None:
    text = world.app.test_client().get("/docs/errors").text
    assert set(re.findall(r'<tr id="(\w+)">', text)) == set(CODES)
