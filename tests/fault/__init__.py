"""The plant under fire: its real processes, a load, and faults by a seed."""
