-- Sheets whose numbers were brought are counted no more, for whoever issued the numbers counts them: those that were
-- counted until now are taken off the days that they are of.
alter table waybill_sheet no force row level security;
insert into usage_delta (day, network, carrier, tenant_id, issued, cancelled, recycled)
select day, network, carrier, tenant_id, -count(*), -count(cancelled_at), -count(*) filter (where not counted)
from waybill_sheet where source = 'own' group by day, network, carrier, tenant_id;
alter table waybill_sheet force row level security;
