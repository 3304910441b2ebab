"""Made-up populations: the method is not tuned to the public sets."""

import pandas as pd
import pytest

from jobs.config.identity import Matching
from jobs.config.yaml_files import ConfigError
from jobs.identity.matching.link_records import link_records
from tests.identity.matching import people
from tests.identity.matching.scores import scores


def without_truth(tables):
    return {name: rows.drop(columns="person") for name, rows in tables.items()}


def truth_of(linked, tables):
    persons = pd.concat([rows["person"] for rows in tables.values()])
    return dict(zip(linked.records["record"], persons, strict=True))


@pytest.mark.slow
def test_persons_with_many_records_full_of_errors():
    records = people.historical(7, 60)
    linked = link_records(records.drop(columns="person"))
    assert scores(linked, dict(zip(linked.records["record"], records["person"], strict=True)))[2] >= 0.97


@pytest.mark.slow
def test_two_files_without_duplicates_are_linked_one_to_one():
    files = people.two_files(3, 600)
    linked = link_records(without_truth(files), matching=Matching(deduplicated=["a", "b"]))
    assert scores(linked, truth_of(linked, files))[2] >= 0.97
    assert not linked.records.duplicated(["group", "source"]).any()


@pytest.mark.slow
def test_one_population_in_four_systems_with_different_columns():
    systems = people.four_systems(5, 800)
    linked = link_records(without_truth(systems))
    precision, _, f1 = scores(linked, truth_of(linked, systems))
    assert precision >= 0.94
    assert f1 >= 0.92


ANN = {"first_name": "Ann", "last_name": "Bos", "birth_date": "1980-02-01", "email": "ann@x.nl"}
FOUR = pd.DataFrame([ANN, ANN, {**ANN, "first_name": "Anne"}, {"first_name": "Jan", "last_name": "Vos"}])


def groups(linked):
    return [sorted(group) for _, group in linked.records.groupby("group")["record"]]


def test_four_records_are_enough():
    assert groups(link_records(FOUR)) == [["0", "1", "2"], ["3"]]


def test_one_record_and_none_are_no_error():
    assert groups(link_records(FOUR[:1])) == [["0"]]
    assert groups(link_records(FOUR[:0])) == []


def test_columns_that_nobody_fills_are_no_error():
    empty = FOUR.assign(phone=None, postcode="", company="n/a")
    assert groups(link_records(empty)) == [["0", "1", "2"], ["3"]]


def test_one_column_is_enough():
    mails = pd.DataFrame({"email": ["ann@x.nl", "bob@x.nl", "ann@x.nl", None]})
    assert groups(link_records(mails)) == [["0", "2"], ["1"], ["3"]]


def test_names_alone_link_nobody():
    names = pd.DataFrame({"first_name": ["Ann", "Ann"], "last_name": ["Zuiderwijk", "Zuiderwijk"]})
    assert groups(link_records(names)) == [["0"], ["1"]]


def test_father_and_son_stay_two_people():
    home = {"street": "Main Street 1", "postcode": "1234AB", "city": "Delft", "phone": "0612345678"}
    both = pd.DataFrame([{"name": "John Smith Jr", **home}, {"name": "John Smith Sr.", **home}])
    linked = link_records(both)
    assert groups(linked) == [["0"], ["1"]]


def test_twins_of_one_home_and_mailbox_are_for_a_person_to_judge_and_two_spellings_are_one_person():
    told = {"last_name": "Zuiderwijk", "birth_date": "1980-01-07", "email": "thuis@zuiderwijk.example"}
    home = {"street": "Poppy Hills 13", "postcode": "4300 XY", "city": "Delft", "phone": "0612345678"}
    pairs = {}
    brothers = [
        ("Tim", "Tom"),
        ("Lars", "Lara"),
        ("Emma", "Sophie"),
        ("Tim", "Timo"),
        ("Daan", "Dana"),
        ("Jan", "Hans"),
    ]
    spellings = [("Erik", "Eric"), ("Jan", "Jantje"), ("Jon", "John"), ("Sofie", "Sophie"), ("Mohamed", "Muhammad")]
    for names in (*brothers, *spellings):
        linked = link_records(pd.DataFrame([{"first_name": name, **told, **home} for name in names]))
        pairs[names] = (len(groups(linked)), linked.pairs["probability"].between(0.2, 0.5).tolist())
    assert pairs == {**dict.fromkeys(brothers, (2, [True])), **dict.fromkeys(spellings, (1, [False]))}


def test_names_that_only_begin_alike_are_two_people_even_on_one_birthday():
    twins = pd.DataFrame(
        [{"first_name": name, "last_name": "Zuiderwijk", "birth_date": "1980-01-07"} for name in ("Darla", "Darletta")]
    )
    assert groups(link_records(twins)) == [["0"], ["1"]]


def test_a_record_without_a_name_does_not_make_one_person_of_two_in_one_home():
    home = {"street": "Poppy Hills 13", "postcode": "4300 XY", "city": "Delft", "email": "kusha@x.nl"}
    mark = {"first_name": "Mark", "last_name": "Kusha", "birth_date": "1997-09-28", **home}
    marsha = {**mark, "first_name": "Marsha", "passport_number": "2017719"}
    nameless = {"passport_number": "2017719", **home}
    linked = link_records(pd.DataFrame([mark, marsha, nameless]))
    assert groups(linked) == [["0"], ["1", "2"]]


