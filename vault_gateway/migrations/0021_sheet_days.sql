-- The day that a sheet is counted on, of its platform's time zone, stays with the sheet: a zone that is changed later moves
-- no cancellation to another day.
alter table waybill_sheet add column day date;
alter table waybill_sheet alter column day type date using (issued_at at time zone 'UTC')::date;
alter table waybill_sheet alter column day set not null;
