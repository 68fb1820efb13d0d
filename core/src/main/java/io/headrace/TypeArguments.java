package io.headrace;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** What a class gives for the type variables of the classes and interfaces above it. */
final class TypeArguments {
  private final Class<?> type;
  private final Map<TypeVariable<?>, Type> given = new HashMap<>();

  TypeArguments(Class<?> type) {
    this.type = type;
    collect(type);
  }

  private void collect(Class<?> below) {
    Type superclass = below.getGenericSuperclass();
    if (superclass != null) {
      collect(superclass);
    }
    for (Type above : below.getGenericInterfaces()) {
      collect(above);
    }
  }

  private void collect(Type above) {
    Class<?> raw = erased(above);
    if (above instanceof ParameterizedType parameterized) {
      TypeVariable<?>[] variables = raw.getTypeParameters();
      for (int i = 0; i < variables.length; i++) {
        given.put(variables[i], parameterized.getActualTypeArguments()[i]);
      }
    }
    collect(raw);
  }

  private Class<?> erased(Type type) {
    return switch (type) {
      case Class<?> itself -> itself;
      case ParameterizedType parameterized -> erased(parameterized.getRawType());
      case GenericArrayType array -> erased(array.getGenericComponentType()).arrayType();
      case WildcardType wildcard -> erased(wildcard.getUpperBounds()[0]);
      case TypeVariable<?> variable ->
          erased(given.getOrDefault(variable, variable.getBounds()[0]));
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
