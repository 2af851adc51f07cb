from hypothesis import given
from hypothesis import strategies as st

from constructions.theorems.enumeration import all_states, partitions

# By hand


def test_the_five_partitions_of_three():
    found = {tuple(sorted(map(tuple, map(sorted, p)))) for p in partitions([1, 2, 3])}
    assert found == {
        ((1,), (2,), (3,)),
        ((1, 2), (3,)),
        ((1, 3), (2,)),
        ((1,), (2, 3)),
        ((1, 2, 3),),
    }


# Laws


@given(st.integers(0, 6))
def test_states_count_in_binary(Q):
    found = all_states(Q)
    assert len(found) == 2**Q and all(len(state) == Q for state in found)
    assert ["".join(map(str, state)) for state in found] == [
        format(k, f"0{Q}b") if Q else "" for k in range(2**Q)
    ]


@given(st.integers(0, 6))
def test_partitions_are_distinct_and_as_many_as_the_bell_number(n):
    found = partitions(list(range(n)))
    distinct = {frozenset(frozenset(group) for group in groups) for groups in found}
    assert len(found) == len(distinct) == [1, 1, 2, 5, 15, 52, 203][n]
    for groups in found:
        assert sorted(item for group in groups for item in group) == list(range(n))
