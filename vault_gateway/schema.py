"""What a database needs before a gateway: its schema, by numbered migrations, and the roles of its logins."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from importlib import resources

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from vault_gateway.database import Connection
from vault_gateway.errors import OperatingError

# What a node's login is a member of: a role for each of its duties, whose rights stand in `0024_role_a_duty.sql`. The
# first was there before the others, and roles are of a whole server: it keeps its name.
ROLE_OF: Mapping[str, str] = {
    "tokenize": "vault_gateway_app",
    "reveal": "vault_gateway_reveal",
    "relay": "vault_gateway_relay",
    "audit": "vault_gateway_audit",
    "console": "vault_gateway_console",
}
ROLES = tuple(ROLE_OF.values())
# Of the commands of an operator, which run on no node.
OPERATOR = "vault_gateway_operator"

# Duties that only show what is on record.
SHOWING = frozenset({"audit", "console"})

OLDEST_SERVER = 150000
_MIGRATION_LOCK = 4711000


class MigrationError(OperatingError):
    """The schema in the database is not the one this program was built for."""


def migrate(
    conninfo: str,
    now: datetime,
    *,
    app_login: tuple[str, str] | None = None,
    roles: Collection[str] = ROLES,
    operator_login: tuple[str, str] | None = None,
) -> list[str]:
    """Brings the schema up to date, each migration in a transaction of its own; returns the names applied.

    `conninfo` needs a role that may create tables and roles. `app_login` is the name and password of the
    gateway's own login, created or updated as a member of `roles` and of no others that there are here; the
    `operator_login` is that of the commands.
    """
    applied = []
    with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row, connect_timeout=10) as conn:
        if conn.info.server_version < OLDEST_SERVER:
            raise MigrationError("PostgreSQL 15 or later is needed")
        conn.execute("set lock_timeout = '5s'")
        conn.execute("set statement_timeout = '10min'")
        conn.execute("select pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        conn.execute(
            "create table if not exists schema_migration"
            " (name text primary key, digest bytea not null, applied_at timestamptz not null)"
        )
        known = {
            row["name"]: row["digest"] for row in conn.execute("select name, digest from schema_migration")
        }
        for name, text in migrations():
            if name in known:
                _require_same(name, text, known[name])
                continue
            with conn.transaction():
                conn.execute(text)
                conn.execute("insert into schema_migration values (%s, %s, %s)", (name, _digest(text), now))
            applied.append(name)
        if app_login is not None:
            _ensure_login(conn, *app_login, roles)
        if operator_login is not None:
            _ensure_login(conn, *operator_login, (OPERATOR,))
    return applied


def migrations() -> list[tuple[str, str]]:
    """Name and text of each migration, in order."""
    folder = resources.files("vault_gateway") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in files]


def require_current_schema(conn: Connection) -> None:
    """Raises MigrationError when the database lacks a migration or has another one of that name."""
    try:
        known = {
            row["name"]: row["digest"] for row in conn.execute("select name, digest from schema_migration")
        }
    except psycopg.errors.UndefinedTable:
        known = {}
    for name, text in migrations():
        if name not in known:
            raise MigrationError(f"the database lacks migration {name}: run `vault-gateway migrate`")
        _require_same(name, text, known[name])


def _require_same(name: str, text: str, digest: bytes) -> None:
    if digest != _digest(text):
        raise MigrationError(f"migration {name} in the database is not the one shipped with this version")


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def roles_of(duties: Collection[str]) -> tuple[str, ...]:
    """What the login of a node with these duties is a member of."""
    return tuple(ROLE_OF[duty] for duty in duties)


def require_roles(conn: Connection, roles: Collection[str]) -> list[str]:
    """Raises MigrationError where this login may not do what a node has to; returns the roles that it has beyond."""
    rows = conn.execute(
        "select role from unnest(%s::text[]) as role where pg_has_role(role::name, 'usage')", (list(ROLES),)
    ).fetchall()
    held = [row["role"] for row in rows]
    if conn.execute("select where pg_has_role(%s::name, 'member')", (OPERATOR,)).fetchone() is not None:
        raise MigrationError(
            f"the database login is a member of {OPERATOR}, which is for commands and on no node"
        )
    for role in roles:
        if role not in held:
            raise MigrationError(
                f"the database login is no member of {role}: run `vault-gateway migrate --login` with the node's duties"
            )
    return [role for role in held if role not in roles]


def require_behind_the_wall(conn: Connection) -> None:
    """Raises MigrationError for a login to which row level security or the guards of the access log mean nothing: a
    superuser, one that may bypass it or make roles, an owner of tables, or one that can become such a role."""
    row = conn.execute(
        """
        select array(
          select r.rolname::text from pg_roles r
          where pg_has_role(r.oid, 'member')
            and (r.rolsuper or r.rolbypassrls or r.rolcreaterole
                 or r.oid in (select relowner from pg_class where relnamespace = 'public'::regnamespace))
        ) as harmful
        """
    ).fetchone()
    if row is not None and row["harmful"]:
        raise MigrationError(
            f"the database login is or can become {row['harmful'][0]}, whom no wall between merchants holds: give the"
            " node a login of its own by `vault-gateway migrate --login`"
        )


def _ensure_login(conn: Connection, name: str, password: str, roles: Collection[str]) -> None:
    exists = conn.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
    # As a verifier: whatever the server logs of this statement, it is not the password.
    verifier = conn.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    statement = "alter role {} login password {}" if exists else "create role {} login password {}"
    conn.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(verifier)))
    for role in (*ROLES, OPERATOR):
        membership = "grant {} to {}" if role in roles else "revoke {} from {}"
        conn.execute(sql.SQL(membership).format(sql.Identifier(role), sql.Identifier(name)))
