"""DynamoDB through an object mapper, PynamoDB: what it makes of tables, conditions, versions and answers."""
import datetime

import pytest
from pynamodb import attributes, exceptions, indexes, models
from pynamodb.connection import Connection
from pynamodb.transactions import TransactGet, TransactWrite

WHEN = datetime.datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=datetime.timezone.utc)


def meta_of(server, table):
    class Meta:
        table_name = table
        host = server.endpoint
        region = server.environment["AWS_REGION"]
        aws_access_key_id = server.environment["AWS_ACCESS_KEY_ID"]
        aws_secret_access_key = server.environment["AWS_SECRET_ACCESS_KEY"]
        billing_mode = "PAY_PER_REQUEST"
        max_retry_attempts = 0
        stream_view_type = "NEW_AND_OLD_IMAGES"
    return Meta


def make_model(server, table):
    class ByOwner(indexes.GlobalSecondaryIndex):
        class Meta:
            index_name = "by-owner"
            projection = indexes.IncludeProjection(["title"])
        owner = attributes.UnicodeAttribute(hash_key=True)
        rank = attributes.NumberAttribute(range_key=True)

    class ByDate(indexes.LocalSecondaryIndex):
        class Meta:
            index_name = "by-date"
            projection = indexes.AllProjection()
        shelf = attributes.UnicodeAttribute(hash_key=True)
        added = attributes.UTCDateTimeAttribute(range_key=True)

    class Author(attributes.MapAttribute):
        name = attributes.UnicodeAttribute()
        born = attributes.NumberAttribute(null=True)

    class Book(models.Model):
        Meta = meta_of(server, table)
        shelf = attributes.UnicodeAttribute(hash_key=True)
        place = attributes.NumberAttribute(range_key=True)
        title = attributes.UnicodeAttribute(default="untitled")
        owner = attributes.UnicodeAttribute(null=True)
        rank = attributes.NumberAttribute(null=True)
        added = attributes.UTCDateTimeAttribute(null=True)
        tags = attributes.UnicodeSetAttribute(null=True)
        scores = attributes.NumberSetAttribute(null=True)
        cover = attributes.BinaryAttribute(null=True, legacy_encoding=False)
        thumbs = attributes.BinarySetAttribute(null=True, legacy_encoding=False)
        lent = attributes.BooleanAttribute(null=True)
        authors = attributes.ListAttribute(of=Author, null=True)
        more = attributes.MapAttribute(null=True)
        raw = attributes.JSONAttribute(null=True)
        loans = attributes.NumberAttribute(default=0)
        version = attributes.VersionAttribute()
        by_owner = ByOwner()
        by_date = ByDate()

    Book.Author = Author
    return Book


@pytest.fixture
def book(server, name):
    made = make_model(server, name)
    assert not made.exists()
    made.create_table(wait=True)
    yield made
    made.delete_table()
    assert not made.exists()


def fresh(book, *key):
    return book.get(*key, consistent_read=True)


