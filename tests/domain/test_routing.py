"""Which member of a group comes first."""

from collections import Counter

from hypothesis import given, strategies as st

from tyrian.domain.routing import Member, Strategy, ranked

MEMBERS = [Member(channel="a", weight=1, price=3), Member(channel="b", weight=3, price=1), Member(channel="c", price=1)]
PEOPLE = [f"+38599{n:07d}" for n in range(20_000)]


def names(strategy: Strategy, person: str = "+1", members: list[Member] = MEMBERS) -> list[str]:
    return [member.channel for member in ranked(members, strategy, person)]


def test_by_order_the_list_decides() -> None:
    assert names(Strategy.ORDER) == ["a", "b", "c"]


def test_by_price_the_cheapest_comes_first_and_the_list_decides_among_equals() -> None:
    assert names(Strategy.PRICE) == ["b", "c", "a"]


def test_by_weight_people_are_shared_out() -> None:
    first = Counter(names(Strategy.WEIGHT, person)[0] for person in PEOPLE)
    shares = {channel: count / len(PEOPLE) for channel, count in first.items()}
    assert all(abs(shares[name] - share) < 0.02 for name, share in {"a": 0.2, "b": 0.6, "c": 0.2}.items()), shares


def test_without_one_member_only_its_people_move() -> None:
    left = [member for member in MEMBERS if member.channel != "b"]
    for person in PEOPLE[:500]:
        order = names(Strategy.WEIGHT, person)
        order.remove("b")
        assert names(Strategy.WEIGHT, person, left) == order


@given(person=st.text(), strategy=st.sampled_from(Strategy))
def test_everybody_has_all_members_and_always_in_the_same_order(person: str, strategy: Strategy) -> None:
    order = names(strategy, person)
    assert sorted(order) == ["a", "b", "c"]
    assert order == names(strategy, person)
