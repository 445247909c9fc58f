-- A merchant's number segments stand behind its wall like all that is a merchant's. Who grants them sees all of them: a
-- number is granted once.
do $$
declare
  -- Who runs this may be another, as where roles have to be made.
  owner constant regrole := (select relowner from pg_class where oid = 'number_segment'::regclass);
  name text;
begin
  foreach name in array array['number_segment', 'number_block', 'number_returned'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format(
      'create policy tenant_wall on %I'
      ' using (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)'
      ' with check (tenant_id = nullif(current_setting(''app.tenant'', true), '''')::uuid)', name);
    execute format('create policy granting on %I to vault_gateway_operator, %s using (true) with check (true)',
      name, owner);
  end loop;
end
$$;

-- Those of these numbers that lie in anybody's segment, and nothing of whose.
create function numbers_granted(in_numbers text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, public, pg_temp
as $$
  select wanted from unnest(in_numbers) as wanted, lateral (
    select last_no from public.number_segment
    where length(first_no) = length(wanted) and first_no <= wanted collate "C"
    order by first_no desc limit 1
  ) as below
  where wanted collate "C" <= below.last_no
$$;
grant select (first_no, last_no) on number_segment to vault_gateway_lookup;
alter function numbers_granted(text[]) owner to vault_gateway_lookup;
revoke all on function numbers_granted(text[]) from public;
grant execute on function numbers_granted(text[]) to vault_gateway_app;
