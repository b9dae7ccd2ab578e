"""Records official SDKs: installs them, lets them talk to a loopback server, and keeps what they said."""
