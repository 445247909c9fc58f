"""Who is who: API keys, tenants, carriers, stations and couriers."""
