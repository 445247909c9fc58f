"""What each of the gateway's roles may do in the database. Whoever widens a role widens it here too."""

from __future__ import annotations

from vault_gateway.schema import OPERATOR

# Tables with a tenant_id and no wall: they find the tenant, are queues over all tenants, or count numbers and sheets.
# No personal data.
DIRECTORIES = {
    "tenant",
    "waybill_directory",
    "relay_slot",
    "relay_call",
    "notice",
    "usage_day",
    "usage_delta",
}


# Of every node; the others stand on it, and have what is named at each.
NODE = "vault_gateway_node"


# i: insert, u: update (of some columns at least), d: delete.
MAY_WRITE = {
    NODE: {"audit_event": "i", "courier": "u", "courier_day": "iu"},
    "vault_gateway_audit": {},
    "vault_gateway_console": {},
    "vault_gateway_relay": {
        "idempotency": "iud",
        "notice": "iu",
        "relay_binding": "iud",
        "relay_call": "iud",
        "relay_call_event": "id",
        "relay_callback": "iud",
        "relay_exhausted": "iud",
        "relay_number": "u",
        "relay_slot": "iud",
        "waybill": "u",
    },
    "vault_gateway_app": {
        "courier": "iu",
        "courier_day": "iu",
        "flow_book": "i",
        "flow_cell": "iud",
        "flow_delta": "id",
        "flow_page": "iud",
        "flow_parcel": "iud",
        "flow_shown": "iud",
        "idempotency": "iud",
        "merged_order": "i",
        "merged_recipient": "id",
        "number_block": "u",
        "number_returned": "iud",
        "number_segment": "u",
        "relay_binding": "iu",
        "relay_callback": "d",
        "relay_exhausted": "iu",
        "relay_number": "u",
        "relay_slot": "iu",
        "route": "id",
        "route_table": "iu",
        "search_miss": "iu",
        "tenant": "i",
        "token": "iu",
        "usage_day": "iu",
        "usage_delta": "iud",
        "waybill": "iu",
        "waybill_directory": "iu",
        "waybill_event": "i",
        "waybill_sheet": "iu",
        "webhook": "iu",
        "webhook_outbox": "iud",
    },
    "vault_gateway_reveal": {
        "break_glass": "iu",
        "break_glass_quota": "iu",
        "courier_day": "iud",
        "idempotency": "iud",
        "merchant_day": "iud",
        "reveal_grant": "iu",
        "reveal_token": "i",
        "token": "u",
        "waybill": "u",
    },
    OPERATOR: {
        "carrier": "iu",
        "client": "iu",
        "courier": "iu",
        "courier_day": "iu",
        "flow_cell": "d",
        "flow_page": "d",
        "flow_parcel": "d",
        "flow_shown": "d",
        "issuer": "iu",
        "notice": "u",
        "number_block": "i",
        "number_segment": "iu",
        "platform": "i",
        "relay_binding": "ud",
        "relay_call": "d",
        "relay_call_event": "d",
        "relay_callback": "d",
        "relay_exhausted": "d",
        "relay_number": "iu",
        "relay_service_number": "iu",
        "relay_slot": "u",
        "revoked_token": "i",
        "station": "i",
        "tenant": "i",
        "token": "iu",
    },
}


# Columns that a role may change where it may not change all: none that says whose a row is or what it is about.
MAY_CHANGE = {
    NODE: {"courier": "suspended_at suspended_for", "courier_day": "reveals recipients denials"},
    "vault_gateway_relay": {
        # To lock a row is to have the right to change something of it.
        "waybill": "created_at",
        "relay_number": "occupied",
        "relay_binding": "expires_at cool_until released",
        "relay_slot": "released expires_at cool_until",
        "relay_call": "phone_tenant phone_token by_courier recorded_at failed_at told",
        "notice": "params state reason tries due_at updated_at",
    },
    "vault_gateway_app": {
        "relay_number": "occupied",
        "relay_binding": "expires_at cool_until released",
        "relay_slot": "phone_token released expires_at cool_until",
        "token": "key_version ciphertext blind_index masked last4 region erased_at",
        "waybill": "state recipient_name recipient_phone recipient_address courier station deliver_by updated_at"
        " routing_code",
    },
    "vault_gateway_reveal": {
        "token": "created_at",
        "waybill": "created_at",
        "reveal_grant": "state public_key released ack_digests claimed_at first_released_at closed_at",
        "break_glass": "approver approver_jti approver_reason approved_at",
    },
    OPERATOR: {
        "carrier": "created_at",
        "client": "revoked_at",
        "relay_number": "telecom retired_at",
        "issuer": "revoked_at",
        "relay_binding": "expires_at cool_until released",
        "relay_slot": "released expires_at cool_until",
        "token": "key_version ciphertext blind_index masked last4 region erased_at",
        "notice": "state reason tries due_at updated_at",
    },
}


# Who reads what is worth protecting: tables, and columns of them.
MAY_READ = {
    "audit_event.body": {"audit"},
    "audit_token.token": {"audit"},
    "audit_order.order_ref": {"audit"},
    "token.ciphertext": {"relay", "reveal"},
    "token.blind_index": {"app"},
    "token.last4": {"app"},
    "token.masked": {"app", "relay", "operator"},
    "waybill.id": {"app", "relay", "reveal", "operator"},
    "courier.phone_token": {"app", "operator"},
    "client.key_digest": set(),
    "reveal_grant.id": {"reveal", "operator"},
    "break_glass.id": {"reveal", "operator"},
    "relay_call.caller": {"relay"},
    "relay_call_event.call_id": {"relay", "operator"},
    "relay_callback.caller": {"relay"},
    "relay_service_number.phone_token": {"relay", "operator"},
    "notice.params": {"relay", "operator"},
    "webhook.url": {"app"},
    "flow_book.secret": {"app"},
}


# Functions with their owner's rights, some of which look over all tenants.
MAY_CALL = {
    NODE: {"client_of_key", "audit_weeks_ahead", "token_weeks_ahead"},
    "vault_gateway_audit": {"event_that_made", "ensure_audit_partitions"},
    "vault_gateway_console": {"receipt_parcel", "receipt_disclosures"},
    "vault_gateway_relay": {
        "parcels_of_number",
        "relay_end",
        "relay_courier",
        "relay_bindings_rested",
        "relay_exhausted_before",
    },
    "vault_gateway_app": {
        "parcels_of_number",
        "parcels_of_carrier",
        "parcels_at_counter",
        "numbers_granted",
        "ensure_token_partitions",
        "flow_parcels_until",
    },
    "vault_gateway_reveal": {
        "parcels_of_number",
        "locate_reveal",
        "locate_token",
        "locate_break_glass",
        "find_break_glass",
        "reveals_of_holder",
    },
    OPERATOR: {
        "parcels_of_number",
        "locate_token",
        "locate_reveal",
        "locate_break_glass",
        "analyze_relay_numbers",
        "relay_bindings_rested",
        "relay_exhausted_before",
        "flow_parcels_until",
    },
}
