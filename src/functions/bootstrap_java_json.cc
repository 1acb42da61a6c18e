#include "functions/bootstraps.h"

namespace functions {

// A part of java_bootstrap(): JSON.
std::string_view java_bootstrap_json() {
  return R"java(
// JSON read as String, Boolean, Integer, Long, BigInteger, BigDecimal, List, Map and null.
final class MillraceJson {
  static final int DEPTH_MAX = 1000;

  private final String text;
  private int at;

  private MillraceJson(String text) {
    this.text = text;
  }

  static Object read(byte[] bytes) {
    MillraceJson json = new MillraceJson(new String(bytes, StandardCharsets.UTF_8));
    Object value = json.value(0);
    json.skip();
    if (json.at != json.text.length()) throw json.wrong();
    return value;
  }

  private IllegalArgumentException wrong() {
    return new IllegalArgumentException("not JSON at character " + at);
  }

  private char peek() {
    if (at >= text.length()) throw wrong();
    return text.charAt(at);
  }

  private void skip() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) ++at;
  }

  private boolean take(char wanted) {
    skip();
    if (peek() != wanted) return false;
    ++at;
    return true;
  }

  private Object word(String word, Object value) {
    if (!text.startsWith(word, at)) throw wrong();
    at += word.length();
    return value;
  }

  private Object value(int depth) {
    if (depth > DEPTH_MAX) throw new IllegalArgumentException("JSON nested more than " + DEPTH_MAX + " deep");
    skip();
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return string();
      case 't': return word("true", Boolean.TRUE);
      case 'f': return word("false", Boolean.FALSE);
      case 'n': return word("null", null);
      default: return number();
    }
  }

  private Map<String, Object> object(int depth) {
    Map<String, Object> members = new LinkedHashMap<>();
    ++at;
    if (take('}')) return members;
    do {
      skip();
      if (peek() != '"') throw wrong();
      String name = string();
      if (!take(':')) throw wrong();
      members.put(name, value(depth + 1));
    } while (take(','));
    if (!take('}')) throw wrong();
    return members;
  }

  private List<Object> array(int depth) {
    List<Object> elements = new ArrayList<>();
    ++at;
    if (take(']')) return elements;
    do elements.add(value(depth + 1));
    while (take(','));
    if (!take(']')) throw wrong();
    return elements;
  }

  private String string() {
    int start = ++at;
    while (peek() != '"' && peek() != '\\') ++at;
    if (peek() == '"') return text.substring(start, at++);
    StringBuilder out = new StringBuilder().append(text, start, at);
    for (char next = peek(); next != '"'; next = peek()) {
      ++at;
      out.append(next == '\\' ? escaped() : next);
    }
    ++at;
    return out.toString();
  }

  private char escaped() {
    char kind = peek();
    ++at;
    if (kind == 'u') {
      if (at + 4 > text.length()) throw wrong();
      int code = 0;
      for (int end = at + 4; at < end; ++at) {
        int digit = Character.digit(text.charAt(at), 16);
        if (digit < 0) throw wrong();
        code = code * 16 + digit;
      }
      return (char) code;
    }
    int which = "\"\\/bfnrt".indexOf(kind);
    if (which < 0) throw wrong();
    return "\"\\/\b\f\n\r\t".charAt(which);
  }

  private Number number() {
    int start = at;
    boolean whole = true;
    while (at < text.length() && "+-0123456789.eE".indexOf(text.charAt(at)) >= 0) {
      whole &= ".eE".indexOf(text.charAt(at)) < 0;
      ++at;
    }
    String token = text.substring(start, at);
    try {
      if (!whole) return new BigDecimal(token);
      if (token.length() < 10) return Integer.valueOf(token);
      if (token.length() > 18) {
        BigInteger big = new BigInteger(token);
        if (big.bitLength() > 63) return big;
      }
      long value = Long.parseLong(token);
      if (value == (int) value) return (int) value;
      return value;
    } catch (NumberFormatException failure) {
      at = start;
      throw wrong();
    }
  }

  // --- writing ---------------------------------------------------------------------------------

  static byte[] write(Object value) {
    StringBuilder out = new StringBuilder();
    write(out, value, 0);
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void write(StringBuilder out, Object value, int depth) {
    if (depth > DEPTH_MAX) throw new IllegalArgumentException("nested more than " + DEPTH_MAX + " deep");
    if (value == null || value instanceof Boolean) out.append(value);
    else if (value instanceof Number && value.getClass().getName().startsWith("java.")) number(out, (Number) value);
    else if (value instanceof CharSequence || value instanceof Character) quote(out, value.toString());
    else if (value instanceof Enum) quote(out, ((Enum<?>) value).name());
    else if (value instanceof Map) map(out, (Map<?, ?>) value, depth);
    else if (value instanceof java.nio.file.Path) quote(out, value.toString());
    else if (value instanceof Iterable) list(out, (Iterable<?>) value, depth);
    else if (value instanceof byte[]) quote(out, Base64.getEncoder().encodeToString((byte[]) value));
    else if (value instanceof ByteBuffer) quote(out, base64((ByteBuffer) value));
    else if (value.getClass().isArray()) array(out, value, depth);
    else if (value instanceof Optional) write(out, ((Optional<?>) value).orElse(null), depth);
    else if (value instanceof Date) out.append(((Date) value).getTime());
    else if (value instanceof Calendar) out.append(((Calendar) value).getTimeInMillis());
    else if (value.getClass().getName().startsWith("java.") || value.getClass().getName().startsWith("org.joda.time."))
      quote(out, value.toString());
    else members(out, value, depth);
  }

  private static void number(StringBuilder out, Number value) {
    double real = value instanceof Double || value instanceof Float ? value.doubleValue() : 0;
    if (Double.isNaN(real) || Double.isInfinite(real)) quote(out, value.toString());
    else out.append(value);
  }

  private static String base64(ByteBuffer buffer) {
    ByteBuffer copy = buffer.duplicate();
    byte[] bytes = new byte[copy.remaining()];
    copy.get(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  private static void map(StringBuilder out, Map<?, ?> map, int depth) {
    char before = '{';
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      out.append(before);
      Object key = entry.getKey();
      quote(out, key instanceof Enum ? ((Enum<?>) key).name() : String.valueOf(key));
      out.append(':');
      write(out, entry.getValue(), depth + 1);
      before = ',';
    }
    out.append(before == '{' ? "{}" : "}");
  }

  private static void list(StringBuilder out, Iterable<?> list, int depth) {
    char before = '[';
    for (Object element : list) {
      out.append(before);
      write(out, element, depth + 1);
      before = ',';
    }
    out.append(before == '[' ? "[]" : "]");
  }

  private static void array(StringBuilder out, Object array, int depth) {
    List<Object> elements = new ArrayList<>();
    for (int i = 0; i < Array.getLength(array); ++i) elements.add(Array.get(array, i));
    list(out, elements, depth);
  }

  private static void members(StringBuilder out, Object value, int depth) {
    Map<String, Object> members = new LinkedHashMap<>();
    for (MillraceBind.Property property : MillraceBind.shape(value.getClass()).properties.values())
      if (property.readable()) members.put(property.name, property.get(value));
    map(out, members, depth);
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); ++i) {
      char c = text.charAt(i);
      int known = "\"\\\b\f\n\r\t".indexOf(c);
      if (known >= 0) out.append('\\').append("\"\\bfnrt".charAt(known));
      else if (c < 0x20) out.append("\\u00").append(c < 16 ? '0' : '1').append("0123456789abcdef".charAt(c & 15));
      else out.append(c);
    }
    out.append('"');
  }
}
)java";
}

}  // namespace functions
