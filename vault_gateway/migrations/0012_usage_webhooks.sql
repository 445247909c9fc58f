-- Who wants to hear of parcels: a merchant of its own, or a platform (merchant is null) of all its merchants'.
-- The secret that signs is no column: Vault makes it of the id whenever it is needed.
create table webhook (
  id uuid primary key,
  platform text not null,
  merchant text,
  url text not null,
  -- Null for all events.
  events text[],
  created_at timestamptz not null,
  removed_at timestamptz,
  -- Deliveries that failed one after another, and until when none is tried for that.
  failures integer not null default 0,
  rest_until timestamptz not null default '-infinity'
);
create index webhook_owner on webhook (platform, merchant) where removed_at is null;
grant select, insert, update on webhook to vault_gateway_app;

-- What waits to be sent, written with the event that it tells of; `seq` keeps the order of one parcel, whose events
-- are written under its row's lock. No personal data: number, state, time. A row leaves when it was taken. No foreign
-- key: removing a webhook is in no parcel's way.
create table webhook_outbox (
  seq bigint generated always as identity primary key,
  webhook_id uuid not null,
  event_id uuid not null,
  waybill_id uuid not null,
  body text not null,
  created_at timestamptz not null,
  attempts integer not null default 0,
  next_at timestamptz not null,
  -- Given up after a day; the later events of the parcel go on without it.
  dead_at timestamptz
);
create index webhook_outbox_due on webhook_outbox (webhook_id, next_at, seq) where dead_at is null;
create index webhook_outbox_parcel on webhook_outbox (webhook_id, waybill_id, seq) where dead_at is null;
create index webhook_outbox_dead on webhook_outbox (webhook_id, dead_at) where dead_at is not null;
grant select, insert, update, delete on webhook_outbox to vault_gateway_app;

-- Sheets by the day that they were issued on (of the platform's time zone), network, carrier and merchant. What happens
-- is a row of `usage_delta` in its own transaction, so that nobody waits for a counter; `usage_day` holds what was
-- folded together since. Both added up are exact at every moment. No wall: nothing here is of a person, and whose sheets
-- a caller may count is asked of the policies.
create table usage_delta (
  seq bigint generated always as identity primary key,
  day date not null,
  network text not null,
  carrier text not null,
  tenant_id uuid not null,
  issued integer not null,
  cancelled integer not null,
  recycled integer not null
);
create table usage_day (
  day date not null,
  network text not null,
  carrier text not null,
  tenant_id uuid not null,
  issued bigint not null,
  cancelled bigint not null,
  recycled bigint not null,
  primary key (day, network, carrier, tenant_id)
);
create index usage_day_tenant on usage_day (tenant_id, day);
create index usage_day_carrier on usage_day (carrier, day);
-- To lock a row is to update it.
grant select, insert, update, delete on usage_delta to vault_gateway_app;
grant select, insert, update on usage_day to vault_gateway_app;
