"""The relay's SIP side: a back-to-back user agent between a trunk and itself, a process and key of its own."""
