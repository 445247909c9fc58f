-- Identity providers of carriers, merchants and platforms, and what each may claim.
create table issuer (
  -- Part of a principal's name in the access log, so one for each time that trust was given.
  id text primary key,
  iss text not null,
  -- An https address, or the absolute path of a file on every node.
  jwks text not null,
  roles text[] not null check (cardinality(roles) > 0),
  platform text,
  merchant text,
  carrier text references carrier,
  created_at timestamptz not null,
  revoked_at timestamptz,
  check (merchant is null or platform is not null),
  check (carrier is null or platform is null),
  check (not roles && array['courier', 'carrier', 'station'] or carrier is not null),
  check (not roles && array['platform', 'merchant'] or platform is not null)
);
create unique index issuer_trusted on issuer (iss) where revoked_at is null;
-- A courier's handle is unique in its carrier: two issuers could each mint the same one.
create unique index issuer_of_couriers on issuer (carrier) where revoked_at is null and 'courier' = any (roles);

-- By issuer string, not by id: trust given anew does not bring a revoked token back.
create table revoked_token (
  iss text not null,
  jti text not null,
  revoked_at timestamptz not null,
  -- When no token that was alive at revocation can still be: the row may go.
  expires_at timestamptz not null,
  primary key (iss, jti)
);

grant select on issuer, revoked_token to vault_gateway_app;
