"""Functions in Java, with nothing but the JDK: what handlers take and answer, and how failures are told. Those that
use AWS's own interfaces and events are in tests/java."""
import base64
import json
import shutil
import subprocess

import pytest
from support.functions import Functions, files_of
from support.logs import messages
from support.stack import wait_until

pytestmark = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK on this machine")

READS = {"Effect": "Allow", "Action": ["kinesis:Get*", "kinesis:List*", "kinesis:Describe*"], "Resource": "*"}

HANDLERS = """
package example;

import java.io.*;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.*;

public class Handlers {
  private int calls;

  public String shout(String text) { return text.toUpperCase(); }
  public int count() { return ++calls; }
  public static long twice(long number) { return 2 * number; }
  public Object same(Object any) { return any; }
  public Map<String, List<Integer>> squares(Map<String, List<Integer>> all) {
    Map<String, List<Integer>> out = new TreeMap<>();
    for (Map.Entry<String, List<Integer>> each : all.entrySet()) {
      List<Integer> row = new ArrayList<>();
      for (int n : each.getValue()) row.add(n * n);
      out.put(each.getKey(), row);
    }
    return out;
  }
  public String pick() { return "none"; }
  public String pick(String text) { return "one: " + text; }
  public String pick(String text, Integer number) { return "never: the second is no context"; }
  public void nothing(String text) {}
  public void copy(InputStream in, OutputStream out) throws IOException {
    out.write("{\\"streamed\\":".getBytes());
    in.transferTo(out);
    out.write('}');
  }
  public String environment(String name) { return System.getenv(name); }
  public String property(String name) { return System.getProperty(name); }
  public String print(String text) { System.out.println("PRINTED \\"" + text + "\\""); return text; }
  public void fail(String text) {
    try {
      Integer.parseInt(text);
    } catch (NumberFormatException cause) {
      throw new IllegalStateException("no good: " + text, cause);
    }
  }
  public void exit(int code) { System.exit(code); }
  public int overflow(int n) { return overflow(n + 1) + 1; }
  public void sleep(long ms) throws InterruptedException { Thread.sleep(ms); }
  public Object strange(String which) { return new Object() { public int getMade() { throw new RuntimeException("m"); } }; }
  public String fetch(String url) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
    return "" + HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
  }

  public enum Size { SMALL, LARGE }
  public static class Base<T> {
    private T inner;
    public T getInner() { return inner; }
    public void setInner(T value) { inner = value; }
  }
  public static class Line {
    public String item;
    public int count;
    private boolean isFree;
    public boolean isFree() { return isFree; }
    public void setFree(boolean free) { isFree = free; }
  }
  public static class Order extends Base<Line> {
    private String orderId;
    private List<Line> lines;
    private Line[] more;
    private Map<String, Line> byName;
    private Size size;
    private Date placed;
    private ByteBuffer data;
    private byte[] raw;
    private Optional<String> note;
    private BigDecimal price;
    private Double weight;
    private String onlyRead;
    private String url = "u";
    public String getOrderId() { return orderId; }
    public void setOrderId(String value) { orderId = value; }
    public List<Line> getLines() { return lines; }
    public void setLines(List<Line> value) { lines = value; }
    public Line[] getMore() { return more; }
    public void setMore(Line[] value) { more = value; }
    public Map<String, Line> getByName() { return byName; }
    public void setByName(Map<String, Line> value) { byName = value; }
    public Size getSize() { return size; }
    public void setSize(Size value) { size = value; }
    public Date getPlaced() { return placed; }
    public void setPlaced(Date value) { placed = value; }
    public ByteBuffer getData() { return data; }
    public void setData(ByteBuffer value) { data = value; }
    public byte[] getRaw() { return raw; }
    public void setRaw(byte[] value) { raw = value; }
    public Optional<String> getNote() { return note; }
    public void setNote(Optional<String> value) { note = value; }
    public BigDecimal getPrice() { return price; }
    public void setPrice(BigDecimal value) { price = value; }
    public Double getWeight() { return weight; }
    public void setWeight(Double value) { weight = value; }
    public String getOnlyRead() { return onlyRead; }
    public String getURL() { return url; }
    public void setURL(String value) { url = value; }
  }
  public Order order(Order order) { return order; }

  public Map<String, Object> batch(Map<String, Object> event) {
    List<Map<String, String>> failures = new ArrayList<>();
    for (Object each : (List<?>) event.get("Records")) {
      Map<?, ?> record = (Map<?, ?>) ((Map<?, ?>) each).get("kinesis");
      String body = new String(Base64.getDecoder().decode((String) record.get("data")), StandardCharsets.UTF_8);
      System.out.println("SAW \\"" + body + "\\"");
      if (body.equals("bad") && failures.isEmpty())
        failures.add(Map.of("itemIdentifier", (String) record.get("sequenceNumber")));
    }
    return Map.of("batchItemFailures", failures);
  }
}
"""
BROKEN = """
package example;
public class Broken {
  public Broken() { throw new IllegalArgumentException("not today"); }
  public String go(String text) { return text; }
}
"""
STILLBORN = """
package example;
public class Stillborn {
  static final int N = Integer.parseInt("x");
  public String go(String text) { return text; }
}
"""
NEEDY = """
package example;
public class Needy {
  public Needy(String text) {}
  public String go(String text) { return text; }
}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("java")
    sources = []
    for name, text in (("Handlers", HANDLERS), ("Broken", BROKEN), ("Stillborn", STILLBORN), ("Needy", NEEDY)):
        sources.append(folder / f"{name}.java")
        sources[-1].write_text(text)
    subprocess.run(["javac", "--release", "11", "-nowarn", "-d", folder / "classes", *sources], check=True)
    return files_of(folder / "classes")


@pytest.fixture
def functions(server, name):
    made = Functions(server, name)
    yield made
    made.close()


@pytest.fixture
def deploy(functions, name, files):
    """Makes the function, or gives it another handler."""
    def deploy(handler, **settings):
        handler = handler if handler.startswith("!") else f"example.Handlers::{handler}"
        handler = handler.removeprefix("!")
        if functions.made:
            functions.lambda_.update_function_configuration(FunctionName=name, Handler=handler, **settings)
            functions.lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
        else:
            functions.create(name, files, runtime="java17", handler=handler, **settings)
            functions.lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    return deploy


def fails(functions, payload=b"{}"):
    """The error, and the log's tail."""
    answer = functions.lambda_.invoke(FunctionName=functions.name, Payload=payload, LogType="Tail")
    assert answer["FunctionError"] == "Unhandled"
    return json.loads(answer["Payload"].read()), base64.b64decode(answer["LogResult"]).decode()


