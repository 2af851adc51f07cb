"""The loss around a point: along lines, exactly; on segments, with proved bounds."""
