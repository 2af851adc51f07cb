"""What all experiments together say of the published claims A1 to E8."""
