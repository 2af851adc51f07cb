"""How fast something goes on, in words."""

from training.output.pace import Pace


def test_pace_tells_rate_and_remaining_time():
    seconds = iter([10.0, 12.0, 20.0])
    pace = Pace(clock=lambda: next(seconds))
    assert pace(500, 8000) == "500 of 8,000 trials"
    assert pace(510, 8000) == "510 of 8,000 trials, 5 per second, 24 min 58 s left"
    assert pace(520, 8000) == "520 of 8,000 trials, 2 per second, 1 h 2 min left"


def test_what_is_counted_has_its_own_word():
    assert Pace("run", clock=lambda: 0.0)(1, 2) == "1 of 2 runs"
