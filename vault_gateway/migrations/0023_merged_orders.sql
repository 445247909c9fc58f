-- Orders of one recipient that go in one parcel. The first stands in `waybill.order_ref`, as that of any parcel; those
-- behind it stand here, in their places.
create table merged_order (
  tenant_id uuid not null,
  waybill_id uuid not null,
  place smallint not null,
  order_ref text not null,
  primary key (tenant_id, waybill_id, place)
);
create index merged_order_ref on merged_order (tenant_id, order_ref, waybill_id);
alter table merged_order enable row level security;
alter table merged_order force row level security;
create policy tenant_wall on merged_order
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert on merged_order to vault_gateway_app;

-- Which events concern an order beside others; one that concerns a single order has it in its own row. Like `audit_token`.
create table audit_order (
  tenant_id uuid not null,
  id uuid not null,
  log text not null,
  order_ref text not null,
  primary key (order_ref, id)
) partition by range (id);
alter table audit_order enable row level security;
alter table audit_order force row level security;
create policy audit_write on audit_order for insert
  with check (tenant_id = coalesce(nullif(current_setting('app.tenant', true), ''),
                                   '00000000-0000-0000-0000-000000000000')::uuid);
create policy audit_read on audit_order for select
  using ((select current_setting('app.audit_scope', true)) = '*'
         or log = (select current_setting('app.audit_scope', true))
         or tenant_id = (select nullif(current_setting('app.audit_tenant', true), '')::uuid));
grant select on audit_order to vault_gateway_audit;

create function audit_name_orders() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.audit_order (tenant_id, id, log, order_ref)
  select distinct e.tenant_id, e.id, e.log, named.order_ref
  from written as e
  cross join lateral jsonb_array_elements_text(e.body -> 'orders') as named (order_ref)
  where e.body ? 'orders';
  return null;
end
$$;
revoke all on function audit_name_orders() from public;
create trigger audit_event_orders after insert on audit_event
  referencing new table as written for each statement execute function audit_name_orders();

create trigger audit_event_append_only before update or delete on audit_order
  for each row execute function audit_is_append_only();
create trigger audit_event_no_truncate before truncate on audit_order
  for each statement execute function audit_is_append_only();
alter table audit_order enable always trigger audit_event_append_only;
alter table audit_order enable always trigger audit_event_no_truncate;

-- As before, for each table by itself: the weeks ahead have partitions of the older ones already.
create or replace function ensure_audit_partitions(weeks_ahead integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
declare
  week timestamp;
  whole text;
  label text;
  made integer := 0;
begin
  if weeks_ahead not between 1 and 104 then
    raise exception 'weeks_ahead is 1 to 104';
  end if;
  perform pg_advisory_xact_lock(4711002);
  for i in -1 .. weeks_ahead loop
    week := date_trunc('week', now() at time zone 'UTC') + make_interval(weeks => i);
    foreach whole in array array['audit_token', 'audit_order', 'audit_event'] loop
      label := whole || '_' || to_char(week, 'IYYY"w"IW');
      continue when to_regclass('public.' || label) is not null;
      execute format(
        'create table public.%I partition of public.%I for values from (%L) to (%L)',
        label,
        whole,
        uuid_v7_floor(week at time zone 'UTC'),
        uuid_v7_floor((week + interval '1 week') at time zone 'UTC'));
      execute format('alter table public.%I enable row level security', label);
      execute format('alter table public.%I force row level security', label);
      execute format(
        'create trigger audit_event_no_truncate before truncate on public.%I
           for each statement execute function public.audit_is_append_only()', label);
      execute format('alter table public.%I enable always trigger audit_event_no_truncate', label);
      execute format('alter table public.%I enable always trigger audit_event_append_only', label);
      made := made + (whole = 'audit_event')::integer;
    end loop;
  end loop;
  return made;
end
$$;
select ensure_audit_partitions(8);
