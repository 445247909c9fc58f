-- Values of people, as ciphertext under a key that stays in Vault. Partitioned by week through the UUIDv7.
create table token (
  tenant_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('phone', 'address', 'name')),
  origin text not null check (origin in ('platform', 'merchant')),
  order_ref text,
  key_version integer,
  ciphertext bytea,
  blind_index bytea,
  masked text,
  last4 text,
  region jsonb,
  event_id uuid not null,
  created_at timestamptz not null,
  erased_at timestamptz,
  primary key (tenant_id, id),
  -- An erased row keeps nothing of the person.
  check ((erased_at is null) = (ciphertext is not null)),
  check (erased_at is null
         or (key_version is null and blind_index is null and masked is null and last4 is null and region is null))
) partition by range (id);

create index token_blind_index on token (tenant_id, blind_index) where blind_index is not null;
create index token_last4 on token (tenant_id, last4, id) where last4 is not null;
create index token_order on token (tenant_id, order_ref, id) where order_ref is not null;

alter table token enable row level security;
alter table token force row level security;
create policy tenant_wall on token
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on token to vault_gateway_app;

-- The smallest UUIDv7 of a moment: its 48 bits of milliseconds, then zeros.
create function uuid_v7_floor(at timestamptz) returns uuid
language sql immutable strict set search_path = pg_catalog
as $$
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the weekly partitions from last week to `weeks_ahead`. Belongs to the owner of the tables, so that
-- the gateway can call it without the right to create anything itself. A partition is made apart and then
-- attached: that lock stands in no request's way, while `create table ... partition of` waits for all of them
-- and lets none pass meanwhile.
create function ensure_token_partitions(weeks_ahead integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
  week timestamp;
  label text;
  made integer := 0;
begin
  if weeks_ahead not between 1 and 104 then
    raise exception 'weeks_ahead is 1 to 104';
  end if;
  perform pg_advisory_xact_lock(4711001);
  for i in -1 .. weeks_ahead loop
    week := date_trunc('week', now() at time zone 'UTC') + make_interval(weeks => i);
    label := 'token_' || to_char(week, 'IYYY"w"IW');
    if to_regclass('public.' || label) is null then
      execute format('create table public.%I (like public.token including constraints)', label);
      execute format(
        'alter table public.token attach partition public.%I for values from (%L) to (%L)',
        label,
        uuid_v7_floor(week at time zone 'UTC'),
        uuid_v7_floor((week + interval '1 week') at time zone 'UTC'));
      made := made + 1;
    end if;
  end loop;
  return made;
end
$$;
revoke all on function ensure_token_partitions(integer) from public;
grant execute on function ensure_token_partitions(integer) to vault_gateway_app;

-- How many whole weeks of partitions lie ahead; /readyz fails under two.
create function token_weeks_ahead() returns integer
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select count(*)::integer
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.token'::regclass
    and c.relname > 'token_' || to_char(now() at time zone 'UTC', 'IYYY"w"IW')
$$;
revoke all on function token_weeks_ahead() from public;
grant execute on function token_weeks_ahead() to vault_gateway_app;

select ensure_token_partitions(8);

-- Missed value searches of a merchant on its latest day of any: guarantee 1.
create table search_miss (
  tenant_id uuid primary key,
  day date not null,
  misses integer not null
);
alter table search_miss enable row level security;
alter table search_miss force row level security;
create policy tenant_wall on search_miss
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on search_miss to vault_gateway_app;

-- Answers to repeated requests. `answer` holds ids and error codes by position, never a value or a mask.
create table idempotency (
  principal text not null,
  key text not null,
  fingerprint bytea not null,
  answer jsonb not null,
  created_at timestamptz not null,
  primary key (principal, key)
);
create index idempotency_created on idempotency (created_at);
grant select, insert, update, delete on idempotency to vault_gateway_app;
