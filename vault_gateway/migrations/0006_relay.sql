-- Relay numbers: the pool, who is behind which number and extension, and the calls.
-- `occupied` counts what is live or rests; it never passes `capacity`, so that a guessed extension finds nobody.
create table relay_number (
  number text primary key,
  telecom text not null,
  mode text not null check (mode in ('extension', 'axb')),
  -- A city or province as addresses name them; null serves everywhere.
  region text,
  digits integer not null check (digits between 4 and 8 or (mode = 'axb' and digits = 0)),
  capacity integer not null check (capacity > 0),
  occupied integer not null default 0 check (occupied between 0 and capacity),
  added_at timestamptz not null,
  retired_at timestamptz
);
create index relay_number_free on relay_number (mode, region, occupied, number)
  where retired_at is null and occupied < capacity;
create index relay_number_least on relay_number (mode, occupied, number)
  where retired_at is null and occupied < capacity;
-- Numbers come and go by an operator; the gateway takes places on them.
grant select, update (occupied) on relay_number to vault_gateway_app;

-- What a merchant sees of a parcel's number. Live until `expires_at`, at rest until `cool_until`: both follow
-- from time, so that no job has to run for a number to close.
create table relay_binding (
  tenant_id uuid not null,
  id uuid not null,
  waybill_id uuid not null,
  waybill_no text not null,
  mode text not null,
  number text not null,
  extension text,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  cool_until timestamptz not null,
  released boolean not null default false,
  primary key (tenant_id, id)
);
create index relay_binding_waybill on relay_binding (tenant_id, waybill_id, id);
create index relay_binding_rested on relay_binding (cool_until, id);
alter table relay_binding enable row level security;
alter table relay_binding force row level security;
create policy tenant_wall on relay_binding
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on relay_binding to vault_gateway_app;

-- From what is dialled to whom it reaches: one row for each end that can be called. `dialled` is the extension, or
-- for AXB the keyed digest of the one caller who reaches this end. No personal data, no wall: it finds the tenant.
create table relay_slot (
  number text not null references relay_number,
  dialled bytea not null,
  tenant_id uuid not null,
  binding_id uuid not null,
  waybill_id uuid not null,
  -- Whose phone: of the parcel's merchant, or of the carrier's couriers.
  phone_tenant uuid not null,
  phone_token uuid not null,
  -- Closed before its time ran out.
  released boolean not null default false,
  expires_at timestamptz not null,
  cool_until timestamptz not null,
  primary key (number, dialled)
);
create index relay_slot_binding on relay_slot (binding_id);
create index relay_slot_rested on relay_slot (cool_until);
-- For a phone that is erased.
create index relay_slot_phone on relay_slot (phone_token);
grant select, insert, update, delete on relay_slot to vault_gateway_app;

-- A recipient who was called may call back without an extension: which binding that means, by keyed digest.
create table relay_callback (
  number text not null references relay_number,
  caller bytea not null,
  binding_id uuid not null,
  until timestamptz not null,
  primary key (number, caller)
);
create index relay_callback_until on relay_callback (until);
create index relay_callback_binding on relay_callback (binding_id);
grant select, insert, update, delete on relay_callback to vault_gateway_app;

-- A parcel that asked for a number when there was none.
create table relay_exhausted (
  tenant_id uuid not null,
  waybill_id uuid not null,
  at timestamptz not null,
  primary key (tenant_id, waybill_id)
);
create index relay_exhausted_at on relay_exhausted (at, waybill_id);
alter table relay_exhausted enable row level security;
alter table relay_exhausted force row level security;
create policy tenant_wall on relay_exhausted
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on relay_exhausted to vault_gateway_app;

-- Calls and messages that were connected. `caller` is a keyed digest. Partition keys lead: a telecom's own ids.
create table relay_call (
  telecom text not null,
  call_id text not null,
  medium text not null check (medium in ('voice', 'sms')),
  tenant_id uuid not null,
  binding_id uuid not null,
  waybill_id uuid not null,
  number text not null,
  caller bytea not null,
  -- The token that the call was connected to, so that a repeated question gets the same answer.
  phone_tenant uuid not null,
  phone_token uuid not null,
  -- Did a failed call come from the courier's registered phone? Null until that is found out.
  by_courier boolean,
  routed_at timestamptz not null,
  -- The first call record, and what became of it.
  recorded_at timestamptz,
  failed_at timestamptz,
  primary key (telecom, call_id)
);
create index relay_call_unrecorded on relay_call (telecom, routed_at) where recorded_at is null;
create index relay_call_binding on relay_call (binding_id, routed_at);
create index relay_call_routed on relay_call (routed_at);
create index relay_call_failed on relay_call (waybill_id, failed_at) where failed_at is not null;
grant select, insert, update, delete on relay_call to vault_gateway_app;

