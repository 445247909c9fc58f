-- Two roles. The gateway logs in as a member of vault_gateway_app, which owns nothing and bypasses nothing.
-- vault_gateway_lookup cannot log in; it owns the few functions that must find rows across tenants.
do $$
begin
  if not exists (select from pg_roles where rolname = 'vault_gateway_app') then
    create role vault_gateway_app nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'vault_gateway_lookup') then
    create role vault_gateway_lookup nologin bypassrls;
  end if;
end
$$;
grant usage on schema public to vault_gateway_app, vault_gateway_lookup;

-- Who exists. No personal data, no row level security: these are how a tenant is found.
create table platform (
  slug text primary key,
  created_at timestamptz not null
);
create table tenant (
  tenant_id uuid primary key,
  platform text not null,
  merchant text not null,
  created_at timestamptz not null,
  unique (platform, merchant)
);
create table carrier (
  slug text primary key,
  created_at timestamptz not null
);
create table station (
  carrier text not null references carrier,
  slug text not null,
  created_at timestamptz not null,
  primary key (carrier, slug)
);
-- A key is 256 random bits, so a plain digest of it cannot be guessed back.
create table client (
  name text primary key,
  role text not null,
  platform text,
  merchant text,
  carrier text,
  station text,
  key_digest bytea not null unique,
  created_at timestamptz not null,
  revoked_at timestamptz
);
create table courier (
  carrier text not null references carrier,
  handle text not null,
  station text,
  phone_token uuid,
  created_at timestamptz not null,
  removed_at timestamptz,
  primary key (carrier, handle)
);

grant select, insert on tenant to vault_gateway_app;
grant select on platform, carrier, station to vault_gateway_app;
-- Not the digests: whose key this is, it may ask, and not list them.
grant select (name, role, platform, merchant, carrier, station, created_at, revoked_at) on client to vault_gateway_app;
create function client_of_key(in_digest bytea) returns text
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select c.name from public.client c where c.key_digest = in_digest
$$;
grant select (name, key_digest) on client to vault_gateway_lookup;
alter function client_of_key(bytea) owner to vault_gateway_lookup;
revoke all on function client_of_key(bytea) from public;
grant execute on function client_of_key(bytea) to vault_gateway_app;
grant select, insert, update on courier to vault_gateway_app;
