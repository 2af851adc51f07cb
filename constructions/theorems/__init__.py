"""One file per theorem: from data to the hidden layers that it promises."""
