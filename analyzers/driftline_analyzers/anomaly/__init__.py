"""What a number should be by the hour of the week and its own level, how far it is from that, and what it will cost by the period's end."""
