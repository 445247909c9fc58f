-- `can_call_back` is false already when half of the day is over for which a recipient is known after a call: the next
-- call then renews it, and most calls write nothing. Nobody is known beyond the end of the number itself.
create or replace function relay_end(in_number text, in_dialled bytea, in_caller bytea, in_now timestamptz)
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
                 where c.number = s.number and c.binding_id = s.binding_id
                   and c.until >= least(in_now + interval '12 hours', s.expires_at))
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
