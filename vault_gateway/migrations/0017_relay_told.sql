-- How often the telecom was told where a call goes, or is being told just now. What fails before it is told takes its
-- own back, and the last one takes the call with it: a telecom owes no record of what it never heard.
alter table relay_call add column told integer not null default 1 check (told >= 0);
