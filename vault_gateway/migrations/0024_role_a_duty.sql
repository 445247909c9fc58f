-- A role for each duty of a node, and in this file all that any of them may do: what was granted before is taken back
-- first. Nothing is granted to logins; they are members of the roles of their node's duties (schema.py). Roles are of
-- the whole server: those that are there keep their names.
--
-- vault_gateway_node is what all five stand on; no login is a member of it by itself.
do $$
declare
  first constant boolean := not exists (select from pg_roles where rolname = 'vault_gateway_node');
  duty text;
  login record;
begin
  foreach duty in array array['node', 'audit', 'console', 'relay', 'app', 'reveal'] loop
    if not exists (select from pg_roles where rolname = 'vault_gateway_' || duty) then
      execute format('create role %I nologin', 'vault_gateway_' || duty);
    end if;
  end loop;
  revoke vault_gateway_audit from vault_gateway_app;
  grant vault_gateway_node to vault_gateway_audit, vault_gateway_console, vault_gateway_relay, vault_gateway_app,
    vault_gateway_reveal;
  -- Where nobody knew of these roles yet, logins keep what they could until `migrate --login` gives them what their
  -- node's duties need: the one role was of all duties but to reveal, the other of the log and of the receipts.
  for login in
    select distinct m.member::regrole as name, m.roleid = 'vault_gateway_app'::regrole as of_all
    from pg_auth_members m
    where first and m.roleid in ('vault_gateway_app'::regrole, 'vault_gateway_audit'::regrole)
  loop
    execute format('grant vault_gateway_console to %s', login.name);
    if login.of_all then
      execute format('grant vault_gateway_audit, vault_gateway_relay to %s', login.name);
    end if;
  end loop;
end
$$;

do $$
declare
  before constant oid[] := array['vault_gateway_audit', 'vault_gateway_app', 'vault_gateway_reveal']::regrole[]::oid[];
  held record;
begin
  for held in
    select distinct c.oid::regclass as name, acl.grantee::regrole as role
    from pg_class c
    left join pg_attribute a on a.attrelid = c.oid and a.attacl is not null
    cross join lateral (select grantee from aclexplode(c.relacl) union select grantee from aclexplode(a.attacl)) as acl
    where c.relnamespace = 'public'::regnamespace and acl.grantee = any (before)
  loop
    execute format('revoke all on %s from %s', held.name, held.role);
  end loop;
  for held in
    select distinct p.oid::regprocedure as name, acl.grantee::regrole as role
    from pg_proc p cross join lateral aclexplode(p.proacl) as acl
    where p.pronamespace = 'public'::regnamespace and acl.grantee = any (before)
  loop
    execute format('revoke all on function %s from %s', held.name, held.role);
  end loop;
end
$$;
revoke usage on schema public from vault_gateway_audit, vault_gateway_app, vault_gateway_reveal;

-- Every node: who calls, what it tells the log, a courier's denials and suspension, and whether it is ready.
grant usage on schema public to vault_gateway_node;
grant insert on audit_event to vault_gateway_node;
grant select on issuer, revoked_token, schema_migration to vault_gateway_node;
grant select (name, role, platform, merchant, carrier, station, created_at, revoked_at) on client to vault_gateway_node;
-- Not whose phone it has.
grant select (carrier, handle, created_at, removed_at, suspended_at), update (suspended_at, suspended_for)
  on courier to vault_gateway_node;
grant select, insert (carrier, handle, day, reveals, recipients, denials), update (reveals, recipients, denials)
  on courier_day to vault_gateway_node;
grant execute on function client_of_key(bytea), audit_weeks_ahead(), token_weeks_ahead() to vault_gateway_node;

-- The access log, read; and room for what is to come.
grant select on audit_event, audit_token, audit_order, platform to vault_gateway_audit;
grant execute on function event_that_made(text, uuid), ensure_audit_partitions(integer) to vault_gateway_audit;

-- A recipient's page, by the code on the parcel.
grant execute on function receipt_parcel(text), receipt_disclosures(text, integer) to vault_gateway_console;

-- Answers to repeated requests: each row is of one principal and one request.
grant select, insert, update (fingerprint, answer, created_at), delete on idempotency
  to vault_gateway_app, vault_gateway_relay, vault_gateway_reveal;

-- Which parcel a number names, and the parcel. `update (created_at)` is there to hold a row: PostgreSQL lets nobody lock
-- what they may not write, and this column decides nothing.
grant execute on function parcels_of_number(text) to vault_gateway_app, vault_gateway_relay, vault_gateway_reveal;
grant select on waybill, merged_order to vault_gateway_app, vault_gateway_relay, vault_gateway_reveal;
grant update (created_at) on waybill to vault_gateway_relay, vault_gateway_reveal;

-- Values in, tokens out; waybills, couriers, labels and what is told of them. No ciphertext is read here, no call and no
-- grant seen.
grant select (tenant_id, id, kind, origin, order_ref, blind_index, masked, last4, region, created_at, erased_at), insert,
  update (key_version, ciphertext, blind_index, masked, last4, region, erased_at) on token to vault_gateway_app;
