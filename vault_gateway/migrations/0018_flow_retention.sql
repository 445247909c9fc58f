-- Days of flows that are closed: what their parcels were counted by leaves, and later what was shown of them.
create index flow_parcel_day on flow_parcel (day);
grant delete on flow_parcel, flow_page to vault_gateway_app;

-- Over all tenants, the oldest first; they are then removed tenant by tenant behind the wall.
create function flow_parcels_until(in_day date, in_limit integer) returns table (tenant_id uuid, waybill_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select p.tenant_id, p.waybill_id from public.flow_parcel p
  where p.day <= in_day order by p.day limit least(in_limit, 5000)
$$;
grant select on flow_parcel to vault_gateway_lookup;
alter function flow_parcels_until(date, integer) owner to vault_gateway_lookup;
revoke all on function flow_parcels_until(date, integer) from public;
grant execute on function flow_parcels_until(date, integer) to vault_gateway_app;
