-- Tokens of the recipient that came with the further orders of a merged parcel; the first order's are the parcel's own.
-- They open the same person's values, so that what is opened by them is on that person's page. None is here of a
-- recipient who was corrected to another.
create table merged_recipient (
  tenant_id uuid not null,
  waybill_id uuid not null,
  token uuid not null,
  primary key (tenant_id, waybill_id, token)
);
alter table merged_recipient enable row level security;
alter table merged_recipient force row level security;
create policy tenant_wall on merged_recipient
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, delete on merged_recipient to vault_gateway_app;
grant select on merged_recipient to vault_gateway_lookup;

-- As before, and with the tokens of merged orders.
create or replace function receipt_disclosures(in_code text, in_limit integer)
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
  cross join lateral (
    select unnest(array[w.recipient_name, w.recipient_phone, w.recipient_address]) as token
    union
    select m.token from public.merged_recipient m where m.tenant_id = w.tenant_id and m.waybill_id = w.id
  ) as own
  join public.reveal_token t on t.tenant_id = w.tenant_id and t.token = own.token
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
