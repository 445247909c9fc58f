"""SQL of the waybills room."""
