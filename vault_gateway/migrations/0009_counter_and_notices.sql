-- At the pick-up station: the parcels that wait there, by the last four digits that a person says. Over all tenants,
-- and then read tenant by tenant behind the wall. Each parcel's phone by its key, never the phones as a whole.
create function parcels_at_counter(in_carrier text, in_station text, in_last4 text, in_limit integer)
returns table (tenant_id uuid, id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
set enable_hashjoin = off set enable_mergejoin = off
as $$
  select w.tenant_id, w.id
  from public.waybill w
  join public.token t on t.tenant_id = w.tenant_id and t.id = w.recipient_phone
  where w.carrier = in_carrier and w.station = in_station and w.state = 'at_station'
    and t.last4 = in_last4 and t.erased_at is null
  order by w.id desc limit least(in_limit, 101)
$$;
alter function parcels_at_counter(text, text, text, integer) owner to vault_gateway_lookup;
revoke all on function parcels_at_counter(text, text, text, integer) from public;
grant execute on function parcels_at_counter(text, text, text, integer) to vault_gateway_app;

-- The number of a merchant's own service, that an operator registered: one side of its pairs.
create table relay_service_number (
  tenant_id uuid primary key,
  phone_token uuid not null,
  set_at timestamptz not null
);
alter table relay_service_number enable row level security;
alter table relay_service_number force row level security;
create policy tenant_wall on relay_service_number
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on relay_service_number to vault_gateway_app;

-- Messages to recipients that wait, went out, or never will: the template and its parameters, never the number or the
-- text. `due_at` is when it may be taken next; whoever takes one moves it ahead first, so that a sender that dies
-- leaves it to the next. A queue over all tenants, so without a wall.
create table notice (
  id uuid primary key,
  tenant_id uuid not null,
  waybill_id uuid not null,
  waybill_no text not null,
  carrier text not null,
  template text not null,
  language text not null,
  -- Null once it is over: a pick-up code is kept no longer than it takes.
  params jsonb,
  -- On whose behalf: asked again, with the parcel as it then is, before each try.
  principal text not null,
  role text not null,
  station text,
  handle text,
  state text not null check (state in ('queued', 'sent', 'dead', 'cancelled')),
  reason text,
  tries integer not null default 0,
  due_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((state in ('sent', 'cancelled')) = (params is null))
);
create index notice_due on notice (due_at) where state = 'queued';
create index notice_dead on notice (id) where state = 'dead';
create index notice_waybill on notice (waybill_id);
grant select, insert, update on notice to vault_gateway_app;
