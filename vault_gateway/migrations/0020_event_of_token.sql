-- The event of the request that made a token, or of the courier's registration that did: a batch is one event, which
-- does not name its ten thousand tokens. Whether a reader may see it, the wall of the log decides.
create function event_that_made(in_kind text, in_id uuid) returns uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select k.event_id from public.token k where k.id = in_id and k.kind = in_kind
$$;
alter function event_that_made(text, uuid) owner to vault_gateway_lookup;
revoke all on function event_that_made(text, uuid) from public;
grant execute on function event_that_made(text, uuid) to vault_gateway_audit;
