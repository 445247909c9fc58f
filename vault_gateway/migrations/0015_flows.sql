-- Parcels by day, regions, carrier, network and state. Three layers: what is known of a parcel since it was made
-- (`flow_parcel`); exact counts (`flow_delta` and `flow_cell` added up); and what callers are shown (`flow_shown`),
-- whole tens that no other question takes apart. Nothing but `flow_parcel` names a parcel, and nothing a person.

-- Where a parcel is counted, however its tokens fare. A region is a province of China or a country.
create table flow_parcel (
  tenant_id uuid not null,
  waybill_id uuid not null,
  day date not null,
  origin text not null,
  destination text not null,
  primary key (tenant_id, waybill_id)
);
alter table flow_parcel enable row level security;
alter table flow_parcel force row level security;
create policy tenant_wall on flow_parcel
  using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
grant select, insert, update on flow_parcel to vault_gateway_app;

-- A parcel that moves is one less where it was and one more where it is, written in its own transaction; nobody waits
-- for a counter.
create table flow_delta (
  seq bigint generated always as identity primary key,
  platform text not null,
  merchant text not null,
  day date not null,
  origin text not null,
  destination text not null,
  carrier text not null,
  network text not null,
  state text not null,
  time text not null,
  parcels integer not null
);
grant select, insert, update, delete on flow_delta to vault_gateway_app;

-- A book for each who may ask: a merchant, a platform, a carrier, and one of all. Its secret decides how many more than
-- ten parcels it takes until ten are shown.
create table flow_book (
  id integer generated always as identity primary key,
  name text not null unique,
  secret bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
grant select, insert on flow_book to vault_gateway_app;

create table flow_cell (
  book integer not null,
  day date not null,
  origin text collate "C" not null,
  destination text collate "C" not null,
  carrier text collate "C" not null,
  network text collate "C" not null,
  state text collate "C" not null,
  time text collate "C" not null,
  parcels bigint not null,
  primary key (book, day, origin, destination, carrier, network, state, time)
);
grant select, insert, update, delete on flow_cell to vault_gateway_app;

-- A page of a book: `stale` when its cells have changed since it was last shown. `cells` is how many there are at most.
create table flow_page (
  book integer not null,
  day date not null,
  stale boolean not null,
  shown_at timestamptz not null default '-infinity',
  cells bigint not null default 0,
  primary key (book, day)
);
create index flow_page_stale on flow_page (shown_at, book, day) where stale;
grant select, insert, update on flow_page to vault_gateway_app;

-- What is shown: `*` stands for what is withheld. The same tens are added up beforehand for what is asked most: `face`
-- has a bit for each dimension (origin 32 to time 1) that it does not tell apart, where '' stands; `span` is how many
-- days from `day` on are together.
create table flow_shown (
  book integer not null,
  face integer not null,
  span integer not null,
  day date not null,
  origin text collate "C" not null,
  destination text collate "C" not null,
  carrier text collate "C" not null,
  network text collate "C" not null,
  state text collate "C" not null,
  time text collate "C" not null,
  parcels bigint not null check (parcels >= 0 and parcels % 10 = 0),
  primary key (book, face, span, day, origin, destination, carrier, network, state, time)
) with (fillfactor = 80);
-- Lines that are to go, before the transaction ends.
create index flow_shown_gone on flow_shown (book) where parcels = 0;
grant select, insert, update, delete on flow_shown to vault_gateway_app;

-- How many of `parcels` are shown: whole tens, each of them once ten parcels and 0 to 9 more are there. How many more is
-- a secret of the book, the cell and the number of tens, so that each ten has its own.
create function flow_tens(secret bytea, day date, origin text, destination text, carrier text, network text, state text,
                          lasted text, parcels bigint) returns bigint
language sql stable parallel safe
as $$
  select case
    when parcels < 10 then 0
    when parcels % 10 < ('x' || left(encode(sha256(secret || convert_to(concat_ws(
        '|', day, origin, destination, carrier, network, state, lasted, parcels / 10), 'UTF8')), 'hex'), 7)
      )::bit(28)::integer % 10
      then parcels - parcels % 10 - 10
    else parcels - parcels % 10
  end
$$;
revoke all on function flow_tens(bytea, date, text, text, text, text, text, text, bigint) from public;
grant execute on function flow_tens(bytea, date, text, text, text, text, text, text, bigint) to vault_gateway_app;
