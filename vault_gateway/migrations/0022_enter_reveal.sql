-- The tenant comes along, so that its wall is opened in the same round trip.
drop function locate_reveal(uuid);
create function locate_reveal(in_id uuid)
  returns table (tenant_id uuid, platform text, merchant text, waybill_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select g.tenant_id, t.platform, t.merchant, g.waybill_id
  from public.reveal_grant g join public.tenant t using (tenant_id)
  where g.id = in_id
$$;
alter function locate_reveal(uuid) owner to vault_gateway_lookup;
revoke all on function locate_reveal(uuid) from public;
grant execute on function locate_reveal(uuid) to vault_gateway_app;
