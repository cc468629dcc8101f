"""Where an id stands in a text or in a file's name, and where it is part of another."""

from orchestration.landing.traces import Trace


def test_an_id_stands_where_nothing_beside_it_makes_it_part_of_another():
    ada = Trace("ada")
    for text in ('{"learner_id": "ada"}', "ada,knots", "mailto:ada", "x ada.", "user=ada&x"):
        assert ada.count(text.encode()), text
    for text in ("adam", "canada", "ada.smith", "ada-1", "ada@example.org", "x_ada", "adaé"):
        assert not ada.count(text.encode()), text
    number = Trace("42")
    for text in ('{"learner_id":42}', "a,42,b", '"42"', '{"learner_id": 42, '):
        assert number.count(text.encode()), text
    for text in ("2025-02-03T10:42:00Z", "421", "4.42", "e-42"):
        assert not number.count(text.encode()), text
    assert Trace("zoë").count(b'{"learner_id": "zo\\u00eb"}')


def test_in_a_files_name_an_id_stands_between_all_but_letters_and_digits():
    for name, left in (
        ("ada.jsonl", "erased.jsonl"),
        ("export_ada_2025.csv", "export_erased_2025.csv"),
        ("ada-smith.csv.gz", "erased-smith.csv.gz"),
        ("canada.csv", "canada.csv"),
        ("ada2.csv", "ada2.csv"),
    ):
        assert Trace("ada").without(name) == left
    assert Trace("ada@x.test").without("ada%40x.test.csv") == "erased.csv"
    assert Trace("42").without("42.csv") == "42.csv"
