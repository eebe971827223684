"""What planning shows: the tower, one disruption, new events, decisions, orders and deliveries."""
