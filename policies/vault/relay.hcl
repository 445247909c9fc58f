# Connects a call or message to a relay number: that takes phones and nothing else, so names and addresses
# stay closed even to a process that is taken over while it faces a telecom.

path "transit/decrypt/phone-*" {
  capabilities = ["update"]
}

# Knows a caller again on a relay number, by a key of its own: it cannot compute blind indexes of stored values.
path "transit/hmac/caller-index" {
  capabilities = ["update"]
}
