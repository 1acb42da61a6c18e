// PartiQL's operations. What AWS answers was recorded by others: see
// tables/partiql/partiql_test.cc.

#include "services/dynamodb/service_fixture.h"

namespace services::dynamodb {
namespace {

using tables::equal;
using tables::Item;
using tables::Value;
using Parameters = std::vector<Value>;

class StatementsTest : public DynamoDbFixture {
 protected:
  void SetUp() override {
    DynamoDbFixture::SetUp();
    create();
  }

  void create() {
    d::CreateTableInput input;
    input.table_name = "things";
    input.attribute_definitions = {attribute("pk", "S"), attribute("sk", "N"), attribute("g", "S"),
                                   attribute("l", "S")};
    input.key_schema = {element("pk", "HASH"), element("sk", "RANGE")};
    d::GlobalSecondaryIndex global;
    global.index_name = "by_g";
    global.key_schema = {element("g", "HASH")};
    global.projection.emplace().projection_type = "KEYS_ONLY";
    input.global_secondary_indexes = {global};
    d::LocalSecondaryIndex local;
    local.index_name = "by_l";
    local.key_schema = {element("pk", "HASH"), element("l", "RANGE")};
    local.projection.emplace().projection_type = "KEYS_ONLY";
    input.local_secondary_indexes = {local};
    input.billing_mode = "PAY_PER_REQUEST";
    ASSERT_TRUE(call<d::op::CreateTable>(input));
  }

  static d::ExecuteStatementInput statement(std::string text, Parameters parameters = {}) {
    d::ExecuteStatementInput input;
    input.statement = std::move(text);
    if (!parameters.empty()) input.parameters = std::move(parameters);
    return input;
  }
  std::vector<Item> run(std::string text, Parameters parameters = {}) {
    const auto output = call<d::op::ExecuteStatement>(statement(text, std::move(parameters)));
    EXPECT_TRUE(output) << text << ": " << (output ? "" : output.error().message);
    return output ? *output->items : std::vector<Item>();
  }
  std::string error(std::string text, Parameters parameters = {}) {
    const auto output =
        call<d::op::ExecuteStatement>(statement(std::move(text), std::move(parameters)));
    if (output) return "";
    return output.error().code == "ValidationException" ? output.error().message
                                                        : output.error().code;
  }
  void put(const std::string& pk, int sk, Item more = {}) {
    d::PutItemInput input;
    input.table_name = "things";
    more["pk"] = s(pk);
    more["sk"] = n(std::to_string(sk));
    input.item = std::move(more);
    ASSERT_TRUE(call<d::op::PutItem>(input));
  }
  std::optional<Item> get(const std::string& pk, int sk) {
    d::GetItemInput input;
    input.table_name = "things";
    input.key = Item{{"pk", s(pk)}, {"sk", n(std::to_string(sk))}};
    return call<d::op::GetItem>(input)->item;
  }
  static std::string places(const std::vector<Item>& items) {
    std::string text;
    for (const Item& item : items)
      text += (text.empty() ? "" : " ") + item.at("pk").s() + "/" + item.at("sk").n();
    return text;
  }
  // Every page of a SELECT; counts them.
  std::string pages(d::ExecuteStatementInput input, int& count) {
    std::string text;
    for (count = 1; count < 100; ++count) {
      const auto output = call<d::op::ExecuteStatement>(input);
      EXPECT_TRUE(output) << output.error().message;
      const std::string page = places(*output->items);
      text += (text.empty() || page.empty() ? "" : " ") + page;
      if (!output->next_token) break;
      input.next_token = output->next_token;
    }
    return text;
  }

