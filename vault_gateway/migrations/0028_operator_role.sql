-- The commands' own role: registers who calls and what they are granted, looks after queues and records, and can neither
-- change an event nor make or own anything. The schema's owner is needed for migrations alone.
do $$
begin
  if not exists (select from pg_roles where rolname = 'vault_gateway_operator') then
    create role vault_gateway_operator nologin;
  end if;
end
$$;
grant vault_gateway_node to vault_gateway_operator;

-- Who exists, and who may call. `update (created_at)` is there to hold a row.
grant select, insert on platform, tenant, carrier, station to vault_gateway_operator;
grant update (created_at) on carrier to vault_gateway_operator;
grant insert, update (revoked_at) on client, issuer to vault_gateway_operator;
grant insert on revoked_token to vault_gateway_operator;
grant select, insert, update (station, phone_token, created_at, removed_at) on courier to vault_gateway_operator;
grant update (seen_recipients, seen_denials) on courier_day to vault_gateway_operator;

-- Numbers of waybills and of the relay.
grant select, insert, update (low_since) on number_segment to vault_gateway_operator;
grant select, insert on number_block to vault_gateway_operator;
grant select, insert, update (telecom, retired_at) on relay_number to vault_gateway_operator;
grant select on number_returned, waybill_directory to vault_gateway_operator;
-- Else, until the server looks by itself, a region's numbers are looked for among all there are.
create function analyze_relay_numbers() returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
as $$
begin
  analyze public.relay_number;
end
$$;
revoke all on function analyze_relay_numbers() from public;
grant execute on function analyze_relay_numbers() to vault_gateway_operator;
do $$
begin
  execute format('alter function analyze_relay_numbers() owner to %s',
    (select relowner::regrole from pg_class where oid = 'relay_number'::regclass));
end
$$;

-- A merchant's service number, sealed by the tokenizer's identity. The one before is erased, with its pairs.
grant select, insert, update (phone_token, set_at) on relay_service_number to vault_gateway_operator;
grant select (tenant_id, id, erased_at), insert,
  update (key_version, ciphertext, blind_index, masked, last4, region, erased_at) on token to vault_gateway_operator;
grant select, update (released, expires_at, cool_until) on relay_slot, relay_binding to vault_gateway_operator;
grant select (binding_id), delete on relay_callback to vault_gateway_operator;

-- Notices that nobody took, and records that are past their time.
grant select, update (state, reason, tries, due_at, updated_at) on notice to vault_gateway_operator;
grant select (telecom, call_id, routed_at, failed_at), delete on relay_call to vault_gateway_operator;
grant select (telecom, call_id), delete on relay_call_event to vault_gateway_operator;
grant select, delete on relay_exhausted, flow_parcel, flow_page to vault_gateway_operator;
grant delete on relay_binding to vault_gateway_operator;
grant select (book, day), delete on flow_cell to vault_gateway_operator;
grant select (book, face, span, day), delete on flow_shown to vault_gateway_operator;
grant select (id) on flow_book to vault_gateway_operator;
grant select (day) on flow_delta to vault_gateway_operator;
grant execute on function relay_bindings_rested(timestamptz, timestamptz, uuid, integer),
  relay_exhausted_before(timestamptz, timestamptz, uuid, integer), flow_parcels_until(date, integer)
  to vault_gateway_operator;

-- Explains what policies say of a token, a parcel, a reveal or a request for one.
grant select (kind, origin, order_ref, masked, region, created_at) on token to vault_gateway_operator;
grant select on waybill, merged_order, reveal_grant, break_glass to vault_gateway_operator;
grant execute on function parcels_of_number(text), locate_token(uuid), locate_reveal(uuid), locate_break_glass(uuid)
  to vault_gateway_operator;
