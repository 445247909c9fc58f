# OpenBao for compose.yaml: TLS, raft on one node, a static seal so that it opens by itself after a restart. In
# production the seal is a KMS or an HSM, and there are three nodes.
ui            = false
api_addr      = "https://openbao:8200"
cluster_addr  = "https://openbao:8201"

storage "raft" {
  path    = "/openbao/file"
  node_id = "openbao"
}

listener "tcp" {
  address                  = "0.0.0.0:8200"
  tls_cert_file            = "/openbao/secrets/openbao.pem"
  tls_key_file             = "/openbao/secrets/openbao.key"
  max_request_json_strings = 20000
}

seal "static" {
  current_key_id = "compose-1"
  current_key    = "file:///openbao/secrets/unseal.key"
}
