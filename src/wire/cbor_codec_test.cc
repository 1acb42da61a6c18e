#include "wire/cbor_codec.h"

#include <gtest/gtest.h>

#include "api/dynamodb/types.h"
#include "api/kinesis/types.h"
#include "base/encoding.h"

namespace wire {
namespace {

namespace kinesis = api::kinesis;

std::string bytes(std::string_view hex) { return *base::from_hex(hex); }

TEST(Cbor, WritesWhatKinesisWrites) {
  kinesis::Record record;
  record.sequence_number = "49";
  record.approximate_arrival_timestamp = base::from_epoch_ms(1'795'409'460'123);
  record.data = "hi";
  EXPECT_EQ(base::hex(encode_cbor(kinesis::kRecordShape, &record, CborFlavour::kAwsCbor11)),
            "a3"
            "6e53657175656e63654e756d626572"
            "623439"
            "781b417070726f78696d6174654172726976616c54696d657374616d70"
            "c11b000001a206be3b9b"
            "6444617461"
            "426869");
}

TEST(Cbor, RoundTripsInBothFlavours) {
  for (const CborFlavour flavour : {CborFlavour::kAwsCbor11, CborFlavour::kRpcV2}) {
    kinesis::GetRecordsOutput output;
    output.millis_behind_latest = -5;
    auto& record = output.records.emplace().emplace_back();
    record.data = std::string(70'000, '\xff');
    record.approximate_arrival_timestamp = base::from_epoch_ms(1'795'409'460'123);
    record.partition_key = "k\xc3\xa9";
    const std::string text = encode_cbor(kinesis::kGetRecordsOutputShape, &output, flavour);
    kinesis::GetRecordsOutput back;
    ASSERT_TRUE(decode_cbor(text, kinesis::kGetRecordsOutputShape, &back, flavour));
    EXPECT_EQ(back.millis_behind_latest, -5);
    EXPECT_EQ(back.records->at(0).data, record.data);
    EXPECT_EQ(back.records->at(0).partition_key, "k\xc3\xa9");
    EXPECT_EQ(back.records->at(0).approximate_arrival_timestamp,
              record.approximate_arrival_timestamp);
  }
}

TEST(Cbor, ReadsIndefiniteLengthsFloatsAndUnknownMembers) {
  kinesis::GetShardIteratorInput input;
  // {_ "StreamName": (_ "a", "b"), "Timestamp": 1(1.5e12 as double), "X": [_ {}, 24(h'00')]}
  const std::string body = bytes(
      "bf6a53747265616d4e616d657f61616162ff6954696d657374616d70c1fb4275d3ef79800000"
      "61589fa0d8184100ffff");
  ASSERT_TRUE(
      decode_cbor(body, kinesis::kGetShardIteratorInputShape, &input, CborFlavour::kAwsCbor11));
  EXPECT_EQ(input.stream_name, "ab");
  EXPECT_EQ(base::to_epoch_ms(*input.timestamp), 1'500'000'000'000);
}

TEST(Cbor, RefusesWhatIsMalformedOrTooDeep) {
  const std::string deep = bytes("a16158") + std::string(100'000, '\x81') + bytes("00");
  for (const std::string& body :
       {std::string(), bytes("01"), bytes("80"), bytes("a1"), bytes("a16158"), bytes("bf"),
        bytes("a000"),                                  // bytes left over
        bytes("bb7fffffffffffffff"),                    // a map longer than any body
        bytes("a1675265636f7264739b7fffffffffffffff"),  // a list likewise
        bytes("a16a53747265616d4e616d655bffffffffffffffff"),
        bytes("a16a53747265616d4e616d6561ff"),  // not UTF-8
        bytes("a1675265636f72647381f6"),        // a null element
        bytes("ff"), bytes("fc"), deep}) {
    kinesis::PutRecordsInput input;
    const auto decoded =
        decode_cbor(body, kinesis::kPutRecordsInputShape, &input, CborFlavour::kAwsCbor11);
    ASSERT_FALSE(decoded) << base::hex(body.substr(0, 30));
    EXPECT_EQ(decoded.error().code, "SerializationException");
  }
}

TEST(Cbor, SaysWhatItExpected) {
  kinesis::PutRecordsInput input;
  const auto decoded = decode_cbor(bytes("a16a53747265616d4e616d6580"),
                                   kinesis::kPutRecordsInputShape, &input, CborFlavour::kAwsCbor11);
  EXPECT_EQ(decoded.error().message, "Start of list found where not expected");
}

}  // namespace
}  // namespace wire
