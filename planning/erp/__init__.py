"""What the company's ERP was last seen to know, beside what the plant knows."""
