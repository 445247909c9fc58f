-- A revoked jti is refused for good: a token may begin as late as its issuer likes, so that no day is known on which
-- its revocation could be forgotten.
alter table revoked_token drop column expires_at;
