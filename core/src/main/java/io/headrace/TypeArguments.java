package io.headrace;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a class gives for the type variables of the classes and interfaces above it. */
final class TypeArguments {
  private final Class<?> type;
  private final Map<TypeVariable<?>, Class<?>> given = new HashMap<>();

  TypeArguments(Class<?> type) {
    this.type = type;
    collect(type);
  }

  /**
   * Arguments are erased before any is given: those of a class inside a generic one may be the
   * variables that they are given for, as in {@code new Store<T>() {}} inside of {@code Store<T>}.
   */
  private void collect(Class<?> below) {
    Map<TypeVariable<?>, Class<?>> more = new HashMap<>();
    List<Class<?>> classes = new ArrayList<>();
    for (Type above : above(below)) {
      Class<?> raw = erased(above);
      classes.add(raw);
      if (above instanceof ParameterizedType parameterized) {
        TypeVariable<?>[] variables = raw.getTypeParameters();
        for (int i = 0; i < variables.length; i++) {
          more.put(variables[i], erased(parameterized.getActualTypeArguments()[i]));
        }
      }
    }
    given.putAll(more);
    classes.forEach(this::collect);
  }

  private static List<Type> above(Class<?> below) {
    List<Type> above = new ArrayList<>(List.of(below.getGenericInterfaces()));
    Type superclass = below.getGenericSuperclass();
    if (superclass != null) {
      above.add(superclass);
    }
    return above;
  }

  private Class<?> erased(Type type) {
    return switch (type) {
      case Class<?> itself -> itself;
      case ParameterizedType parameterized -> erased(parameterized.getRawType());
      case GenericArrayType array -> erased(array.getGenericComponentType()).arrayType();
      case WildcardType wildcard -> erased(wildcard.getUpperBounds()[0]);
      case TypeVariable<?> variable -> {
        Class<?> argument = given.get(variable);
        yield argument == null ? erased(variable.getBounds()[0]) : argument;
      }
      default -> Object.class;
    };
  }

  /**
   * What a method of an interface returns if an object of the class is called: what the interface
   * says, with what the class gives for its type variables, or the method of the class if that says
   * more.
   */
  Class<?> returnType(Method method) {
    Class<?> declared = erased(method.getGenericReturnType());
    Class<?>[] parameters =
        Arrays.stream(method.getGenericParameterTypes()).map(this::erased).toArray(Class<?>[]::new);
    try {
      Class<?> own = type.getMethod(method.getName(), parameters).getReturnType();
      return declared.isAssignableFrom(own) ? own : declared;
    } catch (NoSuchMethodException e) {
      return declared;
    }
  }
}
