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
