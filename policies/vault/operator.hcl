# Runs the life cycle of the platforms' keys and never touches a value: no encrypt, decrypt, hmac, export,
# backup, import or deletion. Only parameters that cannot weaken a key are let through; `exportable`,
# `allow_plaintext_backup`, `convergent_encryption` and `deletion_allowed` are not among them.
# `+` is one whole path segment, so what lies under a key (import, soft-delete ...) needs a rule of its own,
# and has none. An exact path wins over `+`: that is how the two shared keys at the end are kept out.

path "transit/keys/" {
  capabilities = ["list"]
}

path "transit/keys/+" {
  capabilities = ["create", "read", "update"]
  allowed_parameters = {
    "type"    = ["aes256-gcm96"]
    "derived" = [true]
  }
}

path "transit/keys/+/rotate" {
  capabilities = ["update"]
}

path "transit/keys/+/config" {
  capabilities = ["update"]
  allowed_parameters = {
    "min_decryption_version" = []
    "min_encryption_version" = []
  }
}

path "transit/keys/+/trim" {
  capabilities = ["update"]
}

# Old ciphertext to the newest key version inside Vault: the value never leaves.
path "transit/rewrap/phone-*" {
  capabilities = ["update"]
}

path "transit/rewrap/address-*" {
  capabilities = ["update"]
}

path "transit/rewrap/name-*" {
  capabilities = ["update"]
}

# A new version of this key would make every stored blind index unfindable.
path "transit/keys/blind-index/rotate" {
  capabilities = ["deny"]
}

path "transit/keys/blind-index/config" {
  capabilities = ["deny"]
}

path "transit/keys/blind-index/trim" {
  capabilities = ["deny"]
}

# Likewise: a new version would make callers strangers on the numbers they know.
path "transit/keys/caller-index/rotate" {
  capabilities = ["deny"]
}

path "transit/keys/caller-index/config" {
  capabilities = ["deny"]
}

path "transit/keys/caller-index/trim" {
  capabilities = ["deny"]
}

# The log's key may be rotated (signers pin a version); a signature must stay verifiable and signable.
path "transit/keys/checkpoint/config" {
  capabilities = ["deny"]
}

path "transit/keys/checkpoint/trim" {
  capabilities = ["deny"]
}
