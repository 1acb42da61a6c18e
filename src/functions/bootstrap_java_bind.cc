#include "functions/bootstraps.h"

namespace functions {

// A part of java_bootstrap(): from JSON to what a handler takes, and from what it answers.
std::string_view java_bootstrap_bind() {
  return R"java(
// Makes Java values of what was read.
final class MillraceBind {
  private static final Map<Class<?>, Shape> shapes = new HashMap<>();
  private static final long MILLIS_FROM = 100_000_000_000L;  // a date as a number: seconds below it

  static final class Mismatch extends IllegalArgumentException {
    private static final long serialVersionUID = 1;
    private final String problem;
    private final String where;

    Mismatch(String problem, String where) {
      super(where.isEmpty() ? problem : problem + " (at " + where + ")", null);
      this.problem = problem;
      this.where = where;
    }

    Mismatch in(String member) {
      return new Mismatch(problem, where.isEmpty() || where.startsWith("[") ? member + where : member + '.' + where);
    }
  }

  static Mismatch mismatch(Object json, Class<?> wanted) {
    String kind = json instanceof Map ? "object" : json instanceof List ? "array" : json instanceof String ? "string"
        : json instanceof Boolean ? "boolean" : "number";
    return new Mismatch("cannot make a " + wanted.getName() + " of a JSON " + kind, "");
  }

  // --- types -----------------------------------------------------------------------------------

  static final class Generic implements ParameterizedType {
    private final ParameterizedType of;
    private final Type[] arguments;

    Generic(ParameterizedType of, Type[] arguments) {
      this.of = of;
      this.arguments = arguments;
    }

    @Override
    public Type[] getActualTypeArguments() {
      return arguments;
    }

    @Override
    public Type getRawType() {
      return of.getRawType();
    }

    @Override
    public Type getOwnerType() {
      return of.getOwnerType();
    }
  }

  static Class<?> raw(Type type) {
    if (type instanceof Class) return (Class<?>) type;
    if (type instanceof ParameterizedType) return raw(((ParameterizedType) type).getRawType());
    if (type instanceof WildcardType) return raw(((WildcardType) type).getUpperBounds()[0]);
    if (type instanceof TypeVariable) return raw(((TypeVariable<?>) type).getBounds()[0]);
    if (type instanceof GenericArrayType)
      return Array.newInstance(raw(((GenericArrayType) type).getGenericComponentType()), 0).getClass();
    return Object.class;
  }

  static Type substitute(Type type, Map<TypeVariable<?>, Type> known) {
    if (type instanceof TypeVariable) return known.getOrDefault(type, type);
    if (type instanceof WildcardType) return substitute(((WildcardType) type).getUpperBounds()[0], known);
    if (!(type instanceof ParameterizedType)) return type;
    Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
    for (int i = 0; i < arguments.length; ++i) arguments[i] = substitute(arguments[i], known);
    return new Generic((ParameterizedType) type, arguments);
  }

  static List<Type> parentsOf(Class<?> type) {
    List<Type> parents = new ArrayList<>();
    for (Type face : type.getGenericInterfaces()) parents.add(face);
    if (type.getGenericSuperclass() != null) parents.add(type.getGenericSuperclass());
    return parents;
  }

  // What the type variables of a type and of all above it stand for.
  static Map<TypeVariable<?>, Type> variables(Type type) {
    Map<TypeVariable<?>, Type> known = new HashMap<>();
    learn(type, known);
    return known;
  }

  private static void learn(Type type, Map<TypeVariable<?>, Type> known) {
    Class<?> raw = raw(type);
    if (type instanceof ParameterizedType) {
      Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
      TypeVariable<?>[] names = raw.getTypeParameters();
      for (int i = 0; i < names.length; ++i) known.put(names[i], substitute(arguments[i], known));
    }
    for (Type parent : parentsOf(raw)) learn(parent, known);
  }

  // What `wanted` is parameterized with where `type` extends or implements it; null: with nothing.
  static Type[] argumentsOf(Type type, Class<?> wanted) {
    TypeVariable<?>[] names = wanted.getTypeParameters();
    if (names.length == 0) return null;
    Map<TypeVariable<?>, Type> known = variables(type);
    Type[] arguments = new Type[names.length];
    for (int i = 0; i < names.length; ++i) arguments[i] = known.getOrDefault(names[i], Object.class);
    return arguments;
  }

  // Where the language's access rules stand in the way, the call itself will say so.
  static void open(java.lang.reflect.AccessibleObject member) {
    try {
      member.setAccessible(true);
    } catch (RuntimeException closed) {
      return;
    }
  }

  // --- classes with members --------------------------------------------------------------------

  static final class Property {
    String name;
    Method getter;
    Method setter;
    Field field;

    boolean readable() {
      return getter != null || (field != null && Modifier.isPublic(field.getModifiers()));
    }

    boolean writable() {
      return setter != null || (field != null && readable());
    }

    Object get(Object self) {
      try {
        return getter != null ? getter.invoke(self) : field.get(self);
      } catch (InvocationTargetException failure) {
        throw new IllegalStateException("the getter of " + name + " failed", failure.getCause());
      } catch (IllegalAccessException failure) {
        throw new IllegalStateException(failure);
      }
    }

    Type type() {
      return setter != null ? setter.getGenericParameterTypes()[0] : field.getGenericType();
    }

    void set(Object self, Object value) {
      try {
        if (setter != null) setter.invoke(self, value);
        else field.set(self, value);
      } catch (InvocationTargetException failure) {
        throw new IllegalStateException("the setter of " + name + " failed", failure.getCause());
      } catch (IllegalAccessException failure) {
        throw new IllegalStateException(failure);
      }
    }

    // Of overloaded setters the one that takes what the getter gives.
    void offer(Method method) {
      if (setter != null && (getter == null || getter.getReturnType() != method.getParameterTypes()[0])) return;
      setter = method;
    }
  }

  static final class Shape {
    final Map<String, Property> properties = new LinkedHashMap<>();  // by the name in small letters
    Method[] components = null;  // a record's, in the order in which its constructor takes them

    Property property(String name) {
      String key = name.toLowerCase(Locale.ROOT);
      Property found = properties.get(key);
      if (found != null) return found;
      found = new Property();
      found.name = name;
      properties.put(key, found);
      return found;
    }
  }

  static synchronized Shape shape(Class<?> type) {
    Shape known = shapes.get(type);
    if (known != null) return known;
    Shape shape = new Shape();
    fields(shape, type);
    Class<?> parent = type.getSuperclass();
    if (parent != null && parent.getName().equals("java.lang.Record")) components(shape, type);
    List<Method> setters = new ArrayList<>();
    for (Method method : type.getMethods()) {
      if (Modifier.isStatic(method.getModifiers()) || method.isBridge() || method.getDeclaringClass() == Object.class) continue;
      String name = method.getName();
      Class<?> gives = method.getReturnType();
      if (name.length() > 3 && name.startsWith("set") && method.getParameterCount() == 1) setters.add(method);
      if (method.getParameterCount() != 0 || gives == void.class) continue;
      if (name.length() > 3 && name.startsWith("get")) getter(shape, method, decapitalized(name.substring(3)));
      if (name.length() > 2 && name.startsWith("is") && gives == boolean.class) {
        boolean whole = shape.properties.containsKey(name.toLowerCase(Locale.ROOT));
        getter(shape, method, whole ? name : decapitalized(name.substring(2)));
      }
    }
    for (Method method : setters) {
      String name = decapitalized(method.getName().substring(3));
      boolean is = !shape.properties.containsKey(name.toLowerCase(Locale.ROOT))
          && shape.properties.containsKey("is".concat(name.toLowerCase(Locale.ROOT)));
      open(method);
      shape.property(is ? "is".concat(name) : name).offer(method);
    }
    shapes.put(type, shape);
    return shape;
  }

  private static void getter(Shape shape, Method method, String name) {
    Property property = shape.property(name);
    if (property.getter != null && property.getter.getName().startsWith("get")) return;
    open(method);
    property.getter = method;
    property.name = name;
  }

  private static void fields(Shape shape, Class<?> type) {
    if (type == null || type == Object.class) return;
    fields(shape, type.getSuperclass());
    for (Field field : type.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers()) || field.isSynthetic()) continue;
      open(field);
      shape.property(field.getName()).field = field;
    }
  }