@pytest.mark.parametrize("runtime", ["java8", "java8.al2", "java11", "java17", "java21", "java25"])
def test_every_java_runtime_runs_on_the_jdk_of_this_machine(functions, name, files, runtime):
    functions.create(name, files, runtime=runtime, handler="example.Handlers::shout", MemorySize=128)
    assert functions.invoke(name, "straße 😋") == "STRASSE 😋"


def test_values_in_and_out(functions, deploy, name):
    deploy("count")
    assert [functions.invoke(name) for _ in range(3)] == [1, 2, 3]
    for handler, event, answer in (
            ("twice", 1 << 40, 1 << 41),
            ("squares", {"b": [1, 2], "a": [3]}, {"a": [9], "b": [1, 4]}),
            ("pick", "x", "one: x"),
            ("nothing", "x", None),
            ("copy", {"a": 1}, {"streamed": {"a": 1}}),
            ("environment", "COLOUR", "blue"),
            ("environment", "AWS_LAMBDA_FUNCTION_NAME", name),
            ("same", {"big": "x\n\"\\\u0001é" * 200_000}, {"big": "x\n\"\\\u0001é" * 200_000})):
        deploy(handler, Environment={"Variables": {"COLOUR": "blue"}})
        assert functions.invoke(name, event) == answer


def test_any_json_comes_back_as_it_was(functions, deploy, name):
    deploy("same")
    for value in (None, True, -7, 2**31, -2**63, 2**64 - 1, 1.5, 1e300, "", "a\tb\u0000\u2028", [], {}, [[], {"": None}],
                  {"z": 1, "a": [1, 2.25, {"é": "😋"}]}):
        assert functions.invoke(name, value) == value
    deep = "[" * 900 + "]" * 900
    answer = functions.lambda_.invoke(FunctionName=name, Payload=deep.encode())
    assert "FunctionError" not in answer and answer["Payload"].read().decode() == deep


def test_an_object_with_setters_and_getters(functions, deploy, name):
    deploy("order")
    got = functions.invoke(name, {
        "ORDERID": "o1", "lines": [{"item": "a", "count": "3", "free": True}], "more": [{"item": "b", "count": 2.0}],
        "byName": {"x": {"item": "c"}}, "size": "LARGE", "placed": 1545084650.987, "data": "aGk=", "raw": "aG8=",
        "note": "n", "price": 12345678901234567890.5, "weight": 1, "inner": {"item": "d", "isFree": True},
        "onlyRead": "set", "unknown": {"x": [1]}})
    assert got.pop("price") == pytest.approx(1.2345678901234567e19)
    assert got == {
        "orderId": "o1", "lines": [{"item": "a", "count": 3, "isFree": True}],
        "more": [{"item": "b", "count": 2, "isFree": False}], "byName": {"x": {"item": "c", "count": 0, "isFree": False}},
        "size": "LARGE", "placed": 1545084650987, "data": "aGk=", "raw": "aG8=", "note": "n", "weight": 1.0,
        "inner": {"item": "d", "count": 0, "isFree": True}, "onlyRead": "set", "url": "u"}
    empty = functions.invoke(name, {"placed": 1545084650987})
    assert empty["placed"] == 1545084650987 and empty["lines"] is None and empty["note"] is None


