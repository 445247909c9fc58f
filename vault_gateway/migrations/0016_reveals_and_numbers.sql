-- Who may write what opens values: the logins of nodes with the duty to reveal, and no others. A node that only takes
-- values in cannot make itself a grant in the database, nor approve one, whatever becomes of its process.
do $$
begin
  if not exists (select from pg_roles where rolname = 'vault_gateway_reveal') then
    create role vault_gateway_reveal nologin;
  end if;
end
$$;
grant usage on schema public to vault_gateway_reveal;

revoke insert, update on reveal_grant, merchant_day, break_glass_quota from vault_gateway_app;
revoke insert on reveal_token, break_glass from vault_gateway_app;
revoke update (approver, approver_jti, approver_reason, approved_at) on break_glass from vault_gateway_app;
revoke delete on merchant_day from vault_gateway_app;

grant insert, update on reveal_grant, break_glass_quota to vault_gateway_reveal;
grant insert, update, delete on merchant_day to vault_gateway_reveal;
grant insert on reveal_token, break_glass to vault_gateway_reveal;
grant update (approver, approver_jti, approver_reason, approved_at) on break_glass to vault_gateway_reveal;

-- The parcels that have or had a number, over all tenants, with what policies ask about them: one round trip, whether it
-- had none, one or several. Its plan is kept for the session.
create function parcels_of_number(in_number text)
returns table (waybill_id uuid, platform text, merchant text, carrier text, state text, courier text, station text,
               deliver_by timestamptz)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  return query
    select w.id, t.platform, t.merchant, w.carrier, w.state, w.courier, w.station, w.deliver_by
    from public.waybill_directory d
    join public.tenant t using (tenant_id)
    join public.waybill w on w.tenant_id = d.tenant_id and w.id = d.waybill_id
    where d.waybill_no = in_number
    order by d.live desc, d.waybill_id desc limit 4;
end
$$;
grant select on waybill_directory to vault_gateway_lookup;
alter function parcels_of_number(text) owner to vault_gateway_lookup;
revoke all on function parcels_of_number(text) from public;
grant execute on function parcels_of_number(text) to vault_gateway_app;
