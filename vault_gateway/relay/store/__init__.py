"""SQL of the relay room: the pool, the ends that can be dialled, the calls."""
