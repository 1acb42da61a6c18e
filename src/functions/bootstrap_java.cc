#include <string>

#include "functions/bootstraps.h"

namespace functions {

// In three parts: this one has the imports.
std::string java_bootstrap() {
  std::string text =
      R"java(// Makes Java a Lambda runtime: loads the handler, asks the Runtime API for events, answers. Java 11 and later.
// Anonymous classes rather than lambdas, which take longer to start.
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Proxy;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.OffsetDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Calendar;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

final class MillraceBootstrap {
  static final String CORE = "com.amazonaws.services.lambda.runtime.";
  static final int CAUSES_MAX = 16;

  interface Handler {
    byte[] handle(Answer event) throws Throwable;
  }

  // What cannot be loaded, under the type that is told.
  static final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1;
    final String type;

    Fault(String type, String message, Throwable cause) {
      super(message, cause, false, false);
      this.type = type;
    }
  }

  // --- the Runtime API -------------------------------------------------------------------------

  static final class Answer {
    int status;
    final Map<String, String> headers = new HashMap<>();
    byte[] body;
  }

  // One connection, and no more of HTTP than the Runtime API needs.
  static final class Api {
    private final String address;
    private final InputStream in;
    private final OutputStream out;

    Api(String address) throws IOException {
      this.address = address;
      int colon = address.lastIndexOf(':');
      Socket socket = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
      socket.setTcpNoDelay(true);
      in = new BufferedInputStream(socket.getInputStream(), 65536);
      out = socket.getOutputStream();
    }

    Answer call(String method, String where, byte[] body, String errorType) throws IOException {
      StringBuilder head = new StringBuilder(method).append(" /2018-06-01/runtime/").append(where)
          .append(" HTTP/1.1\r\nHost: ").append(address).append("\r\n");
      if (errorType != null)
        head.append("Lambda-Runtime-Function-Error-Type: ").append(errorType).append("\r\n");
      if (body != null)
        head.append("Content-Type: application/json\r\nContent-Length: ").append(body.length).append("\r\n");
      byte[] bytes = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
      ByteArrayOutputStream request = new ByteArrayOutputStream(bytes.length + (body == null ? 0 : body.length));
      request.write(bytes, 0, bytes.length);
      if (body != null) request.write(body, 0, body.length);
      request.writeTo(out);
      return answer();
    }

    private Answer answer() throws IOException {
      Answer answer = new Answer();
      answer.status = Integer.parseInt(line().split(" ")[1]);
      for (String line = line(); !line.isEmpty(); line = line()) {
        int colon = line.indexOf(':');
        answer.headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
      }
      int length = Integer.parseInt(answer.headers.getOrDefault("content-length", "0"));
      answer.body = in.readNBytes(length);
      if (answer.body.length < length) throw new EOFException();
      return answer;
    }

    private String line() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int next = in.read(); next != '\n'; next = in.read()) {
        if (next < 0) throw new EOFException();
        if (next != '\r') line.write(next);
      }
      return line.toString(StandardCharsets.UTF_8);
    }
  }

  // --- errors ----------------------------------------------------------------------------------

  static boolean ours(StackTraceElement frame) {
    return frame.getClassName().startsWith("Millrace");
  }

  static boolean reflection(StackTraceElement frame) {
    String name = frame.getClassName();
    return name.startsWith("jdk.internal.reflect.") || name.startsWith("java.lang.reflect.")
        || name.startsWith("java.lang.invoke.") || name.equals("java.lang.Class");
  }

  // The function's own frames: what called them is ours.
  static StackTraceElement[] frames(Throwable failure) {
    StackTraceElement[] all = failure.getStackTrace();
    int end = 0;
    while (end < all.length && !ours(all[end])) ++end;
    if (end < all.length)
      while (end > 0 && reflection(all[end - 1])) --end;
    StackTraceElement[] kept = new StackTraceElement[end];
    System.arraycopy(all, 0, kept, 0, end);
    return kept;
  }

  static String typeOf(Throwable failure) {
    if (failure instanceof Fault) return ((Fault) failure).type;
    Class<?> type = failure.getClass();
    return (type.getName().startsWith("Millrace") ? type.getSuperclass() : type).getName();
  }

  static String messageOf(Throwable failure) {
    String message = failure.getLocalizedMessage();
    return message == null ? failure.getClass().getName() : message;
  }

  static Map<String, Object> describe(Throwable failure, int depth) {
    Map<String, Object> told = new LinkedHashMap<>();
    told.put("errorMessage", messageOf(failure));
    told.put("errorType", typeOf(failure));
    List<String> stack = new ArrayList<>();
    for (StackTraceElement frame : frames(failure)) stack.add(frame.toString());
    told.put("stackTrace", stack);
    if (failure.getCause() != null && depth < CAUSES_MAX)
      told.put("cause", describe(failure.getCause(), depth + 1));
    return told;
  }

  // Line ends inside a message travel as '\r', so that it stays one event.
  static void log(String message) {
    String text = message.endsWith("\n") ? message.substring(0, message.length() - 1) : message;
    System.out.print(text.replace("\r", "").replace('\n', '\r').concat("\n"));
    System.out.flush();
  }

  static void report(Api api, String where, Throwable failure) throws IOException {
    StringBuilder text = new StringBuilder(messageOf(failure)).append(": ").append(typeOf(failure)).append('\n');
    Throwable at = failure;
    for (int depth = 0; at != null && depth < CAUSES_MAX; ++depth, at = at.getCause()) {
      text.append(depth == 0 ? "" : "Caused by: ").append(typeOf(at)).append(": ").append(messageOf(at)).append('\n');
      for (StackTraceElement frame : frames(at)) text.append("\tat ").append(frame).append('\n');
    }
    log(text.toString());
    System.err.flush();
    byte[] body = MillraceJson.write(describe(failure, 0));
    api.call("POST", where, body, typeOf(failure).replaceAll("[^\\x21-\\x7e]", "?"));
  }

  // --- what a handler is told ------------------------------------------------------------------

  // Answers an interface's methods. Of those it does not know: the interface's own code, or nothing.
  abstract static class Told implements InvocationHandler {
    abstract Object answer(Method method, Object[] arguments) throws Throwable;

    static final Object UNKNOWN = new Object();

    @Override
    public Object invoke(Object self, Method method, Object[] arguments) throws Throwable {
      if (method.getDeclaringClass() == Object.class) {
        if (method.getName().equals("equals")) return self == arguments[0];
        if (method.getName().equals("hashCode")) return System.identityHashCode(self);
        return getClass().getName();
      }
      Object known = answer(method, arguments);
      if (known != UNKNOWN) return known;
      if (method.isDefault()) {
        Class<?> type = method.getDeclaringClass();
        return MethodHandles.privateLookupIn(type, MethodHandles.lookup()).unreflectSpecial(method, type)
            .bindTo(self).invokeWithArguments(arguments == null ? new Object[0] : arguments);
      }
      return method.getReturnType().isPrimitive() ? MillraceBind.to(null, method.getReturnType()) : null;
    }

    Object as(Class<?> type) {
      return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, this);
    }
  }

  static final class ToldLogger extends Told {
    @Override
    Object answer(Method method, Object[] arguments) {
      if (!method.getName().equals("log") || arguments == null) return UNKNOWN;
      Object said = arguments[0];
      log(said instanceof byte[] ? new String((byte[]) said, StandardCharsets.UTF_8) : String.valueOf(said));
      return null;
    }
  }

  // getAppTitle() is the member app_title, appTitle or cognitoAppTitle.
  static final class ToldMembers extends Told {
    private final Map<?, ?> members;

    ToldMembers(Map<?, ?> members) {
      this.members = members;
    }

    static Object of(String json, Class<?> type) {
      if (json == null || json.isEmpty()) return null;
      Object read = MillraceJson.read(json.getBytes(StandardCharsets.UTF_8));
      return read instanceof Map ? new ToldMembers((Map<?, ?>) read).as(type) : null;
    }

    @Override
    Object answer(Method method, Object[] arguments) {
      if (!method.getName().startsWith("get")) return UNKNOWN;
      String name = method.getName().substring(3).toLowerCase(Locale.ROOT);
      for (Map.Entry<?, ?> member : members.entrySet()) {
        String called = String.valueOf(member.getKey()).replace("_", "").toLowerCase(Locale.ROOT);
        if (!name.startsWith(called) && !called.equals("cognito".concat(name))) continue;
        if (!called.equals(name) && !called.equals("env") && !called.startsWith("cognito")) continue;
        Class<?> type = method.getReturnType();
        if (type.isInterface() && type != Map.class && member.getValue() instanceof Map)
          return new ToldMembers((Map<?, ?>) member.getValue()).as(type);
        return MillraceBind.to(member.getValue(), method.getGenericReturnType());
      }
      return method.getReturnType() == Map.class ? new HashMap<String, String>() : null;
    }
  }

  static final class ToldContext extends Told {
    private final Answer event;

    ToldContext(Answer event) {
      this.event = event;
    }

    @Override
    Object answer(Method method, Object[] arguments) {
      Map<String, String> headers = event.headers;
      switch (method.getName()) {
        case "getAwsRequestId": return headers.get("lambda-runtime-aws-request-id");
        case "getInvokedFunctionArn": return headers.get("lambda-runtime-invoked-function-arn");
        case "getLogGroupName": return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
        case "getLogStreamName": return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
        case "getFunctionName": return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
        case "getFunctionVersion": return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
        case "getMemoryLimitInMB": return Integer.valueOf(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
        case "getRemainingTimeInMillis": {
          long left = Long.parseLong(headers.get("lambda-runtime-deadline-ms")) - System.currentTimeMillis();
          return (int) Math.max(0, left);
        }
        case "getLogger": return new ToldLogger().as(method.getReturnType());
        case "getIdentity":
          return ToldMembers.of(headers.get("lambda-runtime-cognito-identity"), method.getReturnType());
        case "getClientContext":
          return ToldMembers.of(headers.get("lambda-runtime-client-context"), method.getReturnType());
        default: return UNKNOWN;
      }
    }
  }

  // --- the handler -----------------------------------------------------------------------------

  static Class<?> interfaceOf(Class<?> type, String name) {
    for (Class<?> at = type; at != null; at = at.getSuperclass()) {
      if (at.getName().equals(name)) return at;
      for (Class<?> face : at.getInterfaces()) {
        Class<?> found = interfaceOf(face, name);
        if (found != null) return found;
      }
    }
    return null;
  }

  static boolean isContext(Class<?> type) {
    return type.getName().equals(CORE + "Context");
  }

  static boolean isStream(Class<?> type) {
    return type == InputStream.class || type == OutputStream.class;
  }

  // What a method can be called with: an event, streams, and a context at last.
  static boolean takes(Class<?>[] types) {
    int count = types.length;
    if (count > 0 && isContext(types[count - 1])) --count;
    for (int i = 0; i < count; ++i)
      if (isContext(types[i])) return false;
    if (count == 2) return types[0] == InputStream.class && types[1] == OutputStream.class;
    return count < 2;
  }

  static int weight(Method method) {
    Class<?>[] types = method.getParameterTypes();
    boolean context = types.length > 0 && isContext(types[types.length - 1]);
    return 2 * (types.length + (context ? 1 : 0)) + (method.isBridge() ? 0 : 1);
  }

  // Of several the one that takes most.
  static Method methodOf(Class<?> type, String name) {
    Method best = null;
    for (Method method : type.getMethods()) {
      if (!method.getName().equals(name) || !takes(method.getParameterTypes())) continue;
      if (best == null || weight(method) > weight(best)) best = method;
    }
    if (best != null) return best;
    throw new Fault("java.lang.NoSuchMethodException", "No public method named " + name
        + " with appropriate method signature found on class " + type.getName(), null);
  }

  static Object instanceOf(Class<?> type) throws Throwable {
    Constructor<?> constructor;
    try {
      constructor = type.getConstructor();
    } catch (NoSuchMethodException failure) {
      boolean inner = type.getEnclosingClass() != null && !Modifier.isStatic(type.getModifiers());
      throw new Fault(failure.getClass().getName(), "Class " + type.getName() + (inner
          ? " cannot be instantiated because it is a non-static inner class"
          : " has no public zero-argument constructor"), null);
    }
    try {
      MillraceBind.open(constructor);
      return constructor.newInstance();
    } catch (InvocationTargetException failure) {
      throw failure.getCause();
    }
  }

  static Class<?> classOf(String name) {
    try {
      return Class.forName(name, true, Thread.currentThread().getContextClassLoader());
    } catch (ClassNotFoundException failure) {
      throw new Fault(failure.getClass().getName(), "Class not found: " + name, null);
    } catch (LinkageError failure) {
      String message = failure.getMessage() == null ? "" : ": " + failure.getMessage();
      throw new Fault(failure.getClass().getName(), "Error loading class " + name + message,
                      failure.getCause() == null ? failure : failure.getCause());
    }
  }

  static Handler load(String spec) throws Throwable {
    int colons = spec.indexOf("::");
    if (colons == 0 || colons == spec.length() - 2 || spec.isEmpty())
      throw new Fault("java.lang.RuntimeException", "Invalid handler: `" + spec + "'", null);
    Class<?> type = classOf(colons < 0 ? spec : spec.substring(0, colons));
    if (colons >= 0) {
      Method method = methodOf(type, spec.substring(colons + 2));
      Object self = Modifier.isStatic(method.getModifiers()) ? null : instanceOf(type);
      return new Calling(self, method, type, null);
    }
    Class<?> face = interfaceOf(type, CORE + "RequestStreamHandler");
    if (face == null) face = interfaceOf(type, CORE + "RequestHandler");
    if (face == null)
      throw new Fault("java.lang.RuntimeException",
                      "Class does not implement an appropriate handler interface: " + type.getName(), null);
    Type[] arguments = MillraceBind.argumentsOf(type, face);
    return new Calling(instanceOf(type), methodOf(face, "handleRequest"), type,
                       arguments == null ? null : arguments[0]);
  }

  static final class Calling implements Handler {
    private final Object self;
    private final Method method;
    private final Type[] types;
    private final boolean streams;

    // `event`: what the event is, where the method alone does not say it.
    Calling(Object self, Method method, Class<?> type, Type event) {
      this.self = self;
      this.method = method;
      types = method.getGenericParameterTypes();
      Map<TypeVariable<?>, Type> known = MillraceBind.variables(type);
      boolean found = false;
      for (int i = 0; i < types.length; ++i) {
        types[i] = i == 0 && event != null ? event : MillraceBind.substitute(types[i], known);
        found |= isStream(method.getParameterTypes()[i]);
      }
      streams = found;
      MillraceBind.open(method);
    }

    @Override
    public byte[] handle(Answer event) throws Throwable {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      Class<?>[] classes = method.getParameterTypes();
      Object[] arguments = new Object[classes.length];
      for (int i = 0; i < classes.length; ++i) {
        if (classes[i] == InputStream.class) arguments[i] = new ByteArrayInputStream(event.body);
        else if (classes[i] == OutputStream.class) arguments[i] = out;
        else if (isContext(classes[i])) arguments[i] = new ToldContext(event).as(classes[i]);
        else arguments[i] = read(event.body, types[i]);
      }
      Object result;
      try {
        result = method.invoke(self, arguments);
      } catch (InvocationTargetException failure) {
        throw failure.getCause();
      }
      if (streams) return out.toByteArray();
      try {
        return MillraceJson.write(result);
      } catch (RuntimeException | StackOverflowError failure) {
        throw new RuntimeException("An error occurred during JSON serialization of response", failure);
      }
    }

    private static Object read(byte[] body, Type type) {
      try {
        return MillraceBind.to(MillraceJson.read(body), type);
      } catch (RuntimeException failure) {
        throw new RuntimeException("An error occurred during JSON parsing", failure);
      }
    }
  }

  // --- the process -----------------------------------------------------------------------------

  // Everything a function reaches is this server: its authority is all that TLS has to know.
  static void trustTheServer() {
    if (System.getProperty("javax.net.ssl.trustStore") != null) return;
    String password = "changeit";
    String path = "/tmp/.millrace-trust.jks";
    try (InputStream pem = new FileInputStream("/var/runtime/authority.pem");
         OutputStream out = new FileOutputStream(path)) {
      KeyStore store = KeyStore.getInstance("JKS");
      store.load(null, null);
      store.setCertificateEntry("millrace", CertificateFactory.getInstance("X.509").generateCertificate(pem));
      store.store(out, password.toCharArray());
    } catch (Exception failure) {
      return;
    }
    System.setProperty("javax.net.ssl.trustStore", path);
    System.setProperty("javax.net.ssl.trustStoreType", "JKS");
    System.setProperty("javax.net.ssl.trustStorePassword", password);
  }

  static void serve(Api api, Handler handler) throws IOException {
    for (;;) {
      Answer event = api.call("GET", "invocation/next", null, null);
      if (event.status != 200) System.exit(1);
      String trace = event.headers.get("lambda-runtime-trace-id");
      if (trace != null) System.setProperty("com.amazonaws.xray.traceHeader", trace);
      String where = "invocation/".concat(event.headers.get("lambda-runtime-aws-request-id"));
      byte[] answer;
      try {
        answer = handler.handle(event);
      } catch (Throwable failure) {
        report(api, where.concat("/error"), failure);
        if (failure instanceof VirtualMachineError) System.exit(1);
        continue;
      }
      System.out.flush();
      System.err.flush();
      api.call("POST", where.concat("/response"), answer, null);
    }
  }

  public static void main(String[] arguments) throws IOException {
    log("INIT_START Runtime Version: java:".concat(System.getProperty("java.version")));
    Api api = new Api(System.getenv("AWS_LAMBDA_RUNTIME_API"));
    trustTheServer();
    Handler handler = null;
    try {
      handler = load(System.getenv("_HANDLER"));
    } catch (Throwable failure) {
      report(api, "init/error", failure);
      System.exit(1);
    }
    serve(api, handler);
  }
}
)java";
  text += java_bootstrap_json();
  text += java_bootstrap_bind();
  return text;
}

}  // namespace functions