grant execute on function ensure_token_partitions(integer) to vault_gateway_app;
grant select, insert, update (day, misses) on search_miss to vault_gateway_app;
grant select, insert on tenant to vault_gateway_app;
grant select on carrier, station to vault_gateway_app;
grant select, insert, update (station, phone_token, created_at, removed_at) on courier to vault_gateway_app;
grant update (seen_recipients, seen_denials) on courier_day to vault_gateway_app;
grant insert, update (state, recipient_name, recipient_phone, recipient_address, courier, station, deliver_by, updated_at,
  routing_code) on waybill to vault_gateway_app;
grant insert on merged_order to vault_gateway_app;
grant select, insert, update (live) on waybill_directory to vault_gateway_app;
grant select, insert on waybill_event to vault_gateway_app;
grant execute on function parcels_of_carrier(text, text, text, text, timestamptz, uuid, integer),
  parcels_at_counter(text, text, text, integer) to vault_gateway_app;
grant select, update (cancelled, recycled, low_since) on number_segment to vault_gateway_app;
grant select, update (next) on number_block to vault_gateway_app;
-- A row is locked before it is deleted.
grant select, insert, update, delete on number_returned to vault_gateway_app;
grant select, insert, update (counted, cancelled_at) on waybill_sheet to vault_gateway_app;
grant select, insert, update (version, rows, replaced_at) on route_table to vault_gateway_app;
grant select, insert, delete on route to vault_gateway_app;
grant select, insert, update (removed_at, failures, rest_until) on webhook to vault_gateway_app;
grant select, insert, update (attempts, next_at, dead_at), delete on webhook_outbox to vault_gateway_app;
-- To lock a row is to update it.
grant select, insert, update, delete on usage_delta to vault_gateway_app;
grant select, insert, update (issued, cancelled, recycled) on usage_day to vault_gateway_app;
grant select, insert, update (destination), delete on flow_parcel to vault_gateway_app;
grant select, insert, delete on flow_delta to vault_gateway_app;
grant select, insert on flow_book to vault_gateway_app;
grant select, insert, update (parcels), delete on flow_cell, flow_shown to vault_gateway_app;
grant select, insert, update (stale, shown_at, cells), delete on flow_page to vault_gateway_app;
grant execute on function flow_tens(bytea, date, text, text, text, text, text, text, bigint),
  flow_parcels_until(date, integer) to vault_gateway_app;

-- A number comes with the parcel, moves with it and rests after it, in the parcel's own transaction. What it rested, and
-- who calls from where, is the relay's.
grant select, update (occupied) on relay_number to vault_gateway_app, vault_gateway_relay;
grant select, insert, update (released, expires_at, cool_until) on relay_binding
  to vault_gateway_app, vault_gateway_relay;
grant select, insert, update (released, expires_at, cool_until) on relay_slot to vault_gateway_app, vault_gateway_relay;
grant update (phone_token) on relay_slot to vault_gateway_app;
grant select, insert, update (at) on relay_exhausted to vault_gateway_app, vault_gateway_relay;
grant select (binding_id), delete on relay_callback to vault_gateway_app;

-- Calls, messages and notices: reads a token's ciphertext, which its identity in Vault opens of phones alone.
grant select (tenant_id, id, kind, origin, order_ref, key_version, ciphertext, masked, region, created_at, erased_at)
  on token to vault_gateway_relay;
grant select on tenant, waybill_directory, relay_service_number to vault_gateway_relay;
grant delete on relay_binding, relay_slot, relay_exhausted to vault_gateway_relay;
grant select, insert, update (binding_id, until), delete on relay_callback to vault_gateway_relay;
grant select, insert, update (phone_tenant, phone_token, by_courier, recorded_at, failed_at, told), delete on relay_call
  to vault_gateway_relay;
grant select, insert, delete on relay_call_event to vault_gateway_relay;
grant select, insert, update (params, state, reason, tries, due_at, updated_at) on notice to vault_gateway_relay;
grant execute on function relay_end(text, bytea, bytea, timestamptz), relay_courier(uuid),
  relay_bindings_rested(timestamptz, timestamptz, uuid, integer),
  relay_exhausted_before(timestamptz, timestamptz, uuid, integer) to vault_gateway_relay;

-- Grants, and what they open. A token's row is held while its grants are counted.
grant select (tenant_id, id, kind, key_version, ciphertext, region, erased_at), update (created_at)
  on token to vault_gateway_reveal;
grant select, insert, update (state, public_key, released, ack_digests, claimed_at, first_released_at, closed_at)
  on reveal_grant to vault_gateway_reveal;
grant select, insert on reveal_token to vault_gateway_reveal;
-- Once asked, nothing of it changes but who approved it.
grant select, insert, update (approver, approver_jti, approver_reason, approved_at) on break_glass
  to vault_gateway_reveal;
grant select, insert, update (day, used) on break_glass_quota to vault_gateway_reveal;
grant select, insert, update (used), delete on merchant_day to vault_gateway_reveal;
grant delete on courier_day to vault_gateway_reveal;
-- Whether `contact` is open.
grant select on relay_binding, relay_exhausted to vault_gateway_reveal;
grant select (waybill_id, routed_at, failed_at, by_courier) on relay_call to vault_gateway_reveal;
grant execute on function locate_reveal(uuid), locate_token(uuid), locate_break_glass(uuid),
  find_break_glass(text, text, text, uuid, integer), reveals_of_holder(text, text, timestamptz, timestamptz)
  to vault_gateway_reveal;
