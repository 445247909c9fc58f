-- Who looked, who tried, what changed. The row commits with the change it tells of, and never changes again.
-- `commitment` is SHA-256 over a version byte, the salt and the canonical JSON of the body (see audit/event.py):
-- it becomes the leaf of the transparency log, so a body can be scoped or erased while proofs stay whole.
--
-- What an auditor filters by stands in columns of its own, made from the body: under row level security no index
-- over `body ->> ...` is ever used, for the operators of jsonb are not leakproof. Partitioned by week through the
-- UUIDv7: old weeks leave as a whole, since nothing may delete a row.
create table audit_event (
  tenant_id uuid not null,
  id uuid not null,
  log text not null,
  body jsonb not null,
  salt bytea not null check (length(salt) = 16),
  commitment bytea not null check (length(commitment) = 32),
  actor text generated always as (body ->> 'actor') stored,
  role text generated always as (body ->> 'role') stored,
  action text generated always as (body ->> 'action') stored,
  outcome text generated always as (body ->> 'outcome') stored,
  waybill text generated always as (body ->> 'waybill') stored,
  order_ref text generated always as (body ->> 'order') stored,
  carrier text generated always as (body ->> 'carrier') stored,
  station text generated always as (body ->> 'station') stored,
  purpose text generated always as (body ->> 'purpose') stored,
  primary key (tenant_id, id)
) partition by range (id);

-- Few rows whatever the scope.
create index audit_event_waybill on audit_event (waybill, id) where waybill is not null;
create index audit_event_order on audit_event (order_ref, id) where order_ref is not null;
-- A log at a time, so that a page never walks over what is in another platform's log.
create index audit_event_log on audit_event (log, id);
create index audit_event_actor on audit_event (log, actor, id);
create index audit_event_action on audit_event (log, action, id);
create index audit_event_carrier on audit_event (log, carrier, id) where carrier is not null;
create index audit_event_station on audit_event (log, station, id) where station is not null;
create index audit_event_refused on audit_event (log, outcome, id) where outcome <> 'allow';

alter table audit_event enable row level security;
alter table audit_event force row level security;
-- Written for the tenant of the transaction (the nil tenant where none is known); read by an auditor's scope:
-- '*' for all, else `platform` or `platform/merchant`.
create policy audit_write on audit_event for insert
  with check (tenant_id = coalesce(nullif(current_setting('app.tenant', true), ''),
                                   '00000000-0000-0000-0000-000000000000')::uuid);
-- In a subquery each setting is read once a statement, not once a row.
create policy audit_read on audit_event for select
  using ((select current_setting('app.audit_scope', true)) = '*'
         or log = (select current_setting('app.audit_scope', true))
         or tenant_id = (select nullif(current_setting('app.audit_tenant', true), '')::uuid));
grant select, insert on audit_event to vault_gateway_app;

-- Which events concern a token: one of a reveal is of several. A table of its own, for no index over an array is used
-- under row level security. Made by the event's own insert, in one round trip, so that none is left out.
create table audit_token (
  tenant_id uuid not null,
  id uuid not null,
  log text not null,
  token text not null,
  primary key (token, id)
) partition by range (id);
alter table audit_token enable row level security;
alter table audit_token force row level security;
create policy audit_write on audit_token for insert
  with check (tenant_id = coalesce(nullif(current_setting('app.tenant', true), ''),
                                   '00000000-0000-0000-0000-000000000000')::uuid);
create policy audit_read on audit_token for select
  using ((select current_setting('app.audit_scope', true)) = '*'
         or log = (select current_setting('app.audit_scope', true))
         or tenant_id = (select nullif(current_setting('app.audit_tenant', true), '')::uuid));
grant select on audit_token to vault_gateway_app;

create function audit_name_tokens() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into public.audit_token (tenant_id, id, log, token)
  select distinct e.tenant_id, e.id, e.log, named.token
  from written as e
  cross join lateral jsonb_array_elements_text(
    coalesce(e.body -> 'tokens', jsonb_build_array(e.body ->> 'token'))) as named (token)
  where e.body ?| array['token', 'tokens'];
  return null;
end
$$;
revoke all on function audit_name_tokens() from public;
-- Once a statement: a batch of waybills is a thousand events.
create trigger audit_event_tokens after insert on audit_event
  referencing new table as written for each statement execute function audit_name_tokens();

create function audit_is_append_only() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'audit events are never changed or removed' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_event_append_only before update or delete on audit_event
  for each row execute function audit_is_append_only();
create trigger audit_event_no_truncate before truncate on audit_event
  for each statement execute function audit_is_append_only();
-- Always: also while session_replication_role keeps ordinary triggers still.
alter table audit_event enable always trigger audit_event_append_only;
alter table audit_event enable always trigger audit_event_no_truncate;
create trigger audit_event_append_only before update or delete on audit_token
  for each row execute function audit_is_append_only();
create trigger audit_event_no_truncate before truncate on audit_token
  for each statement execute function audit_is_append_only();
alter table audit_token enable always trigger audit_event_append_only;
alter table audit_token enable always trigger audit_event_no_truncate;

-- Makes the weekly partitions from last week to `weeks_ahead`, each as closed to change as the whole: a partition
-- named directly has neither the truncate trigger nor the row level security of its parent by itself.
create function ensure_audit_partitions(weeks_ahead integer) returns integer
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
    if to_regclass('public.audit_event_' || to_char(week, 'IYYY"w"IW')) is not null then
      continue;
    end if;
    foreach whole in array array['audit_token', 'audit_event'] loop
      label := whole || '_' || to_char(week, 'IYYY"w"IW');
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
    end loop;
    made := made + 1;
  end loop;
  return made;
end
$$;
revoke all on function ensure_audit_partitions(integer) from public;
grant execute on function ensure_audit_partitions(integer) to vault_gateway_app;

-- How many whole weeks of partitions lie ahead.
create function audit_weeks_ahead() returns integer
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select count(*)::integer
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'public.audit_event'::regclass
    and c.relname > 'audit_event_' || to_char(now() at time zone 'UTC', 'IYYY"w"IW')
$$;
revoke all on function audit_weeks_ahead() from public;
grant execute on function audit_weeks_ahead() to vault_gateway_app;

select ensure_audit_partitions(8);