create table relay_call_event (
  telecom text not null,
  call_id text not null,
  type text not null check (type in ('start', 'ring', 'answer', 'end', 'failed')),
  at timestamptz not null,
  received_at timestamptz not null,
  reason text,
  primary key (telecom, call_id, type)
);
grant select, insert, delete on relay_call_event to vault_gateway_app;

-- One read answers a call: the end that was dialled (or, without an extension, the one that this caller was last
-- called from), and the ciphertexts of its phone and of the courier's, over all tenants.
create function relay_end(in_number text, in_dialled bytea, in_caller bytea, in_now timestamptz)
returns table (
  binding_id uuid, waybill_id uuid, waybill_no text, platform text, merchant text, carrier text, released boolean,
  expires_at timestamptz, cool_until timestamptz,
  phone_tenant uuid, phone_token uuid, phone_platform text, key_version integer, ciphertext bytea,
  courier_tenant uuid, courier_token uuid, courier_key_version integer, courier_ciphertext bytea,
  called_back boolean, can_call_back boolean
)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select s.binding_id, s.waybill_id, w.waybill_no, wt.platform, wt.merchant, w.carrier, s.released,
         s.expires_at, s.cool_until,
         s.phone_tenant, s.phone_token, pt.platform, t.key_version, t.ciphertext,
         ct.tenant_id, ct.id, ct.key_version, ct.ciphertext,
         in_dialled is null,
         exists (select from public.relay_callback c
                 where c.number = s.number and c.binding_id = s.binding_id and c.until > in_now)
  from public.relay_slot s
  join public.waybill w on w.tenant_id = s.tenant_id and w.id = s.waybill_id
  join public.tenant wt on wt.tenant_id = s.tenant_id
  join public.tenant pt on pt.tenant_id = s.phone_tenant
  left join public.token t on t.tenant_id = s.phone_tenant and t.id = s.phone_token and t.erased_at is null
  left join public.courier k on k.carrier = w.carrier and k.handle = w.courier and k.removed_at is null
  left join public.tenant kt on kt.platform = 'carrier' and kt.merchant = k.carrier
  left join public.token ct on ct.tenant_id = kt.tenant_id and ct.id = k.phone_token and ct.erased_at is null
  where s.number = in_number
    and s.dialled = coalesce(in_dialled, (
      select called.dialled
      from public.relay_callback c
      join public.relay_slot called on called.number = c.number and called.binding_id = c.binding_id
      where c.number = in_number and c.caller = in_caller and c.until > in_now
      limit 1))
$$;
-- The registered phone of the courier who has a parcel.
create function relay_courier(in_waybill uuid)
returns table (phone_tenant uuid, phone_token uuid, key_version integer, ciphertext bytea)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select t.tenant_id, t.id, t.key_version, t.ciphertext
  from public.waybill w
  join public.courier k on k.carrier = w.carrier and k.handle = w.courier and k.removed_at is null
  join public.tenant kt on kt.platform = 'carrier' and kt.merchant = k.carrier
  join public.token t on t.tenant_id = kt.tenant_id and t.id = k.phone_token and t.erased_at is null
  where w.id = in_waybill
$$;
create index waybill_id on waybill (id);
create index waybill_directory_waybill on waybill_directory (waybill_id);
grant select on relay_slot, relay_callback, tenant, token, courier to vault_gateway_lookup;
alter function relay_courier(uuid) owner to vault_gateway_lookup;
revoke all on function relay_courier(uuid) from public;
grant execute on function relay_courier(uuid) to vault_gateway_app;
alter function relay_end(text, bytea, bytea, timestamptz) owner to vault_gateway_lookup;
revoke all on function relay_end(text, bytea, bytea, timestamptz) from public;
grant execute on function relay_end(text, bytea, bytea, timestamptz) to vault_gateway_app;