def test_an_event_of_another_shape_is_told(functions, deploy, name):
    deploy("order")
    error, _ = fails(functions, b'{"lines": [{"item": "a"}, {"count": "three"}]}')
    assert error["errorMessage"] == "An error occurred during JSON parsing"
    assert error["errorType"] == "java.lang.RuntimeException"
    assert error["cause"]["errorMessage"] == "cannot make a int of a JSON string (at lines[1].count)"
    deploy("shout")
    assert "java.lang.String" in fails(functions, b'{"a": 1}')[0]["cause"]["errorMessage"]
    assert functions.invoke(name, "still here") == "STILL HERE"


def test_an_exception_is_told_with_its_cause_and_the_functions_own_frames(functions, deploy, name):
    deploy("fail")
    error, log = fails(functions, b'"abc"')
    assert (error["errorMessage"], error["errorType"]) == ("no good: abc", "java.lang.IllegalStateException")
    frame, = error["stackTrace"]
    assert frame.startswith("example.Handlers.fail(Handlers.java:")
    assert error["cause"]["errorType"] == "java.lang.NumberFormatException"
    assert error["cause"]["errorMessage"] == 'For input string: "abc"'
    assert error["cause"]["stackTrace"][-1].startswith("example.Handlers.fail(")
    assert "Millrace" not in json.dumps(error)
    assert "no good: abc: java.lang.IllegalStateException\n" in log and "Caused by: java.lang.NumberFormatException" in log
    deploy("strange")
    error, _ = fails(functions, b'"x"')
    assert error["errorMessage"] == "An error occurred during JSON serialization of response"


@pytest.mark.parametrize("handler,kind,message", [
    ("!example.Absent::go", "java.lang.ClassNotFoundException", "Class not found: example.Absent"),
    ("absent", "java.lang.NoSuchMethodException",
     "No public method named absent with appropriate method signature found on class example.Handlers"),
    ("!example.Handlers", "java.lang.RuntimeException",
     "Class does not implement an appropriate handler interface: example.Handlers"),
    ("!example.Broken::go", "java.lang.IllegalArgumentException", "not today"),
    ("!example.Needy::go", "java.lang.NoSuchMethodException",
     "Class example.Needy has no public zero-argument constructor"),
    ("!example.Stillborn::go", "java.lang.ExceptionInInitializerError", "Error loading class example.Stillborn"),
])
def test_what_cannot_be_loaded_is_an_error_of_the_start(functions, deploy, handler, kind, message):
    deploy(handler)
    error, log = fails(functions)
    assert (error["errorType"], error["errorMessage"]) == (kind, message)
    assert message in log
    if kind == "java.lang.ExceptionInInitializerError":
        assert error["cause"]["errorType"] == "java.lang.NumberFormatException"


def test_the_end_of_the_process(functions, deploy, name):
    deploy("exit")
    error, _ = fails(functions, b"3")
    assert error["errorType"] == "Runtime.ExitError" and error["errorMessage"].endswith("exit status 3")
    deploy("overflow")
    error, _ = fails(functions, b"0")
    assert error["errorType"] == "java.lang.StackOverflowError"
    deploy("sleep", Timeout=2)
    assert functions.invoke(name, 1) is None
    error, _ = fails(functions, b"30000")
    assert error["errorType"] == "Sandbox.Timedout" and error["errorMessage"].endswith("Task timed out after 2.00 seconds")
    assert functions.invoke(name, 1) is None


def test_the_log_the_options_and_the_trace(functions, deploy, name):
    deploy("print", Environment={"Variables": {"JAVA_TOOL_OPTIONS": "-Dcolour=green"}})
    functions.invoke(name, "hé")
    wait_until(lambda: functions.printed(name, "PRINTED") == ["hé"], "the line")
    deploy("property")
    assert functions.invoke(name, "colour") == "green"
    assert functions.invoke(name, "com.amazonaws.xray.traceHeader").startswith("Root=1-")


def test_the_log_begins_with_the_version_that_runs(functions, deploy, name):
    version = subprocess.check_output(["javac", "--version"], text=True).split()[-1]
    deploy("shout")
    functions.invoke(name, "x")

    def lines():
        return messages(functions.logs, name)

    wait_until(lambda: any(line.startswith("REPORT") for line in lines()), "the REPORT line")
    assert lines()[0] == f"INIT_START Runtime Version: java:{version}\n"


def test_tls_to_awss_names_leads_to_this_server(server, functions, deploy, name):
    deploy("fetch")
    assert functions.invoke(name, "https://dynamodb.us-east-1.amazonaws.com/") == "200"


def test_a_batch_of_records_with_failures_of_some(functions, deploy, name, kinesis, stream):
    functions.allow(READS)
    deploy("batch")
    for body in ("one", "bad", "two"):
        kinesis.put_record(StreamName=name, PartitionKey="k", Data=body.encode())
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    mapping = functions.lambda_.create_event_source_mapping(
        FunctionName=name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"])
    try:
        wait_until(lambda: "two" in functions.printed(name, "SAW")[3:], "the rest of the batch")
        assert functions.printed(name, "SAW")[:5] == ["one", "bad", "two", "bad", "two"]
    finally:
        functions.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
