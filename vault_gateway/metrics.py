"""What Prometheus sees. Labels are routes, codes and kinds: never a value, a name or an id."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("vault_gateway_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "vault_gateway_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.002, 0.004, 0.008, 0.016, 0.03, 0.06, 0.125, 0.25, 0.5, 1, 2, 5),
)
FAILED_LOGINS = Counter("vault_gateway_failed_logins_total", "Requests without a valid key")
UNEXPECTED = Counter("vault_gateway_unexpected_errors_total", "Errors answered with 500")
REFUSED_JWTS = Counter("vault_gateway_refused_jwts_total", "JWTs refused, by why", ["reason"])
JWKS_LOADS = Counter("vault_gateway_jwks_loads_total", "Loads of issuers' keys", ["outcome"])
TOKENS = Counter("vault_gateway_tokens_total", "Tokens made", ["kind"])
REVEALS = Counter("vault_gateway_reveals_total", "Reveals by what became of them", ["outcome"])
SEARCH_ALARMS = Counter(
    "vault_gateway_search_alarms_total",
    "Value searches refused, the day's misses of the merchant being used up",
)
WEBHOOKS = Counter("vault_gateway_webhooks_total", "Tries to deliver a parcel event", ["outcome"])
HOUSEKEEPING_FAILURES = Counter(
    "vault_gateway_housekeeping_failures_total", "Chores that failed and are tried again", ["chore"]
)
RELAY_EXHAUSTED = Counter("vault_gateway_relay_exhausted_total", "Parcels that got no relay number")
RELAY_ROUTES = Counter(
    "vault_gateway_relay_routes_total", "Calls and messages by what became of them", ["answer"]
)
RELAY_ALARMS = Counter("vault_gateway_relay_alarms_total", "Telecoms that routed calls without records")
RELAY_GUESS_ALARMS = Counter(
    "vault_gateway_relay_guess_alarms_total",
    "Wrong extensions dialled on a relay number beyond those that mistakes explain",
)
RELAY_REMOVED = Counter(
    "vault_gateway_relay_removed_total", "Records of relay numbers removed past their time", ["kind"]
)
RELAY_PLACES = Gauge(
    "vault_gateway_relay_places",
    "Places of the pool: live, cooling or free",
    ["mode", "region", "state"],
    multiprocess_mode="mostrecent",
)
RELAY_DAYS = Gauge(
    "vault_gateway_relay_days_to_exhaustion",
    "At the rate of the last day; infinite while the pool does not shrink",
    ["mode", "region"],
    multiprocess_mode="mostrecent",
)
NOTICES = Counter("vault_gateway_notices_total", "Tries to send notices, by what became of them", ["outcome"])
LIMITS_WITHOUT_REDIS = Counter(
    "vault_gateway_limits_without_redis_total",
    "Calls while Redis was away: counted in this process alone, or refused",
    ["outcome"],
)
SEGMENTS_LOW = Counter(
    "vault_gateway_segments_low_total", "Number segments that fell to their low-water mark"
)
RATE_LIMITED = Counter("vault_gateway_rate_limited_total", "Calls answered with 429, by which rate", ["rate"])
QUOTA_REFUSALS = Counter(
    "vault_gateway_quota_refusals_total", "Reveals refused, a day's quota being used up", ["quota"]
)
COURIERS_SUSPENDED = Counter(
    "vault_gateway_couriers_suspended_total", "Couriers suspended by the scraping alarm, by why", ["reason"]
)