  private static void components(Shape shape, Class<?> type) {
    try {
      Object[] all = (Object[]) Class.class.getMethod("getRecordComponents").invoke(type);
      shape.components = new Method[all.length];
      for (int i = 0; i < all.length; ++i) {
        Method accessor = (Method) all[i].getClass().getMethod("getAccessor").invoke(all[i]);
        open(accessor);
        shape.components[i] = accessor;
        shape.property(accessor.getName()).getter = accessor;
      }
    } catch (ReflectiveOperationException failure) {
      throw new IllegalStateException(failure);
    }
  }

  // "URL" -> "url", "FirstName" -> "firstName", as AWS's runtime names them.
  private static String decapitalized(String name) {
    int end = 0;
    while (end < name.length() && Character.isUpperCase(name.charAt(end))) ++end;
    return name.substring(0, end).toLowerCase(Locale.ROOT).concat(name.substring(end));
  }

  private static Object make(Class<?> type, Object... arguments) {
    Constructor<?> best = null;
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      if (arguments.length != 0 && constructor.getParameterCount() != arguments.length) continue;
      if (best == null || constructor.getParameterCount() < best.getParameterCount()) best = constructor;
    }
    if (best == null || type.isInterface() || Modifier.isAbstract(type.getModifiers()))
      throw new Mismatch("cannot make a " + type.getName(), "");
    // Without an own way to be made empty: its shortest constructor, given nothing.
    Object[] given = arguments;
    if (best.getParameterCount() != arguments.length) {
      given = new Object[best.getParameterCount()];
      for (int i = 0; i < given.length; ++i) given[i] = to(null, best.getParameterTypes()[i]);
    }
    return call(best, null, given);
  }

  private static Object call(Executable code, Object self, Object... arguments) {
    open(code);
    try {
      return code instanceof Method ? ((Method) code).invoke(self, arguments)
          : ((Constructor<?>) code).newInstance(arguments);
    } catch (InvocationTargetException failure) {
      throw new IllegalStateException("cannot make a " + code.getDeclaringClass().getName(), failure.getCause());
    } catch (ReflectiveOperationException failure) {
      throw new IllegalStateException(failure);
    }
  }

  private static Object object(Map<?, ?> json, Type type, Class<?> raw) {
    Shape shape = shape(raw);
    Map<TypeVariable<?>, Type> known = variables(type);
    if (shape.components != null) return record(shape, json, raw, known);
    Object made = make(raw);
    for (Map.Entry<?, ?> member : json.entrySet()) {
      String name = (String) member.getKey();
      String key = name.toLowerCase(Locale.ROOT);
      Property property = shape.properties.get(key);
      if (property == null) property = shape.properties.get("is".concat(key));
      if (property == null || !property.writable()) continue;
      try {
        Type wanted = substitute(property.type(), known);
        property.set(made, to(member.getValue(), wanted));
      } catch (Mismatch mismatch) {
        throw mismatch.in(name);
      }
    }
    return made;
  }

  private static Object record(Shape shape, Map<?, ?> json, Class<?> raw, Map<TypeVariable<?>, Type> known) {
    Object[] given = new Object[shape.components.length];
    Class<?>[] types = new Class<?>[given.length];
    for (int i = 0; i < given.length; ++i) {
      Method component = shape.components[i];
      types[i] = component.getReturnType();
      Object value = json.get(component.getName());
      try {
        given[i] = to(value, substitute(component.getGenericReturnType(), known));
      } catch (Mismatch mismatch) {
        throw mismatch.in(component.getName());
      }
    }
    try {
      return call(raw.getDeclaredConstructor(types), null, given);
    } catch (NoSuchMethodException failure) {
      throw new IllegalStateException(failure);
    }
  }

  // --- values ----------------------------------------------------------------------------------

  // As a handler that names no type gets it.
  private static Object plain(Object json) {
    if (json instanceof BigDecimal) return ((BigDecimal) json).doubleValue();
    if (json instanceof List) {
      List<Object> list = new ArrayList<>();
      for (Object element : (List<?>) json) list.add(plain(element));
      return list;
    }
    if (!(json instanceof Map)) return json;
    Map<Object, Object> map = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : ((Map<?, ?>) json).entrySet()) map.put(entry.getKey(), plain(entry.getValue()));
    return map;
  }

  static Object to(Object json, Type type) {
    Class<?> raw = raw(type);
    if (raw == Optional.class) return Optional.ofNullable(to(json, argument(type, 0)));
    if (json == null) return raw.isPrimitive() && raw != void.class ? Array.get(Array.newInstance(raw, 1), 0) : null;
    if (raw == Object.class || raw == java.io.Serializable.class) return plain(json);
    boolean scalar = !(json instanceof Map) && !(json instanceof List);
    if (raw == String.class || raw == CharSequence.class) {
      if (!scalar) throw mismatch(json, raw);
      return json.toString();
    }
    if (raw == boolean.class || raw == Boolean.class) return truth(json, raw);
    if (raw.isPrimitive() || Number.class.isAssignableFrom(raw) || raw == Character.class) return number(json, raw);
    if (raw.isEnum()) return constant(json, raw);
    if (raw == byte[].class && json instanceof String) return bytes((String) json);
    if (raw == ByteBuffer.class && json instanceof String) return ByteBuffer.wrap(bytes((String) json));
    if (Date.class == raw && scalar) return date(json);
    if (raw.isArray() && json instanceof List) return array((List<?>) json, type, raw);
    if (Iterable.class.isAssignableFrom(raw) && json instanceof List) return list((List<?>) json, type, raw);
    if (Map.class.isAssignableFrom(raw) && json instanceof Map) return map((Map<?, ?>) json, type, raw);
    if (json instanceof Map && !raw.isArray() && !Iterable.class.isAssignableFrom(raw))
      return object((Map<?, ?>) json, type, raw);
    if (json instanceof String && !raw.isArray()) return parsed((String) json, raw);
    throw mismatch(json, raw);
  }

  private static Type argument(Type type, int which) {
    if (!(type instanceof ParameterizedType)) return Object.class;
    Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
    return which < arguments.length ? arguments[which] : Object.class;
  }

  private static Object truth(Object json, Class<?> raw) {
    if (json instanceof Boolean) return json;
    if ("true".equalsIgnoreCase(json.toString())) return true;
    if ("false".equalsIgnoreCase(json.toString())) return false;
    throw mismatch(json, raw);
  }

  private static Object number(Object json, Class<?> raw) {
    if ((raw == char.class || raw == Character.class) && json instanceof String && ((String) json).length() == 1)
      return ((String) json).charAt(0);
    if (json instanceof Boolean || json instanceof Map || json instanceof List) throw mismatch(json, raw);
    try {
      BigDecimal value = new BigDecimal(json.toString().trim());
      if (raw == double.class || raw == Double.class) return value.doubleValue();
      if (raw == float.class || raw == Float.class) return value.floatValue();
      if (raw == BigDecimal.class) return value;
      if (raw == Number.class) return plain(json instanceof String ? value : json);
      if (value.precision() - value.scale() > 100_000) throw mismatch(json, raw);
      BigInteger whole = value.toBigInteger();
      if (raw == int.class || raw == Integer.class) return whole.intValueExact();
      if (raw == long.class || raw == Long.class) return whole.longValueExact();
      if (raw == short.class || raw == Short.class) return whole.shortValueExact();
      if (raw == byte.class || raw == Byte.class) return whole.byteValueExact();
      if (raw == BigInteger.class) return whole;
      if (raw.getName().startsWith("java.util.concurrent.atomic.Atomic"))
        return make(raw, raw.getName().endsWith("Long") ? (Object) whole.longValueExact() : whole.intValueExact());
    } catch (ArithmeticException | NumberFormatException failure) {
      throw mismatch(json, raw);
    }
    throw mismatch(json, raw);
  }

  private static Object constant(Object json, Class<?> raw) {
    for (Object value : raw.getEnumConstants())
      if (((Enum<?>) value).name().equals(json)) return value;
    for (Object value : raw.getEnumConstants())
      if (value.toString().equals(json)) return value;
    throw mismatch(json, raw);
  }

  private static byte[] bytes(String text) {
    return Base64.getMimeDecoder().decode(text);
  }

  private static Date date(Object json) {
    if (json instanceof String) return Date.from(OffsetDateTime.parse((String) json).toInstant());
    if (json instanceof Boolean) throw mismatch(json, Date.class);
    double value = ((Number) json).doubleValue();
    return new Date(Math.round(Math.abs(value) < MILLIS_FROM ? value * 1000 : value));
  }

  private static Object array(List<?> json, Type type, Class<?> raw) {
    Type element = type instanceof GenericArrayType ? ((GenericArrayType) type).getGenericComponentType()
        : raw.getComponentType();
    Object made = Array.newInstance(raw.getComponentType(), json.size());
    for (int i = 0; i < json.size(); ++i) Array.set(made, i, element(json.get(i), element, i));
    return made;
  }

  private static Object element(Object json, Type type, int index) {
    try {
      return to(json, type);
    } catch (Mismatch mismatch) {
      throw mismatch.in("[" + index + ']');
    }
  }

  @SuppressWarnings("unchecked")
  private static Collection<Object> newList(Class<?> raw) {
    if (raw.isAssignableFrom(ArrayList.class)) return new ArrayList<>();
    if (raw.isAssignableFrom(LinkedHashSet.class)) return new LinkedHashSet<>();
    if (raw.isAssignableFrom(TreeSet.class)) return new TreeSet<>();
    if (raw.isAssignableFrom(ArrayDeque.class)) return new ArrayDeque<>();
    return (Collection<Object>) make(raw);
  }

  private static Object list(List<?> json, Type type, Class<?> raw) {
    Collection<Object> made = newList(raw);
    Type element = Collection.class.isAssignableFrom(raw) ? argumentsOf(type, Collection.class)[0] : argument(type, 0);
    for (int i = 0; i < json.size(); ++i) made.add(element(json.get(i), element, i));
    return made;
  }

  @SuppressWarnings("unchecked")
  private static Map<Object, Object> newMap(Class<?> raw) {
    if (raw.isAssignableFrom(LinkedHashMap.class)) return new LinkedHashMap<>();
    if (raw.isAssignableFrom(TreeMap.class)) return new TreeMap<>();
    if (raw.isInterface()) return (Map<Object, Object>) (Object) new java.util.concurrent.ConcurrentSkipListMap<>();
    return (Map<Object, Object>) make(raw);
  }

  private static Object map(Map<?, ?> json, Type type, Class<?> raw) {
    Map<Object, Object> made = newMap(raw);
    Type[] types = argumentsOf(type, Map.class);
    for (Map.Entry<?, ?> entry : json.entrySet()) {
      try {
        made.put(to(entry.getKey(), types[0]), to(entry.getValue(), types[1]));
      } catch (Mismatch mismatch) {
        throw mismatch.in(String.valueOf(entry.getKey()));
      }
    }
    return made;
  }

  // A type that is made of a text: java.time.Instant, java.util.UUID, org.joda.time.DateTime, ...
  private static Object parsed(String text, Class<?> raw) {
    for (String name : new String[] {"parse", "valueOf", "fromString", "create"}) {
      for (Method method : raw.getMethods()) {
        if (!method.getName().equals(name) || !Modifier.isStatic(method.getModifiers())) continue;
        if (method.getParameterCount() != 1 || !raw.isAssignableFrom(method.getReturnType())) continue;
        if (method.getParameterTypes()[0].isInstance(text)) return call(method, null, text);
      }
    }
    for (Constructor<?> constructor : raw.getConstructors())
      if (constructor.getParameterCount() == 1 && constructor.getParameterTypes()[0].isInstance(text))
        return call(constructor, null, text);
    throw mismatch(text, raw);
  }
}
)java";
}

}  // namespace functions
