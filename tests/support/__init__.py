"""What the tests against the running daemon share: certificates, SIP endpoints, DNS, the daemon itself."""
