-- What is past its time, over all tenants and oldest first; it is then removed tenant by tenant behind the wall. `over` says
-- whether the parcel's way is over: of one that still moves nothing is removed, for that a parcel had a number, or found
-- none, decides who may see its phone. Asked page by page, so that parcels that never end are walked past.
create function relay_bindings_rested(in_before timestamptz, in_after timestamptz, in_after_id uuid, in_limit integer)
returns table (tenant_id uuid, id uuid, at timestamptz, over boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select b.tenant_id, b.id, b.cool_until,
         not exists (select from public.waybill_directory d where d.waybill_id = b.waybill_id and d.live)
  from public.relay_binding b
  where b.cool_until <= in_before and (b.cool_until, b.id) > (in_after, in_after_id)
  order by b.cool_until, b.id limit least(in_limit, 5000)
$$;
create function relay_exhausted_before(in_before timestamptz, in_after timestamptz, in_after_id uuid, in_limit integer)
returns table (tenant_id uuid, id uuid, at timestamptz, over boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select e.tenant_id, e.waybill_id, e.at,
         not exists (select from public.waybill_directory d where d.waybill_id = e.waybill_id and d.live)
  from public.relay_exhausted e
  where e.at <= in_before and (e.at, e.waybill_id) > (in_after, in_after_id)
  order by e.at, e.waybill_id limit least(in_limit, 5000)
$$;
grant select on relay_binding, relay_exhausted, waybill_directory to vault_gateway_lookup;
alter function relay_bindings_rested(timestamptz, timestamptz, uuid, integer) owner to vault_gateway_lookup;
alter function relay_exhausted_before(timestamptz, timestamptz, uuid, integer) owner to vault_gateway_lookup;
revoke all on function relay_bindings_rested(timestamptz, timestamptz, uuid, integer) from public;
revoke all on function relay_exhausted_before(timestamptz, timestamptz, uuid, integer) from public;
grant execute on function relay_bindings_rested(timestamptz, timestamptz, uuid, integer) to vault_gateway_app;
grant execute on function relay_exhausted_before(timestamptz, timestamptz, uuid, integer) to vault_gateway_app;
