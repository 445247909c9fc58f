"""Messages to recipients by template, through a provider; whoever sends one never sees the phone."""
