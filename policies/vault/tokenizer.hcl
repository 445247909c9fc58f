# Takes values in: encrypts them and computes blind indexes. It cannot decrypt, so whoever steals this
# identity together with the database reads nothing (but can guess through HMAC: SECURITY.md).
# `update` and not `create`: with `create`, Vault silently makes a new key for a mistyped platform.

path "transit/encrypt/phone-*" {
  capabilities = ["update"]
}

path "transit/encrypt/address-*" {
  capabilities = ["update"]
}

path "transit/encrypt/name-*" {
  capabilities = ["update"]
}

path "transit/hmac/blind-index" {
  capabilities = ["update"]
}
