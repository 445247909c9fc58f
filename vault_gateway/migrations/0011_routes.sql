-- Routing codes: a carrier's table from region prefix to code, so that sorting needs no address. The version that
-- counts is named by one row, whose lock orders the uploads of a carrier.
create table route_table (
  carrier text primary key,
  version integer not null,
  rows integer not null,
  replaced_at timestamptz not null
);
create table route (
  carrier text not null,
  version integer not null,
  -- Province to township as addresses name them, with slashes between: `浙江省/杭州市/西湖区`.
  prefix text not null,
  code text not null,
  primary key (carrier, version, prefix)
);
grant select, insert, update on route_table to vault_gateway_app;
grant select, insert, delete on route to vault_gateway_app;

alter table waybill add column routing_code text;
