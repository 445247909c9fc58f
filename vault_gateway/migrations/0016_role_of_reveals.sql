-- Who may write what opens values: the logins of nodes with the duty to reveal, and no others. A node that only takes
-- values in cannot make itself a grant in the database, nor approve one, whatever becomes of its process.
do $$
begin
  if not exists (select from pg_roles where rolname = 'vault_gateway_reveal') then
    create role vault_gateway_reveal nologin;
  end if;
end
$$;
grant usage on schema public to vault_gateway_reveal;

revoke insert, update on reveal_grant, merchant_day, break_glass_quota from vault_gateway_app;
revoke insert on reveal_token, break_glass from vault_gateway_app;
revoke update (approver, approver_jti, approver_reason, approved_at) on break_glass from vault_gateway_app;
revoke delete on merchant_day from vault_gateway_app;

grant insert, update on reveal_grant, break_glass_quota to vault_gateway_reveal;
grant insert, update, delete on merchant_day to vault_gateway_reveal;
grant insert on reveal_token, break_glass to vault_gateway_reveal;
grant update (approver, approver_jti, approver_reason, approved_at) on break_glass to vault_gateway_reveal;
