package io.headrace.spring;

import io.headrace.spring.PropertyRefresh.Changes;
import io.headrace.spring.Snapshots.Snapshot;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.WriteOperation;

/** What is in every queue, batch and worker now; and, written to, takes changed properties over. */
@Endpoint(id = "headrace")
final class HeadraceEndpoint {
  private final Snapshots snapshots;
  private final PropertyRefresh refresh;

  HeadraceEndpoint(Snapshots snapshots, PropertyRefresh refresh) {
    this.snapshots = snapshots;
    this.refresh = refresh;
  }

  @ReadOperation
  Snapshot snapshot() {
    return snapshots.now();
  }

  @WriteOperation
  Changes refresh() {
    return refresh.refresh();
  }
}
