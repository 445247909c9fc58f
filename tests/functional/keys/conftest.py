"""Actors on a real OpenBao."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from tests.functional.keys.bao_server import BaoServer, start_bao
from tests.functional.keys.faulty_proxy import FaultyProxy, faulty_proxy
from vault_gateway.keys import Address, Credential, Operator, Revealer, Signer, Tokenizer, Vault, provision
from vault_gateway.model import Kind

POLICIES = Path(__file__).parents[3] / "policies"


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaoServer]:
    """The one place that starts a server for these tests."""
    server = start_bao(tmp_path_factory.mktemp("bao"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def credentials(bao: BaoServer) -> Mapping[str, Credential]:
    return provision(bao.addr, bao.root_token, policies=POLICIES)


@pytest.fixture(scope="session")
def vault(bao: BaoServer) -> Iterator[Vault]:
    with Vault(bao.addr, batch_items=50) as vault:
        yield vault


@pytest.fixture(scope="session")
def tokenizer(vault: Vault, credentials: Mapping[str, Credential]) -> Tokenizer:
    return Tokenizer(vault, credentials["tokenizer"])


@pytest.fixture(scope="session")
def revealer(vault: Vault, credentials: Mapping[str, Credential]) -> Revealer:
    return Revealer(vault, credentials["revealer"])


@pytest.fixture(scope="session")
def operator(vault: Vault, credentials: Mapping[str, Credential]) -> Operator:
    return Operator(vault, credentials["operator"])


@pytest.fixture(scope="session")
def signer(vault: Vault, credentials: Mapping[str, Credential]) -> Signer:
    return Signer(vault, credentials["signer"])


@pytest.fixture
def platform(operator: Operator) -> str:
    """A platform of the test's own, with its keys made."""
    name = f"p{uuid4().hex[:12]}"
    operator.create_platform(name)
    return name


@pytest.fixture
def tenant_id() -> UUID:
    return uuid4()


@pytest.fixture
def home(tenant_id: UUID) -> Address:
    return Address(tenant_id, Kind.PHONE, uuid4())


@pytest.fixture
def proxy(bao: BaoServer) -> Iterator[FaultyProxy]:
    with faulty_proxy(bao.addr) as proxy:
        yield proxy
