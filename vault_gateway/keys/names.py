"""What the keys in Vault are called."""

from __future__ import annotations

from vault_gateway.model import SLUG, Kind

MOUNT = "transit"
BLIND_INDEX = "blind-index"
CHECKPOINT = "checkpoint"
CALLER_INDEX = "caller-index"


def platform_key(platform: str, kind: Kind) -> str:
    """`phone-douyin`. ValueError unless the platform is a slug: the name becomes part of a URL."""
    if SLUG.fullmatch(platform) is None:
        raise ValueError("not a platform's slug")
    return f"{kind.value}-{platform}"


def platforms_of(key_names: list[str]) -> list[str]:
    """The platforms that have all three keys."""
    present = set(key_names)
    prefix = f"{Kind.PHONE.value}-"
    candidates = sorted(name.removeprefix(prefix) for name in present if name.startswith(prefix))
    return [one for one in candidates if all(f"{kind.value}-{one}" in present for kind in Kind)]
