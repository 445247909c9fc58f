-- Of a node that only shows the access log: it reads the log and who calls, writes what it was asked, and counts a
-- courier's denials. It sees no token and no parcel, and writes nothing else. The others may all of it.
do $$
begin
  if not exists (select from pg_roles where rolname = 'vault_gateway_audit') then
    create role vault_gateway_audit nologin;
  end if;
end
$$;
grant usage on schema public to vault_gateway_audit;

grant select, insert on audit_event to vault_gateway_audit;
grant select on audit_token, schema_migration, platform, tenant, issuer, revoked_token to vault_gateway_audit;
grant select (name, role, platform, merchant, carrier, station, created_at, revoked_at) on client to vault_gateway_audit;
-- Not whose phone it has.
grant select (carrier, handle, created_at, removed_at, suspended_at) on courier to vault_gateway_audit;
grant update (suspended_at, suspended_for) on courier to vault_gateway_audit;
grant select, insert, update on courier_day to vault_gateway_audit;

grant execute on function client_of_key(bytea), ensure_audit_partitions(integer), audit_weeks_ahead(),
  token_weeks_ahead() to vault_gateway_audit;
grant vault_gateway_audit to vault_gateway_app;
