-- What a recipient sees by the code on the parcel: who was given what of their data, when, and why. All of it by the
-- code alone, so that whoever calls these has to know one. Nobody's value is in it, and no courier's name.
create index waybill_receipt on waybill (receipt_code);

create function receipt_parcel(in_code text)
returns table (waybill_no text, network text, carrier text, platform text, state text, created_at timestamptz)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select w.waybill_no, w.network, w.carrier, t.platform, w.state, w.created_at
  from public.waybill w join public.tenant t using (tenant_id)
  where w.receipt_code = in_code
$$;

-- Newest first. `kind`: `reveal` (values went out, or may have), `call` and `message` (the relay opened the phone to
-- connect them), `notice` (a message by template). A break-glass grant of one token alone is of every parcel that
-- has it.
create function receipt_disclosures(in_code text, in_limit integer)
returns table (kind text, at timestamptz, carrier text, purpose text, fields text[], confirmed boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  with parcel as (select * from public.waybill w where w.receipt_code = in_code)
  select 'reveal', g.first_released_at, g.carrier, g.purpose, g.fields, g.state = 'delivered'
  from parcel w join public.reveal_grant g on g.tenant_id = w.tenant_id and g.waybill_id = w.id
  where g.released > 0
  union all
  select 'reveal', g.first_released_at, null, g.purpose, g.fields, g.state = 'delivered'
  from parcel w
  join public.reveal_token t
    on t.tenant_id = w.tenant_id and t.token in (w.recipient_name, w.recipient_phone, w.recipient_address)
  join public.reveal_grant g on g.tenant_id = t.tenant_id and g.id = t.reveal_id
  where g.waybill_id is null and g.released > 0
  union all
  select case c.medium when 'sms' then 'message' else 'call' end, c.routed_at, w.carrier, null, array['phone'], true
  from parcel w
  join public.relay_binding b on b.tenant_id = w.tenant_id and b.waybill_id = w.id
  join public.relay_call c on c.binding_id = b.id
  where c.phone_tenant = w.tenant_id and c.phone_token = w.recipient_phone
  union all
  select 'notice', n.updated_at, n.carrier, n.template, array['phone'], true
  from parcel w join public.notice n on n.waybill_id = w.id
  where n.state = 'sent'
  order by 2 desc limit least(in_limit, 1001)
$$;

grant select on reveal_token, relay_call, notice to vault_gateway_lookup;
alter function receipt_parcel(text) owner to vault_gateway_lookup;
alter function receipt_disclosures(text, integer) owner to vault_gateway_lookup;
revoke all on function receipt_parcel(text), receipt_disclosures(text, integer) from public;
-- A node that only shows what is on record may show this too; all others are members of that role.
grant execute on function receipt_parcel(text), receipt_disclosures(text, integer) to vault_gateway_audit;
