-- Break-glass: what one responder asked for and another approved. An approved request and the grant that it made
-- have the same id.
create table break_glass (
  tenant_id uuid not null,
  id uuid not null,
  -- A parcel's recipient, or one token alone.
  waybill_id uuid,
  waybill_no text,
  order_ref text,
  carrier text,
  token text,
  -- Both come by JWT of this issuer; a token of theirs that is revoked ends what it asked for or approved.
  issuer text not null,
  requester text not null,
  requester_jti text not null,
  reason text not null,
  requested_at timestamptz not null,
  expires_at timestamptz not null,
  approver text,
  approver_jti text,
  approver_reason text,
  approved_at timestamptz,
  primary key (tenant_id, id),
  check ((waybill_id is null) <> (token is null)),
  check ((waybill_id is null) = (waybill_no is null)),
  check (approver <> requester),
  check (num_nulls(approver, approver_jti, approver_reason, approved_at) in (0, 4))
);
create unique index break_glass_id on break_glass (id);
create index break_glass_issuer on break_glass (issuer, id);
alter table break_glass enable row level security;
alter table break_glass force row level security;
create policy tenant_wall on break_glass
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on break_glass to vault_gateway_app;
-- Once asked, nothing of it changes but who approved it.
grant update (approver, approver_jti, approver_reason, approved_at) on break_glass to vault_gateway_app;

-- How often a person took part on its latest day of any, asking or approving.
create table break_glass_quota (
  principal text primary key,
  day date not null,
  used integer not null
);
grant select, insert, update on break_glass_quota to vault_gateway_app;

-- A grant of a token alone belongs to no parcel.
alter table reveal_grant alter column waybill_id drop not null;
alter table reveal_grant alter column waybill_no drop not null;
alter table reveal_grant alter column carrier drop not null;
alter table reveal_grant add check (purpose = 'break_glass' or num_nulls(waybill_id, waybill_no, carrier) = 0);

-- Where a token is, when all that is known is the token. Its rows came in the order of their ids, so an index of a
-- page's least and greatest id finds it, and costs tokenising nothing.
create index token_id on token using brin (id) with (autosummarize = on);
create function locate_token(in_id uuid) returns table (platform text, merchant text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select t.platform, t.merchant
  from public.token k join public.tenant t using (tenant_id)
  where k.id = in_id and k.erased_at is null
$$;

create function locate_break_glass(in_id uuid) returns table (platform text, merchant text, waybill_id uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select t.platform, t.merchant, b.waybill_id
  from public.break_glass b join public.tenant t using (tenant_id)
  where b.id = in_id
$$;

-- Newest first: of one issuer, of a platform, of a merchant, or (all null) of everybody.
create function find_break_glass(
  in_issuer text, in_platform text, in_merchant text, in_before uuid, in_limit integer
) returns table (id uuid, platform text, merchant text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select b.id, t.platform, t.merchant
  from public.break_glass b join public.tenant t using (tenant_id)
  where (in_issuer is null or b.issuer = in_issuer)
    and (in_platform is null or t.platform = in_platform)
    and (in_merchant is null or t.merchant = in_merchant)
    and (in_before is null or b.id < in_before)
  order by b.id desc limit least(in_limit, 101)
$$;

grant select on break_glass to vault_gateway_lookup;
alter function locate_token(uuid) owner to vault_gateway_lookup;
alter function locate_break_glass(uuid) owner to vault_gateway_lookup;
alter function find_break_glass(text, text, text, uuid, integer) owner to vault_gateway_lookup;
revoke all on function locate_token(uuid) from public;
revoke all on function locate_break_glass(uuid) from public;
revoke all on function find_break_glass(text, text, text, uuid, integer) from public;
grant execute on function locate_token(uuid) to vault_gateway_app;
grant execute on function locate_break_glass(uuid) to vault_gateway_app;
grant execute on function find_break_glass(text, text, text, uuid, integer) to vault_gateway_app;
