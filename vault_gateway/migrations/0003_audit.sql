-- Who looked, who tried, what changed. The row commits with the change it tells of, and never changes again.
-- `commitment` is SHA-256 over a version byte, the salt and the canonical JSON of the body (see audit/event.py):
-- it becomes the leaf of the transparency log, so a body can be scoped or erased while proofs stay whole.
create table audit_event (
  tenant_id uuid not null,
  id uuid not null,
  log text not null,
  body jsonb not null,
  salt bytea not null check (length(salt) = 16),
  commitment bytea not null check (length(commitment) = 32),
  primary key (tenant_id, id)
);
create index audit_event_all on audit_event (id desc);
create index audit_event_log on audit_event (log, id desc);
create index audit_event_actor on audit_event ((body ->> 'actor'), id desc);
create index audit_event_waybill on audit_event ((body ->> 'waybill'), id desc) where body ? 'waybill';
create index audit_event_token on audit_event ((body ->> 'token'), id desc) where body ? 'token';
create index audit_event_order on audit_event ((body ->> 'order'), id desc) where body ? 'order';

alter table audit_event enable row level security;
alter table audit_event force row level security;
-- Written for the tenant of the transaction (the nil tenant where none is known); read by an auditor's scope:
-- '*' for all, else `platform` or `platform/merchant`.
create policy audit_write on audit_event for insert
  with check (tenant_id = coalesce(nullif(current_setting('app.tenant', true), ''),
                                   '00000000-0000-0000-0000-000000000000')::uuid);
create policy audit_read on audit_event for select
  using (current_setting('app.audit_scope', true) = '*'
         or log = current_setting('app.audit_scope', true)
         or tenant_id = nullif(current_setting('app.audit_tenant', true), '')::uuid);
grant select, insert on audit_event to vault_gateway_app;

create function audit_is_append_only() returns trigger
language plpgsql
as $$
begin
  raise exception 'audit events are never changed or removed' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_event_append_only before update or delete on audit_event
  for each row execute function audit_is_append_only();
create trigger audit_event_no_truncate before truncate on audit_event
  for each statement execute function audit_is_append_only();
