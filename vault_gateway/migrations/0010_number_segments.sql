-- Ranges of waybill numbers that an operator granted merchants, and what became of the numbers. Nothing of a person is in
-- them; `tenant_id` leads, as everywhere.

create table number_segment (
  tenant_id uuid not null references tenant,
  id uuid not null,
  network text not null,
  carrier text not null,
  branch text not null,
  -- The first and the last number, and their serials. Equally long numbers are in order in this collation.
  first_no text collate "C" not null,
  last_no text collate "C" not null,
  first_serial bigint not null,
  last_serial bigint not null,
  cancelled bigint not null default 0,
  recycled bigint not null default 0,
  low_water bigint not null,
  -- Since when no more than `low_water` numbers are left, told once.
  low_since timestamptz,
  granted_at timestamptz not null,
  primary key (tenant_id, id),
  check (first_serial <= last_serial and length(first_no) = length(last_no) and first_no <= last_no)
);
create index number_segment_account on number_segment (tenant_id, network, carrier, id);
create index number_segment_span on number_segment (length(first_no), first_no);
grant select, update on number_segment to vault_gateway_app;

-- A segment in a few blocks. Who issues locks one that nobody else has, takes numbers from its head and keeps it until its
-- transaction ends: others take from the next, and what is rolled back, or whose process dies, has taken nothing.
create table number_block (
  tenant_id uuid not null,
  segment_id uuid not null,
  block integer not null,
  next bigint not null,
  last bigint not null,
  primary key (tenant_id, segment_id, block),
  foreign key (tenant_id, segment_id) references number_segment,
  check (next <= last + 1)
);
grant select, update on number_block to vault_gateway_app;

-- Serials that came back by cancelling. They go out again when nothing else is left: a label with the old parcel's number
-- may still be about.
create table number_returned (
  tenant_id uuid not null,
  segment_id uuid not null,
  serial bigint not null,
  primary key (tenant_id, segment_id, serial),
  foreign key (tenant_id, segment_id) references number_segment
);
grant select, insert, delete on number_returned to vault_gateway_app;
-- A row is locked before it is deleted.
grant update on number_returned to vault_gateway_app;

-- What fees need to know of a waybill. Commits with the waybill.
create table waybill_sheet (
  tenant_id uuid not null,
  waybill_id uuid not null,
  network text not null,
  carrier text not null,
  -- From a granted segment, brought by the merchant, or made up by the network's test rule.
  source text not null check (source in ('segment', 'own', 'test')),
  branch text,
  segment_id uuid,
  serial bigint,
  issued_at timestamptz not null,
  -- Used up: false once it was cancelled within the network's rule.
  counted boolean not null default true,
  cancelled_at timestamptz,
  primary key (tenant_id, waybill_id),
  check ((source = 'segment') = (segment_id is not null and serial is not null and branch is not null))
);
alter table waybill_sheet enable row level security;
alter table waybill_sheet force row level security;
create policy tenant_wall on waybill_sheet
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on waybill_sheet to vault_gateway_app;