  api::Outcome<d::ExecuteTransactionOutput> transact(const std::vector<std::string>& texts,
                                                     std::optional<std::string> token = {}) {
    d::ExecuteTransactionInput input;
    input.transact_statements.emplace();
    for (const std::string& text : texts)
      input.transact_statements->emplace_back().statement = text;
    input.client_request_token = std::move(token);
    return call<d::op::ExecuteTransaction>(input);
  }
  static std::vector<std::string> reasons(const api::Error& error) {
    std::vector<std::string> codes;
    const auto* const detail =
        static_cast<const d::TransactionCanceledException*>(error.detail.get());
    if (detail == nullptr) return codes;
    for (const auto& one : *detail->cancellation_reasons)
      codes.push_back(*one.code + (one.message ? ": " + *one.message : ""));
    return codes;
  }
  d::BatchExecuteStatementOutput batch(const std::vector<std::string>& texts) {
    d::BatchExecuteStatementInput input;
    input.statements.emplace();
    for (const std::string& text : texts) input.statements->emplace_back().statement = text;
    input.return_consumed_capacity = "TOTAL";
    const auto output = call<d::op::BatchExecuteStatement>(input);
    EXPECT_TRUE(output) << (output ? "" : output.error().message);
    return output.value_or(d::BatchExecuteStatementOutput());
  }
};

using Codes = std::vector<std::string>;

TEST_F(StatementsTest, InsertsOnce) {
  EXPECT_TRUE(run("INSERT INTO things VALUE {'pk': 'a', 'sk': ?, 'v': 'x'}", {n("1.0")}).empty());
  EXPECT_TRUE(equal(*get("a", 1), Item{{"pk", s("a")}, {"sk", n("1")}, {"v", s("x")}}));
  const auto again =
      call<d::op::ExecuteStatement>(statement("INSERT INTO things VALUE {'pk': 'a', 'sk': 1}"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "DuplicateItemException");
  EXPECT_EQ(again.error().message, "Duplicate primary key exists in table");
  EXPECT_EQ(error("INSERT INTO things VALUE {'pk': 'a'}"),
            "One or more parameter values were invalid: Missing the key sk in the item");
  EXPECT_EQ(error("INSERT INTO nothing VALUE {'pk': 'a'}"), "ResourceNotFoundException");
}

TEST_F(StatementsTest, UpdatesWhatIsThere) {
  put("a", 1, {{"v", n("1")}, {"keep", s("same")}});
  EXPECT_TRUE(run("UPDATE things SET v = v + 1 WHERE pk = 'a' AND sk = 1 AND v = 1").empty());
  EXPECT_EQ(get("a", 1)->at("v").n(), "2");
  EXPECT_EQ(error("UPDATE things SET v = 9 WHERE pk = 'a' AND sk = 1 AND v = 1"),
            "ConditionalCheckFailedException");
  EXPECT_EQ(error("UPDATE things SET v = 9 WHERE pk = 'none' AND sk = 1"),
            "ConditionalCheckFailedException");
  EXPECT_FALSE(get("none", 1));
  EXPECT_EQ(error("UPDATE things SET v = 9 WHERE pk = 'a'"),
            "Where clause does not contain a mandatory equality on all key attributes");
  EXPECT_EQ(error("UPDATE things SET v = 9 WHERE pk = 'a' AND sk = 1 AND pk = 'b'"),
            "Multiple conditions on same key pk. Only single item Update/Insert/Delete are "
            "supported");
  EXPECT_EQ(error("UPDATE things SET x[0] = 9 WHERE pk = 'a' AND sk = 1"),
            "The document path provided in the update expression is invalid for update");
}

TEST_F(StatementsTest, ReturnsWhatWasAskedFor) {
  const auto returned = [&](const std::string& changes, const std::string& what) {
    put("a", 1, {{"v", s("old")}, {"keep", s("same")}, {"l", s("x")}});
    return run("UPDATE things " + changes + " WHERE pk = 'a' AND sk = 1 RETURNING " + what + " *");
  };
  EXPECT_EQ(returned("SET v = 'new'", "ALL OLD").at(0).at("v").s(), "old");
  EXPECT_EQ(returned("SET v = 'new'", "ALL NEW").at(0).size(), 5U);
  EXPECT_TRUE(equal(returned("SET v = 'new'", "MODIFIED NEW").at(0), Item{{"v", s("new")}}));
  EXPECT_TRUE(equal(returned("SET v = 'new'", "MODIFIED OLD").at(0), Item{{"v", s("old")}}));
  EXPECT_TRUE(returned("REMOVE v", "MODIFIED NEW").empty());
  EXPECT_TRUE(returned("SET fresh = 1", "MODIFIED OLD").empty());
}

TEST_F(StatementsTest, Deletes) {
  put("a", 1, {{"v", s("x")}});
  EXPECT_EQ(error("DELETE FROM things WHERE pk = 'a' AND sk = 1 AND v = 'y'"),
            "ConditionalCheckFailedException");
  EXPECT_EQ(run("DELETE FROM things WHERE pk = 'a' AND sk = 1 AND v = 'x' RETURNING ALL OLD *")
                .at(0)
                .at("v")
                .s(),
            "x");
  EXPECT_FALSE(get("a", 1));
  EXPECT_TRUE(
      run("DELETE FROM things WHERE pk = 'a' AND sk = 1 AND v = 'x' RETURNING ALL OLD *").empty());
}

TEST_F(StatementsTest, ShowsTheItemThatACheckFailedOn) {
  put("a", 1, {{"v", s("x")}});
  auto input = statement("UPDATE things SET v = 'y' WHERE pk = 'a' AND sk = 1 AND v = 'z'");
  input.return_values_on_condition_check_failure = "ALL_OLD";
  const auto output = call<d::op::ExecuteStatement>(input);
  ASSERT_FALSE(output);
  const auto* const detail =
      static_cast<const d::ConditionalCheckFailedException*>(output.error().detail.get());
  ASSERT_NE(detail, nullptr);
  EXPECT_EQ(detail->item->at("v").s(), "x");
}

TEST_F(StatementsTest, SelectsByKeysAndByFilters) {
  for (int i = 1; i <= 3; ++i) {
    put("o", i, {{"v", n(std::to_string(i * 10))}});
    put("p", i);
  }
  EXPECT_EQ(places(run("SELECT * FROM things WHERE pk = 'o'")), "o/1 o/2 o/3");
  EXPECT_EQ(places(run("SELECT * FROM things WHERE pk = ? AND sk = ?", {s("o"), n("2")})), "o/2");
  EXPECT_EQ(places(run("SELECT * FROM things WHERE pk = 'o' AND sk >= 2 AND v <> 30")), "o/2");
  EXPECT_EQ(places(run("SELECT * FROM things WHERE pk = 'o' AND v IS MISSING")), "");
  EXPECT_EQ(places(run("SELECT * FROM things WHERE pk = 'o' AND sk <> 2")), "o/1 o/3");
  EXPECT_EQ(places(run("SELECT * FROM things WHERE v = 20")), "o/2");
  EXPECT_EQ(places(run("SELECT pk, sk FROM things WHERE pk IN ['p', 'o'] ORDER BY pk DESC, sk")),
            "p/1 p/2 p/3 o/1 o/2 o/3");
  EXPECT_EQ(places(run("SELECT * FROM things WHERE pk = 'o' ORDER BY sk DESC")), "o/3 o/2 o/1");
  EXPECT_EQ(places(run("SELECT * FROM things WHERE pk = 'o' AND sk IN [3, 1] ORDER BY sk DESC")),
            "o/3 o/1");
  EXPECT_EQ(run("SELECT * FROM things").size(), 6U);
  EXPECT_TRUE(equal(run("SELECT v FROM things WHERE pk = 'p' AND sk = 1").at(0), Item{}));
}

TEST_F(StatementsTest, ReadsIndexes) {
  put("a", 1, {{"g", s("x")}, {"l", s("1")}, {"v", s("one")}});
  put("a", 2, {{"g", s("x")}, {"l", s("2")}, {"v", s("two")}});
  put("a", 3);
  EXPECT_EQ(places(run("SELECT * FROM things.by_g WHERE g = 'x'")), "a/1 a/2");
  EXPECT_EQ(run("SELECT * FROM things.by_g").size(), 2U);
  EXPECT_TRUE(run("SELECT * FROM things.by_g WHERE v = 'one'").empty());
  EXPECT_EQ(run("SELECT * FROM things.by_l WHERE pk = 'a'").at(0).size(), 3U);
  EXPECT_EQ(run("SELECT v FROM things.by_l WHERE pk = 'a' AND l = '2'").at(0).at("v").s(), "two");
  EXPECT_EQ(error("SELECT v, w FROM things.by_g WHERE g = 'x'"),
            "One or more parameter values were invalid: Global secondary index by_g does not "
            "project [v, w]");
  EXPECT_EQ(error("SELECT pk FROM things.by_l WHERE pk = 'a' AND v = 'one'"),
            "One or more parameter values were invalid: Secondary index by_l does not project one "
            "or more filter attributes: [v]");
  EXPECT_EQ(error("SELECT * FROM things.nosuch"), "The table does not have the specified index");
  auto input = statement("SELECT * FROM things.by_g WHERE g = 'x'");
  input.consistent_read = true;
  EXPECT_EQ(call<d::op::ExecuteStatement>(input).error().message,
            "Strongly consistent read is not supported on Global Secondary Indexes");
}

TEST_F(StatementsTest, SplitsTheCostOfALocalIndexAndItsTable) {
  for (int i = 1; i <= 3; ++i)
    put("a", i, {{"l", s(std::to_string(i))}, {"v", s(std::string(9000, 'x'))}});
  auto input = statement("SELECT v FROM things.by_l WHERE pk = 'a'");
  input.return_consumed_capacity = "INDEXES";
  auto output = call<d::op::ExecuteStatement>(input);
  EXPECT_EQ(output->consumed_capacity->table->capacity_units, 4.5);
  EXPECT_EQ(output->consumed_capacity->local_secondary_indexes->at("by_l").capacity_units, 0.5);
  input = statement("SELECT * FROM things WHERE pk = 'a' AND sk = 1");
  input.consistent_read = true;
  input.return_consumed_capacity = "TOTAL";
  output = call<d::op::ExecuteStatement>(input);
  EXPECT_EQ(output->consumed_capacity->capacity_units, 3);
}

TEST_F(StatementsTest, PagesThroughPartitionsAndScans) {
  std::string all;
  for (int i = 1; i <= 5; ++i) put("o", i);
  for (int i = 1; i <= 4; ++i) put("p", i);
  int count = 0;
  auto input = statement("SELECT * FROM things WHERE pk IN ['o', 'p']");
  input.limit = 2;
  EXPECT_EQ(pages(input, count), "o/1 o/2 o/3 o/4 o/5 p/1 p/2 p/3 p/4");
  EXPECT_EQ(count, 5);
  input = statement("SELECT * FROM things WHERE pk = 'o' ORDER BY sk DESC");
  input.limit = 3;
  EXPECT_EQ(pages(input, count), "o/5 o/4 o/3 o/2 o/1");
  input = statement("SELECT * FROM things WHERE sk > 3");
  input.limit = 1;
  const std::string scanned = pages(input, count);
  EXPECT_NE(scanned.find("o/4"), std::string::npos);
  EXPECT_NE(scanned.find("p/4"), std::string::npos);
  EXPECT_EQ(count, 10);
}

TEST_F(StatementsTest, LooksIntoTenPlacesAPage) {
  std::string list;
  for (int i = 1; i <= 25; ++i) {
    put("k" + std::to_string(i), 1);
    list += (list.empty() ? "'k" : ", 'k") + std::to_string(i) + "'";
  }
  int count = 0;
  const std::string all =
      pages(statement("SELECT * FROM things WHERE pk IN [" + list + "] AND sk = 1"), count);
  EXPECT_EQ(count, 3);
  EXPECT_NE(all.find("k25/1"), std::string::npos);
}

TEST_F(StatementsTest, BindsATokenToItsStatement) {
  for (int i = 1; i <= 3; ++i) put("o", i);
  auto input = statement("SELECT * FROM things WHERE pk = ?", {s("o")});
  input.limit = 1;
  const auto first = call<d::op::ExecuteStatement>(input);
  ASSERT_TRUE(first->next_token);
  EXPECT_EQ(first->last_evaluated_key->at("sk").n(), "1");
  input.next_token = first->next_token;
  input.limit = 2;
  EXPECT_EQ(places(*call<d::op::ExecuteStatement>(input)->items), "o/2 o/3");
  input.parameters = Parameters{s("p")};
  EXPECT_EQ(call<d::op::ExecuteStatement>(input).error().message,
            "NextToken does not match request");
  input.next_token = "garbage";
  EXPECT_EQ(call<d::op::ExecuteStatement>(input).error().message, "Invalid NextToken");
  input.next_token = first->next_token->substr(0, first->next_token->size() - 8);
  EXPECT_FALSE(call<d::op::ExecuteStatement>(input));
}

TEST_F(StatementsTest, ChecksParametersBeforeTheStatement) {
  EXPECT_EQ(error("UPDATE things SET WHERE", {Value::of_ss({"a", "a"})}),
            "One or more parameter values were invalid: Input collection [a, a] contains "
            "duplicates.");
  EXPECT_EQ(error("EXISTS(SELECT * FROM things WHERE pk = 'a')"),
            "EXISTS can only be used in ExecuteTransaction write requests.");
}

TEST_F(StatementsTest, AsksForWhatAStatementDoes) {
  const auto values = [&](std::string_view key) {
    for (const auto& entry : last_checks.at(0).context) {
      if (entry.key == key) return entry.values;
    }
    return Codes();
  };
  run("SELECT v FROM things WHERE pk IN ['a', 'b'] AND w = 1");
  EXPECT_EQ(last_checks[0].action, "dynamodb:PartiQLSelect");
  EXPECT_EQ(last_checks[0].resource, "arn:aws:dynamodb:eu-west-1:123456789012:table/things");
  EXPECT_EQ(values("dynamodb:FullTableScan"), Codes{"false"});
  EXPECT_EQ(values("dynamodb:LeadingKeys"), (Codes{"a", "b"}));
  EXPECT_EQ(values("dynamodb:Attributes"), (Codes{"v", "pk", "w"}));
  EXPECT_EQ(values("dynamodb:Select"), Codes{"SPECIFIC_ATTRIBUTES"});
  run("SELECT * FROM things.by_g WHERE v = 1");
  EXPECT_EQ(last_checks[0].resource,
            "arn:aws:dynamodb:eu-west-1:123456789012:table/things/index/by_g");
  EXPECT_EQ(values("dynamodb:FullTableScan"), Codes{"true"});
  run("INSERT INTO things VALUE {'pk': 'a', 'sk': 1}");
  EXPECT_EQ(last_checks[0].action, "dynamodb:PartiQLInsert");
  EXPECT_EQ(values("dynamodb:LeadingKeys"), Codes{"a"});
  run("UPDATE things SET v = 1 WHERE pk = 'a' AND sk = 1");
  EXPECT_EQ(last_checks[0].action, "dynamodb:PartiQLUpdate");
  run("DELETE FROM things WHERE pk = 'a' AND sk = 1 RETURNING ALL OLD *");
  EXPECT_EQ(last_checks[0].action, "dynamodb:PartiQLDelete");
  EXPECT_EQ(values("dynamodb:ReturnValues"), Codes{"ALL_OLD"});
  ASSERT_TRUE(transact({"SELECT * FROM things WHERE pk = 'a' AND sk = 1"}));
  EXPECT_EQ(values("dynamodb:EnclosingOperation"), Codes{"ExecuteTransaction"});
}

TEST_F(StatementsTest, AnswersABatchOneByOne) {
  put("a", 1, {{"v", s("here")}});
  const auto reads =
      *batch({"SLECT * FROM things", "SELECT v FROM things WHERE pk = 'a' AND sk = 1",
              "SELECT * FROM things WHERE pk = 'a'", "SELECT * FROM things.by_g WHERE g = 'x'",
              "SELECT * FROM nothing WHERE pk = 'a'",
              "SELECT * FROM things WHERE pk = 'a' AND sk = 1 AND v = 'here'",
              "SELECT * FROM things WHERE pk IN ['a'] AND sk = 2"})
           .responses;
  const std::string needs_key =
      "Select statements within BatchExecuteStatement must specify the primary key in the where "
      "clause.";
  EXPECT_EQ(reads[0].error->code, "ValidationError");
  EXPECT_EQ(reads[0].error->message,
            "Statement wasn't well formed, can't be processed: Expected data manipulation");
  EXPECT_EQ(reads[1].table_name, "things");
  EXPECT_TRUE(equal(*reads[1].item, Item{{"v", s("here")}}));
  for (const std::size_t i : {2U, 3U, 5U}) {
    EXPECT_EQ(reads[i].error->message, needs_key) << i;
    EXPECT_FALSE(reads[i].table_name) << i;
  }
  EXPECT_EQ(reads[4].error->code, "ResourceNotFound");
  EXPECT_FALSE(reads[6].error);
  EXPECT_FALSE(reads[6].item);
}

TEST_F(StatementsTest, WritesABatchOneByOne) {
  put("a", 1, {{"v", s("here")}});
  const auto output =
      batch({"INSERT INTO things VALUE {'pk': 'a', 'sk': 1}",
             "INSERT INTO things VALUE {'pk': 'b', 'sk': 1}",
             "UPDATE things SET v = 'x' WHERE pk = 'a' AND sk = 1 AND v = 'wrong'",
             "UPDATE things SET w = 1 WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *",
             "DELETE FROM things WHERE v = 'x'"});
  const auto& responses = *output.responses;
  EXPECT_EQ(responses[0].error->code, "DuplicateItem");
  EXPECT_EQ(responses[0].table_name, "things");
  EXPECT_FALSE(responses[1].error);
  EXPECT_EQ(responses[2].error->code, "ConditionalCheckFailed");
  EXPECT_EQ(responses[2].table_name, "things");
  EXPECT_TRUE(equal(*responses[3].item, Item{{"w", n("1")}}));
  EXPECT_EQ(responses[4].error->code, "ValidationError");
  EXPECT_FALSE(responses[4].table_name);
  EXPECT_TRUE(get("b", 1));
  EXPECT_EQ(output.consumed_capacity->size(), 2U);
  d::BatchExecuteStatementInput mixed;
  mixed.statements.emplace(2);
  (*mixed.statements)[0].statement = "SELECT * FROM things WHERE pk = 'a' AND sk = 1";
  (*mixed.statements)[1].statement = "DELETE FROM things WHERE pk = 'a' AND sk = 1";
  EXPECT_EQ(call<d::op::BatchExecuteStatement>(mixed).error().code, "ValidationException");
  EXPECT_TRUE(get("a", 1));
}

TEST_F(StatementsTest, WritesATransactionWholeOrNotAtAll) {
  put("a", 1, {{"v", n("0")}});
  ASSERT_TRUE(
      transact({"UPDATE things SET v = v + 1 WHERE pk = 'a' AND sk = 1",
                "INSERT INTO things VALUE {'pk': 'b', 'sk': 1}",
                "EXISTS(SELECT * FROM things WHERE pk = 'c' AND sk = 1 AND v IS MISSING)"}));
  EXPECT_EQ(get("a", 1)->at("v").n(), "1");
  const auto failed =
      transact({"UPDATE things SET v = v + 1 WHERE pk = 'a' AND sk = 1",
                "INSERT INTO things VALUE {'pk': 'b', 'sk': 1}",
                "EXISTS(SELECT * FROM things WHERE pk = 'c' AND sk = 1 AND v = 1)"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message,
            "Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
            "DuplicateItem, ConditionalCheckFailed]");
  EXPECT_EQ(reasons(failed.error()),
            (Codes{"None", "DuplicateItem: Duplicate primary key exists in table",
                   "ConditionalCheckFailed: The conditional request failed"}));
  EXPECT_EQ(get("a", 1)->at("v").n(), "1");
}

TEST_F(StatementsTest, RunsATransactionOnceUnderItsToken) {
  put("a", 1, {{"v", n("0")}});
  const std::string add = "UPDATE things SET v = v + 1 WHERE pk = 'a' AND sk = 1";
  ASSERT_TRUE(transact({add}, "token"));
  ASSERT_TRUE(transact({add}, "token"));
  EXPECT_EQ(get("a", 1)->at("v").n(), "1");
  EXPECT_EQ(transact({add + " AND v = 1"}, "token").error().code,
            "IdempotentParameterMismatchException");
}

TEST_F(StatementsTest, CancelsATransactionForWhatItsStatementsName) {
  put("a", 1);
  const std::string update = "UPDATE things SET v = 1 WHERE ";
  const std::string mismatch =
      "ValidationError: The provided key element does not match the schema";
  const auto keys = transact({update + "pk = 'a'", update + "pk IN ['a'] AND sk = 1",
                              update + "pk = 'a' AND sk = 1 AND pk = 'b'",
                              update + "pk = 'a' AND sk = 'x'", update + "pk = 'a' AND sk = 1"});
  EXPECT_EQ(reasons(keys.error()), (Codes{mismatch, mismatch, mismatch, mismatch, "None"}));
  const auto tables = transact({"UPDATE nothing SET a = 1 WHERE pk = 'x' RETURNING ALL NEW *",
                                "DELETE FROM things WHERE pk = 'a' AND sk = 1"});
  EXPECT_EQ(reasons(tables.error()),
            (Codes{"ResourceNotFound: Requested resource not found", "None"}));
  const auto insert = transact({"INSERT INTO things VALUE {'pk': 'b'}"});
  EXPECT_EQ(reasons(insert.error()),
            Codes{"ValidationError: One or more parameter values were invalid: Missing the key sk "
                  "in the item"});
  EXPECT_FALSE(get("a", 1)->contains("v"));
}

TEST_F(StatementsTest, RefusesWhatATransactionCannotDo) {
  const std::string first = "Validation failed in TransactStatements[0]: ";
  const auto text = [&](const std::vector<std::string>& texts) {
    const auto output = transact(texts);
    return output ? "" : output.error().message;
  };
  const std::string select = "SELECT * FROM things WHERE ";
  const std::string needs_key =
      first +
      "Select statements within ExecuteTransaction must specify the primary key in the where "
      "clause.";
  EXPECT_EQ(text({select + "pk = 'a' AND sk = 1 AND v = 1"}), needs_key);
  EXPECT_EQ(text({select + "pk = 'a'"}), needs_key);
  EXPECT_EQ(text({select + "pk IN ['a', 'a'] AND sk = 1"}),
            first + "Overlapping conditions with range keys are not supported in where clause");
  EXPECT_EQ(text({"SELECT * FROM things.by_g WHERE g = 'x'"}),
            first + "Reads on indices are not supported within transactions.");
  EXPECT_EQ(text({"UPDATE things SET v = 1 WHERE pk = 'x' AND sk = 1 RETURNING ALL NEW *"}),
            first + "RETURNING clause is not supported in ExecuteTransaction.");
  EXPECT_EQ(text({"EXISTS(SELECT * FROM things WHERE pk = 'a' AND sk = 1)"}),
            first + "EXISTS() must contain a single item read with additional condition");
  EXPECT_EQ(text({select + "pk = 'a' AND sk = 1", "DELETE FROM things WHERE pk = 'b' AND sk = 1"}),
            "ExecuteTransaction API does not support both read and write operations in the same "
            "request.");
  EXPECT_EQ(
      text({select + "pk = 'a' AND sk = 1", "SELECT v FROM things WHERE sk = 1 AND pk = 'a'"}),
      "Transaction request cannot include multiple operations on one item");
  EXPECT_EQ(text({select}),
            first + "Statement wasn't well formed, can't be processed: Unexpected term");
}

TEST_F(StatementsTest, ReadsInATransaction) {
  put("a", 1, {{"v", s("x")}});
  const auto output = transact({"SELECT v FROM things WHERE pk = 'a' AND sk IN [1]",
                                "SELECT * FROM things WHERE pk = 'a' AND sk = 2"});
  ASSERT_TRUE(output);
  EXPECT_TRUE(equal(*output->responses->at(0).item, Item{{"v", s("x")}}));
  EXPECT_FALSE(output->responses->at(1).item);
}

TEST_F(StatementsTest, ReadsOnlyTheFirstOfTwoKeysInExists) {
  put("a", 1, {{"v", s("x")}});
  put("b", 1);
  const auto failed =
      transact({"EXISTS(SELECT * FROM things WHERE pk = 'a' AND sk = 1 AND pk = 'b' AND v = 'x')",
                "UPDATE things SET w = 1 WHERE pk = 'b' AND sk = 1"});
  ASSERT_FALSE(failed);
  EXPECT_EQ(reasons(failed.error()),
            (Codes{"ConditionalCheckFailed: The conditional request failed", "None"}));
  EXPECT_EQ(transact({"EXISTS(SELECT * FROM things WHERE pk IN ['a'] AND sk = 1 AND v = 'x')"})
                .error()
                .message,
            "Validation failed in TransactStatements[0]: EXISTS() must contain a single item read "
            "with additional condition");
}

TEST_F(StatementsTest, RefusesAnItemThatNestsTooDeep) {
  put("a", 1, {{"m", Value::of_m({})}});
  Value deep = s("x");
  for (int i = 0; i < 31; ++i) deep = Value::of_m({{"a", std::move(deep)}});
  const std::string update = "UPDATE things SET m.deep = ? WHERE pk = 'a' AND sk = 1";
  const std::string wrong = "Nesting Levels have exceeded supported limits";
  EXPECT_EQ(error(update, {deep}), wrong);
  d::ExecuteTransactionInput transaction;
  transaction.transact_statements.emplace(1);
  (*transaction.transact_statements)[0].statement = update;
  (*transaction.transact_statements)[0].parameters = Parameters{deep};
  EXPECT_EQ(reasons(call<d::op::ExecuteTransaction>(transaction).error()),
            Codes{"ValidationError: " + wrong});
  d::BatchExecuteStatementInput batch_input;
  batch_input.statements.emplace(1);
  (*batch_input.statements)[0].statement = update;
  (*batch_input.statements)[0].parameters = Parameters{deep};
  const auto output = call<d::op::BatchExecuteStatement>(batch_input);
  EXPECT_EQ(output->responses->at(0).error->message, wrong);
  EXPECT_EQ(output->responses->at(0).table_name, "things");
}

TEST_F(StatementsTest, ChecksArithmeticBeforeTheCondition) {
  put("a", 1, {{"v", n("1")}});
  const std::string wrong =
      "Incorrect operand type for operator or function; operator or function: ";
  EXPECT_EQ(error("UPDATE things SET v = v - null WHERE pk = 'a' AND sk = 1 AND nope = 'x'"),
            wrong + "-, operand type: NULL");
  EXPECT_EQ(transact({"UPDATE things SET v = v + [1] WHERE pk = 'a' AND sk = 1"}).error().message,
            "Validation failed in TransactStatements[0]: " + wrong + "+, operand type: L");
  EXPECT_EQ(error("UPDATE things SET none = list_append(none, [1]) WHERE pk = 'a' AND sk = 1"),
            "The provided expression refers to an attribute that does not exist in the item");
  EXPECT_EQ(error("UPDATE things SET v = set_add(v, <<1>>) WHERE pk = 'a' AND sk = 1"),
            "An operand in the update expression has an incorrect data type");
}

TEST_F(StatementsTest, ReadsAnIndexAsItIs) {
  put("a", 1, {{"g", s("y")}, {"v", s("np1")}});
  put("a", 2, {{"g", s("y2")}, {"v", s("np2")}});
  EXPECT_EQ(places(run("SELECT * FROM things.by_g WHERE NOT v = 'np1' AND g = 'y2' OR g = 'y'")),
            "a/2 a/1");
  EXPECT_EQ(run("SELECT sk FROM things.by_g WHERE NOT v = 'np1'").size(), 2U);
  EXPECT_EQ(places(run("SELECT * FROM things.by_g WHERE (g = 'y' AND v = 'np1') OR g = 'y2'")),
            "a/2");
}

TEST_F(StatementsTest, FailsABatchMemberForItsParameters) {
  d::BatchExecuteStatementInput input;
  input.statements.emplace(2);
  (*input.statements)[0].statement = "UPDATE things SET v = ? WHERE pk = 'a' AND sk = 1";
  (*input.statements)[0].parameters = Parameters{Value::of_ss({})};
  (*input.statements)[1].statement = "INSERT INTO things VALUE {'pk': 'b', 'sk': 1}";
  const auto output = call<d::op::BatchExecuteStatement>(input);
  EXPECT_EQ(output->responses->at(0).error->message,
            "One or more parameter values were invalid: An string set  may not be empty");
  EXPECT_FALSE(output->responses->at(1).error);
}

}  // namespace
}  // namespace services::dynamodb
