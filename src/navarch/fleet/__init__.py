"""Part I, the fleet: how much compute, on which accelerators, over which network, from which storage."""
