"""Part III: in use. Performance, serving, edge and operations."""
