# Signs checkpoints of the audit log and reads the public key. It can neither make a key version nor see a
# value.

path "transit/sign/checkpoint" {
  capabilities = ["update"]
}

path "transit/keys/checkpoint" {
  capabilities = ["read"]
}