def test_a_table_is_made_of_a_model(book):
    table = book.describe_table()
    assert table["TableStatus"] == "ACTIVE"
    assert [i["IndexName"] for i in table["GlobalSecondaryIndexes"]] == ["by-owner"]
    assert [i["IndexName"] for i in table["LocalSecondaryIndexes"]] == ["by-date"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


def test_attributes_come_back_as_they_were(book):
    saved = book("a", 1, title="日本 😋", added=WHEN, tags={"x", "é"}, scores={1, 2.5}, cover=b"\0\xff", thumbs={b"1", b"\xfe"},
                 lent=False, authors=[book.Author(name="A", born=1900), book.Author(name="B")],
                 more={"deep": {"list": [1, "two", None, True]}}, raw={"any": [1, {"thing": None}]})
    saved.save()
    got = fresh(book, "a", 1)
    assert got.attribute_values.keys() == saved.attribute_values.keys()
    for attribute in ("title", "added", "tags", "scores", "cover", "thumbs", "lent", "raw", "loans", "version"):
        assert getattr(got, attribute) == getattr(saved, attribute)
    assert [(a.name, a.born) for a in got.authors] == [("A", 1900), ("B", None)]
    assert got.more.as_dict() == {"deep": {"list": [1, "two", None, True]}}
    got.refresh(consistent_read=True)
    got.delete()
    with pytest.raises(book.DoesNotExist):
        fresh(book, "a", 1)
    with pytest.raises(book.DoesNotExist):
        got.refresh()


def test_versions_refuse_those_who_come_late(book):
    first = book("v", 1, title="one")
    first.save()
    second = fresh(book, "v", 1)
    assert first.version == second.version == 1
    second.title = "two"
    second.save()
    first.title = "late"
    with pytest.raises(exceptions.PutError) as caught:
        first.save()
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    assert caught.value.cause_response_message == "The conditional request failed"
    with pytest.raises(exceptions.PutError):
        book("v", 1, title="another that is new").save()
    with pytest.raises(exceptions.DeleteError):
        first.delete()
    second.update(actions=[book.title.set("three")])
    assert second.version == 3
    assert (fresh(book, "v", 1).title, fresh(book, "v", 1).version) == ("three", 3)
    second.delete()


def test_updates_are_conditional(book):
    it = book("u", 1, tags={"a", "b"}, raw=None, authors=[book.Author(name="A")], owner="o", rank=1)
    it.save(condition=book.shelf.does_not_exist() & book.place.does_not_exist())
    it.update(actions=[book.loans.set(book.loans + 2), book.tags.delete({"a"}), book.owner.remove(),
                       book.authors.set(book.authors.append([{"name": "B"}])), book.lent.set(True)],
              condition=(book.loans == 0) & book.owner.exists() & book.tags.contains("a") & book.authors[0]["name"].startswith("A")
              & ~(book.rank.between(2, 3) | book.rank.is_in(4, 5)))
    assert (it.loans, it.tags, it.owner, it.lent) == (2, {"b"}, None, True)
    it.update(actions=[book.loans.add(0.5), book.tags.add({"c"}), book.authors[0].remove()])
    assert (it.loans, it.tags, [a.name for a in it.authors]) == (2.5, {"b", "c"}, ["B"])
    with pytest.raises(exceptions.UpdateError) as caught:
        it.update(actions=[book.loans.set(0)], condition=book.loans < 2)
    assert caught.value.cause_response_code == "ConditionalCheckFailedException"
    assert fresh(book, "u", 1).loans == 2.5


def test_indexes_and_pages(book):
    with book.batch_write() as batch:
        for i in range(60):  # more than a batch takes
            batch.save(book("i", i, title=f"t{i}", owner="o" if i % 2 else None, rank=i if i % 2 else None,
                            added=WHEN - datetime.timedelta(days=i)))
    assert book.count("i") == 60
    assert book.count("i", book.place < 10, filter_condition=book.owner.exists()) == 5
    owned = list(book.by_owner.query("o", book.rank > 10, scan_index_forward=False, page_size=7))
    assert [(b.rank, b.place, b.title) for b in owned] == [(i, i, f"t{i}") for i in range(59, 10, -2)]
    assert [b.place for b in book.by_date.query("i", limit=3, consistent_read=True)] == [59, 58, 57]
    pages = book.query("i", page_size=25)
    assert [b.place for b in pages] == list(range(60))
    assert pages.last_evaluated_key is None
    begun = book.query("i", limit=10, attributes_to_get=["place"])
    assert [b.place for b in begun] == list(range(10))
    rest = book.query("i", last_evaluated_key=begun.last_evaluated_key)
    assert [b.place for b in rest] == list(range(10, 60))
    scanned = [b.place for segment in range(3) for b in book.scan(segment=segment, total_segments=3, page_size=9)]
    assert sorted(scanned) == list(range(60))
    assert len(list(book.by_owner.scan(book.title.startswith("t5")))) == 6

    wanted = [("i", i) for i in range(0, 130)]  # more than a batch takes, and than there are
    assert sorted(b.place for b in book.batch_get(wanted, consistent_read=True)) == list(range(60))
    with book.batch_write() as batch:
        for b in book.query("i"):
            batch.delete(b)
    assert book.count("i") == 0


def test_transactions_tell_their_reasons(server, book):
    connection = Connection(region=book.Meta.region, host=book.Meta.host)
    connection.session.set_credentials(book.Meta.aws_access_key_id, book.Meta.aws_secret_access_key)
    a, b = book("t", 1, loans=5), book("t", 2)
    with TransactWrite(connection=connection, client_request_token=a.shelf + book.Meta.table_name) as together:
        together.save(a)
        together.save(b)
    assert (a.version, b.version) == (1, 1)
    with TransactWrite(connection=connection) as together:
        together.update(a, actions=[book.loans.add(-1)], condition=book.loans >= 1)
        together.delete(b)
        together.condition_check(book, "t", 3, condition=book.shelf.does_not_exist())
    assert (fresh(book, "t", 1).loans, book.count("t")) == (4, 1)

    with pytest.raises(exceptions.TransactWriteError) as caught:
        with TransactWrite(connection=connection) as together:
            together.save(book("t", 4))
            together.update(fresh(book, "t", 1), actions=[book.loans.set(0)], condition=book.loans > 100,
                            return_values="ALL_OLD")
    reasons = caught.value.cancellation_reasons
    assert reasons[0] is None
    assert (reasons[1].code, reasons[1].message) == ("ConditionalCheckFailed", "The conditional request failed")
    assert reasons[1].raw_item["loans"] == {"N": "4"}
    assert book.count("t") == 1

    with TransactGet(connection=connection) as together:
        there, not_there = together.get(book, "t", 1), together.get(book, "t", 9)
    assert there.get().loans == 4
    with pytest.raises(book.DoesNotExist):
        not_there.get()


def test_a_discriminator_tells_classes_of_one_table_apart(server, name):
    class Animal(models.Model):
        Meta = meta_of(server, name)
        called = attributes.UnicodeAttribute(hash_key=True)
        kind = attributes.DiscriminatorAttribute()

    class Dog(Animal, discriminator="Dog"):
        tricks = attributes.NumberAttribute()

    class Puppy(Dog, discriminator="Puppy"):
        pass

    class Cat(Animal, discriminator="Cat"):
        lives = attributes.NumberAttribute()

    Animal.create_table(wait=True)
    for animal in (Dog("rex", tricks=3), Puppy("tiny", tricks=0), Cat("mia", lives=9)):
        animal.save()
    assert {a.called: type(a) for a in Animal.scan()} == {"rex": Dog, "tiny": Puppy, "mia": Cat}
    assert {a.called for a in Dog.scan()} == {"rex", "tiny"}
    assert [a.called for a in Dog.query("tiny", filter_condition=Dog.tricks == 0)] == ["tiny"]
    assert type(Animal.get("mia")) is Cat
    Animal.delete_table()


def test_what_has_outlived_its_time_goes(server, name):
    class Session(models.Model):
        Meta = meta_of(server, name)
        called = attributes.UnicodeAttribute(hash_key=True)
        ends = attributes.TTLAttribute(null=True)

    Session.create_table(wait=True)
    described = server.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ends"}
    later = Session("later", ends=datetime.timedelta(hours=1))
    later.save()
    Session("never").save()
    Session("past", ends=later.ends - datetime.timedelta(hours=2)).save()
    Session("long past", ends=later.ends - datetime.timedelta(days=6 * 366)).save()  # taken for a mistake
    assert Session.get("later").ends == later.ends
    kept = {"past"}
    while "past" in kept:  # pytest's own time limit ends what never ends
        kept = {s.called for s in Session.scan(consistent_read=True)}
    assert kept == {"later", "never", "long past"}
    Session.delete_table()


def test_refusals_keep_their_names(server, name):
    missing = make_model(server, name)
    with pytest.raises(exceptions.PutError) as caught:
        missing("a", 1).save()
    assert caught.value.cause_response_code == "ResourceNotFoundException"
    missing.create_table(wait=True)
    with pytest.raises(exceptions.TableError) as caught:
        server_side = missing._get_connection()
        server_side.create_table(attribute_definitions=[{"attribute_name": "k", "attribute_type": "S"}],
                                 key_schema=[{"attribute_name": "k", "key_type": "HASH"}], billing_mode="PAY_PER_REQUEST")
    assert caught.value.cause_response_code == "ResourceInUseException"
    with pytest.raises(exceptions.PutError) as caught:
        missing("a", 1, title="x" * 410_000).save()
    assert caught.value.cause_response_message == "Item size has exceeded the maximum allowed size"
    missing.delete_table()
