"""The other end of the wire: real processes that speak over real sockets."""
