create table waybill (
  tenant_id uuid not null,
  id uuid not null,
  waybill_no text not null,
  network text not null,
  carrier text not null,
  order_ref text,
  state text not null,
  recipient_name uuid not null,
  recipient_phone uuid not null,
  recipient_address uuid not null,
  sender_name uuid,
  sender_phone uuid,
  sender_address uuid,
  courier text,
  station text,
  deliver_by timestamptz,
  receipt_code text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, id)
);
create index waybill_list on waybill (tenant_id, state, id);
create index waybill_order on waybill (tenant_id, order_ref, id) where order_ref is not null;
create index waybill_courier on waybill (carrier, courier, state, id) where courier is not null;
create index waybill_station on waybill (carrier, station, state, id) where station is not null;
create index waybill_carrier on waybill (carrier, id);
create index waybill_carrier_state on waybill (carrier, state, id);
-- For whoever asks what changed since.
create index waybill_changed on waybill (tenant_id, updated_at);
create index waybill_carrier_changed on waybill (carrier, updated_at);
alter table waybill enable row level security;
alter table waybill force row level security;
create policy tenant_wall on waybill
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on waybill to vault_gateway_app;

-- From a number to its tenant. A number is unique while its parcel lives and may be used again afterwards.
create table waybill_directory (
  waybill_no text not null,
  waybill_id uuid not null,
  tenant_id uuid not null references tenant,
  live boolean not null,
  primary key (waybill_no, waybill_id)
);
create unique index waybill_directory_live on waybill_directory (waybill_no) where live;
grant select, insert, update on waybill_directory to vault_gateway_app;

create table waybill_event (
  tenant_id uuid not null,
  id uuid not null,
  waybill_id uuid not null,
  type text not null,
  state text not null,
  at timestamptz not null,
  recorded_at timestamptz not null,
  courier text,
  station text,
  deliver_by timestamptz,
  primary key (tenant_id, id)
);
create index waybill_event_waybill on waybill_event (tenant_id, waybill_id, id);
alter table waybill_event enable row level security;
alter table waybill_event force row level security;
create policy tenant_wall on waybill_event
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on waybill_event to vault_gateway_app;

-- The parcels of a carrier over all merchants: found here, and then read tenant by tenant behind the wall. Put
-- together of what is asked, so that each question is planned for itself and finds its index.
create function parcels_of_carrier(
  in_carrier text, in_courier text, in_station text, in_state text, in_since timestamptz, in_before uuid, in_limit integer
) returns table (tenant_id uuid, id uuid)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query execute
    'select w.tenant_id, w.id from public.waybill w where w.carrier = $1'
    || case when in_courier is null then '' else ' and w.courier = $2' end
    || case when in_station is null then '' else ' and w.station = $3' end
    || case when in_state is null then '' else ' and w.state = $4' end
    || case when in_since is null then '' else ' and w.updated_at >= $5' end
    || case when in_before is null then '' else ' and w.id < $6' end
    || ' order by w.id desc limit least($7, 1001)'
    using in_carrier, in_courier, in_station, in_state, in_since, in_before, in_limit;
end
$$;

create table reveal_grant (
  tenant_id uuid not null,
  id uuid not null,
  waybill_id uuid not null,
  waybill_no text not null,
  order_ref text,
  carrier text not null,
  holder text not null,
  principal text not null,
  purpose text not null,
  fields text[] not null,
  tokens uuid[] not null,
  -- issued, claimed, delivered or revoked. `expired` and `unconfirmed` follow from time (reveals/machine.py).
  state text not null check (state in ('issued', 'claimed', 'delivered', 'revoked')),
  public_key bytea,
  released integer not null default 0,
  ack_digests bytea[] not null default '{}',
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  claimed_at timestamptz,
  first_released_at timestamptz,
  closed_at timestamptz,
  primary key (tenant_id, id)
);
create unique index reveal_grant_id on reveal_grant (id);
create index reveal_grant_waybill on reveal_grant (tenant_id, waybill_id);
alter table reveal_grant enable row level security;
alter table reveal_grant force row level security;
create policy tenant_wall on reveal_grant
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on reveal_grant to vault_gateway_app;

-- Which grants named which token, for the life-long count of a token.
create table reveal_token (
  tenant_id uuid not null,
  token uuid not null,
  reveal_id uuid not null,
  primary key (tenant_id, token, reveal_id)
);
alter table reveal_token enable row level security;
alter table reveal_token force row level security;
create policy tenant_wall on reveal_token
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on reveal_token to vault_gateway_app;

-- From a reveal to its tenant and its waybill: the wall is opened for the one, the other is locked first.
create function locate_reveal(in_id uuid) returns table (platform text, merchant text, waybill_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select t.platform, t.merchant, g.waybill_id
  from public.reveal_grant g join public.tenant t using (tenant_id)
  where g.id = in_id
$$;

grant select on tenant, waybill, reveal_grant to vault_gateway_lookup;
alter function parcels_of_carrier(text, text, text, text, timestamptz, uuid, integer) owner to vault_gateway_lookup;
alter function locate_reveal(uuid) owner to vault_gateway_lookup;
revoke all on function parcels_of_carrier(text, text, text, text, timestamptz, uuid, integer) from public;
revoke all on function locate_reveal(uuid) from public;
grant execute on function parcels_of_carrier(text, text, text, text, timestamptz, uuid, integer) to vault_gateway_app;
grant execute on function locate_reveal(uuid) to vault_gateway_app;
