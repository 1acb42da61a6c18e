#include "wire/xml_codec.h"

#include <gtest/gtest.h>

#include "api/s3/types.h"

namespace wire {
namespace {

namespace s3 = api::s3;

TEST(XmlDecode, ReadsFlattenedAndWrappedLists) {
  s3::Delete request;
  const auto decoded = decode_xml(
      "<?xml version=\"1.0\"?>\n<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
      "  <Object><Key>a &amp; b</Key></Object><!-- c --><Object><Key> </Key>"
      "<VersionId>v</VersionId></Object>\n  <Quiet> true </Quiet></Delete>",
      s3::kDeleteShape, &request, "Delete");
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ(request.objects->size(), 2U);
  EXPECT_EQ(request.objects->at(0).key, "a & b");
  EXPECT_EQ(request.objects->at(1).key, " ");
  EXPECT_EQ(request.objects->at(1).version_id, "v");
  EXPECT_EQ(request.quiet, true);

  s3::Tagging tagging;
  ASSERT_TRUE(decode_xml("<Tagging><TagSet><Tag><Key>k</Key><Value/></Tag></TagSet></Tagging>",
                         s3::kTaggingShape, &tagging, "Tagging"));
  ASSERT_EQ(tagging.tag_set->size(), 1U);
  EXPECT_EQ(tagging.tag_set->at(0).value, "");
}

TEST(XmlDecode, ReadsAttributes) {
  s3::AccessControlPolicy policy;
  ASSERT_TRUE(decode_xml(
      "<AccessControlPolicy><AccessControlList><Grant><Grantee "
      "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
      "xsi:type=\"CanonicalUser\"><ID>i</ID>"
      "</Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>",
      s3::kAccessControlPolicyShape, &policy));
  EXPECT_EQ(policy.grants->at(0).grantee->type, "CanonicalUser");
  EXPECT_EQ(policy.grants->at(0).grantee->id, "i");
}

TEST(XmlDecode, RefusesWhatIsMalformed) {
  const std::string deep = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "<a>";
    for (int i = 0; i < 1000; ++i) text += "</a>";
    return text;
  }();
  for (const std::string& body :
       {std::string(), std::string("x"), std::string("<Delete>"), std::string("<Other/>"),
        std::string("<Delete/><Delete/>"), std::string("<Delete><Quiet>maybe</Quiet></Delete>"),
        std::string("<!DOCTYPE a [<!ENTITY e \"x\">]><Delete/>"),
        std::string("<Delete>\xff</Delete>"), "<Delete>" + deep + "</Delete>"}) {
    s3::Delete request;
    const auto decoded = decode_xml(body, s3::kDeleteShape, &request, "Delete");
    ASSERT_FALSE(decoded) << body.substr(0, 50);
    EXPECT_EQ(decoded.error().code, "MalformedXML");
  }
}

TEST(XmlDecode, ExpandsNoEntities) {
  s3::Tag tag;
  ASSERT_TRUE(decode_xml("<Tag><Key>&e;&lt;&#65;</Key></Tag>", s3::kTagShape, &tag));
  EXPECT_EQ(tag.key, "&e;<A");
}

TEST(XmlEncode, WritesNamespacesAttributesAndFlattenedLists) {
  s3::Grant grant;
  auto& grantee = grant.grantee.emplace();
  grantee.type = "CanonicalUser";
  grantee.id = "i";
  grant.permission = "READ";
  EXPECT_EQ(encode_xml(s3::kGrantShape, &grant, "Grant", kS3Namespace),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<Grant xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Grantee "
            "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">"
            "<ID>i</ID></Grantee><Permission>READ</Permission></Grant>");

  s3::ListObjectsV2Output output;
  output.name = "b";
  output.is_truncated = false;
  auto& object = output.contents.emplace().emplace_back();
  object.key = "a&\x01\r";
  object.size = 7;
  object.last_modified = base::from_epoch_ms(1'795'409'460'123);
  output.common_prefixes.emplace().emplace_back().prefix = "p/";
  std::string xml;
  append_xml_members(xml, s3::kListObjectsV2OutputShape, &output);
  EXPECT_EQ(xml,
            "<IsTruncated>false</IsTruncated><Contents><Key>a&amp;\xef\xbf\xbd&#13;</Key>"
            "<LastModified>2026-11-23T04:51:00.123Z</LastModified><Size>7</Size></Contents>"
            "<Name>b</Name><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>");
}

}  // namespace
}  // namespace wire
