"""Ethernet frames, as a sniffer sees them."""
