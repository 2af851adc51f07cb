"""The linear regions of a network on a plane of its input space, exactly."""