def test_mailboxes_that_differ_in_their_number_alone_say_nothing():
    jan = {"first_name": "Jan", "last_name": "Zuiderwijk"}
    told = [{**jan, "email": f"jan.zuiderwijk{n}@mail.example"} for n in (1, 2, 85)]
    assert groups(link_records(pd.DataFrame(told))) == [["0"], ["1"], ["2"]], "people of one name"
    born = [{**one, "birth_date": "1985-03-08"} for one in told[:2]]
    assert groups(link_records(pd.DataFrame(born))) == [["0", "1"]], "with a slip in the number"


def test_a_name_in_other_letters_is_compared_as_it_sounds():
    home = {"phone": "4812856234", "city": "Smolensk"}
    names = ("Vasiliev, Alexander Pavlovich", "ВАСІЛЬЕЎ, Аляксандр Паўлавіч")
    linked = link_records(pd.DataFrame([{"full_name": name, **home} for name in names]))
    assert groups(linked) == [["0", "1"]]


def test_a_town_says_nothing_beyond_its_postcode():
    ann = {"first_name": "Anneke", "last_name": "Zuiderwijk", "postcode": "9586 AB", "city": "Elmwood"}
    told = pd.DataFrame([ann, ann, {**ann, "postcode": "9587 AB"}])
    cities = link_records(told).pairs.set_index(["left", "right"])["city"].to_dict()
    assert cities == {("0", "1"): -1, ("0", "2"): 0, ("1", "2"): 0}


def test_a_mailbox_of_many_people_links_nobody_and_is_reported():
    staff = pd.DataFrame(
        [
            {"first_name": name, "last_name": family, "email": "info@company.example"}
            for name, family in [("Ann", "Bos"), ("Bea", "Vos"), ("Carl", "Kok"), ("Dirk", "Mol"), ("Eva", "Pot")]
        ]
    )
    linked = link_records(staff)
    assert len(groups(linked)) == 5
    assert linked.hubs.to_dict("records") == [{"slot": "email", "values": 1, "records": 5}]


def test_an_unknown_kind_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="column 'born': unknown kind 'birthdate'; did you mean 'birth_date'"):
        link_records(pd.DataFrame({"born": ["1980-01-01"]}), {"born": "birthdate"})


def test_the_same_records_in_another_order_make_the_same_groups():
    records = people.historical(3, 12).drop(columns="person").assign(id=lambda rows: [f"r{n}" for n in rows.index])
    shuffled = records.sample(frac=1, random_state=1)
    assert sorted(map(sorted, groups(link_records(records, key="id")))) == sorted(
        map(sorted, groups(link_records(shuffled, key="id")))
    )


def test_two_runs_learn_the_same_model():
    records = people.historical(3, 12).drop(columns="person")
    assert link_records(records).model.parameters() == link_records(records).model.parameters()


@pytest.mark.slow
def test_a_number_that_whole_families_have_by_mistake_does_not_make_one_person_of_them():
    files = people.insured_families(3, 400)
    linked = link_records(without_truth(files))
    assert scores(linked, truth_of(linked, files))[2] >= 0.94


HOME = {"birth_date": "1980-01-07", "postcode": "4300 XY", "city": "Delft"}


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        (("Zuiderwijk", "Annetta"), ("Annetta", "Zuiderwijk"), "swapped"),
        (("Zuiderwiik", "Annetta"), ("Anetta", "Zuiderwijk"), "swapped and misspelt"),
        (("Annetta", "Zuiderwiik"), ("Anetta", "Zuiderwijk"), "near"),
    ],
)
def test_names_in_each_others_box_are_recognised_misspelt_or_not(one, other, level):
    told = [{"first_name": first, "last_name": last, **HOME} for first, last in (one, other)]
    linked = link_records(pd.DataFrame(told))
    given = next(comparison for comparison in linked.model.comparisons if comparison.slot == "given")
    assert [given.levels[place].label for place in linked.pairs["given"]] == [level]
    assert groups(linked) == [["0", "1"]]


def test_a_record_with_one_name_is_compared_with_the_last_name_of_the_other_too():
    whole = {"first_name": "Annetta", "last_name": "Zuiderwijk", **HOME}
    by_last, by_first = ({"first_name": name, **HOME} for name in ("Zuiderwijk", "Annetta"))
    assert groups(link_records(pd.DataFrame([whole, by_last]))) == [["0", "1"]]
    assert groups(link_records(pd.DataFrame([whole, by_first]))) == [["0", "1"]]
    levels = link_records(pd.DataFrame([whole, by_last, by_first])).pairs.set_index(["left", "right"])
    assert levels.loc[("0", "1"), ["given", "family"]].tolist() == [-1, 0]
    assert levels.loc[("0", "2"), ["given", "family"]].tolist() == [0, -1]


@pytest.mark.parametrize(
    ("born", "level"),
    [
        ("1980-01-07", "equal"),
        ("1980-07-01", "day and month swapped"),
        ("1980-01-17", "one slip"),
        ("1980-01-28", "two parts"),
        ("1980-12-25", "year"),
        ("1981-02-07", "two digits"),
        ("1953-12-25", "other"),
    ],
)
def test_birth_dates_agree_more_or_less(born, level):
    ann = {"first_name": "Annetta", "last_name": "Zuiderwijk", "email": "ann.zuiderwijk@x.example"}
    linked = link_records(pd.DataFrame([{**ann, "birth_date": "1980-01-07"}, {**ann, "birth_date": born}]))
    told = next(comparison for comparison in linked.model.comparisons if comparison.slot == "birth_date")
    assert [told.levels[place].label for place in linked.pairs["birth_date"]] == [level]
