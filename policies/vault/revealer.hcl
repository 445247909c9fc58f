# Opens single values for a claimed reveal grant, after the audit row is committed. It neither encrypts nor
# computes blind indexes, so that it cannot test guesses or plant values.

path "transit/decrypt/phone-*" {
  capabilities = ["update"]
}

path "transit/decrypt/address-*" {
  capabilities = ["update"]
}

path "transit/decrypt/name-*" {
  capabilities = ["update"]
}
