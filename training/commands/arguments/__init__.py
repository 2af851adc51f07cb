"""What commands are given: options that several have, data, networks, and runs to go on with."""
