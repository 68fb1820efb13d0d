package io.headrace.spring;

import io.headrace.Flow;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthContributor;
import org.springframework.boot.health.contributor.HealthContributors;
import org.springframework.boot.health.contributor.HealthIndicator;

/**
 * The health of the batchers and flows, those that are made later included. One that has failed is
 * DOWN and stays so; one that does not accept items now is OUT_OF_SERVICE.
 */
final class FlowHealth implements CompositeHealthContributor {
  private final HeadraceLifecycle lifecycle;

  FlowHealth(HeadraceLifecycle lifecycle) {
    this.lifecycle = lifecycle;
  }

  @Override
  public @Nullable HealthContributor getContributor(String name) {
    return stream()
        .filter(entry -> entry.name().equals(name))
        .map(HealthContributors.Entry::contributor)
        .findFirst()
        .orElse(null);
  }

  @Override
  public Stream<HealthContributors.Entry> stream() {
    return lifecycle.parts().stream().map(FlowHealth::entry).flatMap(Optional::stream);
  }

  private static Optional<HealthContributors.Entry> entry(Part part) {
    return Optional.ofNullable(part.state())
        .map(
            _ ->
                new HealthContributors.Entry(
                    part.name(), (HealthIndicator) () -> health(part.state())));
  }

  private static Health health(Flow.@Nullable State state) {
    Health.Builder health =
        switch (state) {
          case RUNNING -> Health.up();
          case FAILED -> Health.down();
          case null -> Health.unknown();
          case NEW, STARTING, DRAINING, STOPPED -> Health.outOfService();
        };
    return health.withDetail("state", String.valueOf(state)).build();
  }
}
