package io.headrace.spring;

import io.headrace.Coalescer;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.context.expression.MethodBasedEvaluationContext;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.ParameterNameDiscoverer;
import org.springframework.expression.Expression;
import org.springframework.expression.ParseException;
import org.springframework.expression.spel.SpelNode;
import org.springframework.expression.spel.ast.VariableReference;
import org.springframework.expression.spel.standard.SpelExpression;
import org.springframework.expression.spel.standard.SpelExpressionParser;

/** What makes calls of a method equal, for its {@link Coalescer}. */
final class CallKeys {
  private static final ParameterNameDiscoverer NAMES = new DefaultParameterNameDiscoverer();

  private CallKeys() {}

  /** All arguments, arrays by what is in them, at every depth. */
  static Object ofArguments(Call call) {
    return new Arguments(call.invocation().getArguments());
  }

  @SuppressWarnings("ArrayRecordComponent") // compared below
  private record Arguments(@Nullable Object[] values) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Arguments that && Arrays.deepEquals(values, that.values);
    }

    @Override
    public int hashCode() {
      return Arrays.deepHashCode(values);
    }

    @Override
    public String toString() {
      return Arrays.deepToString(values);
    }
  }

  /**
   * What an expression says.
   *
   * @throws MistakeException if it does not parse, or has variables that are no parameters
   */
  static Function<Call, Object> ofExpression(String key, Method method, String place) {
    SpelExpression expression = parsed(key, place);
    @Nullable String @Nullable [] names = NAMES.getParameterNames(method);
    checkVariables(expression.getAST(), method, names, place);
    return call -> evaluated(expression, key, call, method);
  }

  private static SpelExpression parsed(String key, String place) {
    try {
      return new SpelExpressionParser().parseRaw(key);
    } catch (ParseException | IllegalStateException e) {
      throw new MistakeException(
          place,
          "is @Coalesced with the key \"" + key + "\", which is no expression: " + e.getMessage(),
          "Write an expression of Spring, such as #id or #user.name + #year.");
    }
  }

  private static void checkVariables(
      SpelNode node, Method method, @Nullable String @Nullable [] names, String place) {
    if (node instanceof VariableReference) {
      String variable = node.toStringAST().substring(1);
      if (names(method, names).noneMatch(variable::equals)) {
        throw new MistakeException(
            place,
            "is @Coalesced with a key that uses #" + variable + ", which is no parameter of it",
            "Use one of "
                + String.join(", ", names(method, names).map(name -> "#" + name).toList())
                + (names == null ? ", or compile with -parameters to have their names." : "."));
      }
    }
    for (int i = 0; i < node.getChildCount(); i++) {
      checkVariables(node.getChild(i), method, names, place);
    }
  }

  private static Stream<String> names(Method method, @Nullable String @Nullable [] names) {
    Stream<String> own = names == null ? Stream.of() : Arrays.stream(names).map(String::valueOf);
    return Stream.concat(
        Stream.concat(own, numbered("p", method)),
        Stream.concat(numbered("a", method), Stream.of("root", "this")));
  }

  private static Stream<String> numbered(String prefix, Method method) {
    return IntStream.range(0, method.getParameterCount()).mapToObj(i -> prefix + i);
  }

  private static Object evaluated(Expression expression, String key, Call call, Method method) {
    Object value =
        expression.getValue(
            new MethodBasedEvaluationContext(
                call.invocation().getThis(), method, call.invocation().getArguments(), NAMES));
    if (value == null) {
      throw new IllegalArgumentException(
          "the key " + key + " of " + method.getName() + " is null for these arguments");
    }
    return value;
  }
}
