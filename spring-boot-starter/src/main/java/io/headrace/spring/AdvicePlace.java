package io.headrace.spring;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.aopalliance.aop.Advice;
import org.aopalliance.intercept.MethodInterceptor;
import org.springframework.aop.Advisor;
import org.springframework.aop.PointcutAdvisor;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.aop.support.AopUtils;
import org.springframework.aop.support.ComposablePointcut;
import org.springframework.aop.support.DefaultPointcutAdvisor;
import org.springframework.aop.support.StaticMethodMatcher;
import org.springframework.aop.target.EmptyTargetSource;

/**
 * Puts advice for some methods of a bean into the proxies that the bean has already: inside of all
 * other advice, but outside of transactions.
 *
 * <p>A call that joins others goes on on other threads, or not at all. So what belongs to a caller
 * has to come before: whether it is allowed, whether its answer is in a cache, whether its
 * arguments are valid. Only a transaction must not be open while it waits.
 *
 * @param type the class or interface of the methods
 * @param methods tells the methods of the type that have the advice
 */
record AdvicePlace(Class<?> type, Predicate<Method> methods) {
  private static final String TRANSACTIONS =
      "org.springframework.transaction.interceptor.TransactionAspectSupport";

  /** An advisor of the methods. */
  Advisor advisor(Advice advice) {
    return new DefaultPointcutAdvisor(new ComposablePointcut(matcher(true)), advice);
  }

  /**
   * Adds the advice to the innermost proxy of a bean.
   *
   * @param bean the bean, or its proxy
   * @return whether there was a proxy
   */
  boolean addTo(Object bean, MethodInterceptor advice) {
    List<Advised> proxies = proxies(bean);
    if (proxies.isEmpty()) {
      return false;
    }
    Advised innermost = proxies.getLast();
    int place = place(innermost);
    List<PointcutAdvisor> transactions = new ArrayList<>();
    for (Advised outer : proxies.subList(0, proxies.size() - 1)) {
      transactions.addAll(takeTransactions(outer, outer.getAdvisorCount()));
    }
    transactions.addAll(takeTransactions(innermost, place));
    innermost.addAdvisor(place++, advisor(advice));
    for (PointcutAdvisor transaction : transactions) {
      innermost.addAdvisor(place++, restricted(transaction, true));
    }
    return true;
  }

  /** The proxies of a bean, the outermost first; throws if nothing can be added to one. */
  private List<Advised> proxies(Object bean) {
    List<Advised> proxies = new ArrayList<>();
    for (Object each = bean; each != null; each = AopProxyUtils.getSingletonTarget(each)) {
      if (each instanceof Advised proxy && !proxy.isFrozen()) {
        proxies.add(proxy);
      } else if (AopUtils.isAopProxy(each)) {
        throw new MistakeException(
            type.getName(),
            "has annotated methods, but a proxy that is frozen or opaque: what that does, such as"
                + " to check permissions, could not come before calls are collected",
            "Make the proxy without setFrozen and setOpaque.");
      }
    }
    return proxies;
  }

  /** Behind the advice that lets calls through, and before that which answers them. */
  private int place(Advised proxy) {
    if (proxy.getTargetSource() instanceof EmptyTargetSource) {
      return Math.max(0, proxy.getAdvisorCount() - 1); // the last stands for the target
    }
    Class<?> target = proxy.getTargetClass();
    return target != null && type.isAssignableFrom(target) ? proxy.getAdvisorCount() : 0;
  }

  /** Takes transactions away from these methods, as far as advisors before a place open them. */
  private List<PointcutAdvisor> takeTransactions(Advised proxy, int end) {
    List<PointcutAdvisor> taken = new ArrayList<>();
    Advisor[] advisors = proxy.getAdvisors();
    for (int i = 0; i < end; i++) {
      if (advisors[i] instanceof PointcutAdvisor advisor && isTransactional(advisor)) {
        proxy.replaceAdvisor(advisor, restricted(advisor, false));
        taken.add(advisor);
      }
    }
    return taken;
  }

  private static boolean isTransactional(Advisor advisor) {
    Class<?> kind = advisor.getAdvice().getClass();
    while (kind != null && !kind.getName().equals(TRANSACTIONS)) {
      kind = kind.getSuperclass();
    }
    return kind != null;
  }

  /** The same advice for these methods only, or for all others. */
  private Advisor restricted(PointcutAdvisor advisor, boolean isForThese) {
    return new DefaultPointcutAdvisor(
        new ComposablePointcut(advisor.getPointcut()).intersection(matcher(isForThese)),
        advisor.getAdvice());
  }

  private StaticMethodMatcher matcher(boolean isForThese) {
    return new StaticMethodMatcher() {
      @Override
      public boolean matches(Method method, Class<?> target) {
        return methods.test(AopUtils.getMostSpecificMethod(method, type)) == isForThese;
      }
    };
  }
}
