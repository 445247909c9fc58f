-- Exact counts of a day, and couriers that were suspended. No personal data.

-- Suspended until its carrier or an operator lifts it, also over a removal: a handle that is registered anew stays so.
alter table courier add column suspended_at timestamptz, add column suspended_for text;

-- What a courier did on a day. One row, which only this courier's own requests wait for. `seen_*` is what was there
-- when a suspension was lifted: the alarm counts from there on.
create table courier_day (
  carrier text not null,
  handle text not null,
  day date not null,
  reveals integer not null default 0,
  recipients integer not null default 0,
  denials integer not null default 0,
  seen_recipients integer not null default 0,
  seen_denials integer not null default 0,
  primary key (carrier, handle, day)
) with (fillfactor = 70);
create index courier_day_age on courier_day (day);
grant select, insert, update, delete on courier_day to vault_gateway_app;

-- What was revealed of a merchant for a purpose on a day, spread over slots of the quota, so that one parcel's reveal
-- does not wait for another's.
create table merchant_day (
  tenant_id uuid not null,
  purpose text not null,
  day date not null,
  slot smallint not null,
  used integer not null,
  primary key (tenant_id, purpose, day, slot)
) with (fillfactor = 70);
alter table merchant_day enable row level security;
alter table merchant_day force row level security;
create policy tenant_wall on merchant_day
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update, delete on merchant_day to vault_gateway_app;

-- To count anew once a quota seems to be used up.
create index reveal_grant_day on reveal_grant (tenant_id, purpose, issued_at);
create index reveal_grant_holder on reveal_grant (carrier, holder, issued_at);

-- Of one courier over all merchants. What ended undisclosed before `in_settled` does not count.
create function reveals_of_holder(in_carrier text, in_holder text, in_from timestamptz, in_settled timestamptz)
returns integer
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select count(*)::integer from public.reveal_grant g
  where g.carrier = in_carrier and g.holder = in_holder and g.issued_at >= in_from
    and (g.released > 0 or (g.state <> 'revoked' and g.expires_at > in_settled))
$$;
alter function reveals_of_holder(text, text, timestamptz, timestamptz) owner to vault_gateway_lookup;

revoke all on function reveals_of_holder(text, text, timestamptz, timestamptz) from public;
grant execute on function reveals_of_holder(text, text, timestamptz, timestamptz) to vault_gateway_app;
