package io.headrace.spring;

import java.lang.reflect.Method;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.MethodIntrospector.MetadataLookup;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.AnnotationUtils;

/**
 * The annotations of a method, of its class or of an interface of it.
 *
 * @param batched null if it has none
 * @param throttled null if it has none
 * @param coalesced null if it has none
 */
record Annotations(
    @Nullable Batched batched, @Nullable Throttled throttled, @Nullable Coalescing coalesced) {
  /** What {@link Coalesced} says; the annotation of the core says the same as its defaults. */
  record Coalescing(String key, String name, String timeout) {
    private static final Coalescing BY_ALL_ARGUMENTS = new Coalescing("", "", "");

    static @Nullable Coalescing of(Method method) {
      Coalesced own = AnnotatedElementUtils.findMergedAnnotation(method, Coalesced.class);
      if (own != null) {
        return new Coalescing(own.key(), own.name(), own.timeout());
      }
      return AnnotatedElementUtils.hasAnnotation(method, io.headrace.Coalesced.class)
          ? BY_ALL_ARGUMENTS
          : null;
    }
  }

  /** The annotated methods of a class or of an interface. */
  static Map<Method, Annotations> of(Class<?> type) {
    if (!AnnotationUtils.isCandidateClass(
        type,
        Set.of(Batched.class, Throttled.class, Coalesced.class, io.headrace.Coalesced.class))) {
      return Map.of();
    }
    MetadataLookup<Annotations> lookup = Annotations::of;
    return MethodIntrospector.selectMethods(type, lookup);
  }

  private static @Nullable Annotations of(Method method) {
    Annotations all =
        new Annotations(
            AnnotatedElementUtils.findMergedAnnotation(method, Batched.class),
            AnnotatedElementUtils.findMergedAnnotation(method, Throttled.class),
            Coalescing.of(method));
    return all.isEmpty() ? null : all;
  }

  private boolean isEmpty() {
    return batched == null && throttled == null && coalesced == null;
  }
}
