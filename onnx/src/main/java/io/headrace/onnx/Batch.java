package io.headrace.onnx;

import ai.onnxruntime.OrtException;
import io.headrace.InvalidInputException;
import io.headrace.Outcomes;
import io.headrace.Tensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One batch on its way through a model: the items are checked, those of equal shapes run together,
 * and what fails as a whole is run again item by item. Used by one thread, once.
 */
final class Batch<I, O> {
  private final Model model;
  private final Lane lane;
  private final Form<I, O> form;
  private final boolean isolateFailures;

  Batch(Model model, Lane lane, Form<I, O> form, boolean isolateFailures) {
    this.model = model;
    this.lane = lane;
    this.form = form;
    this.isolateFailures = isolateFailures;
  }

  Outcomes<O> handle(List<I> items) {
    List<Row> rows = new ArrayList<>(items.size());
    List<Row> fitting = new ArrayList<>(items.size());
    for (I item : items) {
      Row row = row(item);
      rows.add(row);
      if (row.failure == null) {
        fitting.add(row);
      }
    }
    for (List<Row> group : groups(fitting)) {
      run(group);
    }
    return outcomes(rows);
  }

  private Row row(@Nullable I item) {
    if (item == null) {
      return Row.failed(new InvalidInputException("the item is null"));
    }
    try {
      Tensor[] tensors = form.inputs(item, model);
      for (int k = 0; k < tensors.length; k++) {
        model.inputs.get(k).check(tensors[k], model.layout.skippedDimensions);
      }
      for (SharedSymbol symbol : model.sharedSymbols) {
        symbol.check(tensors, model);
      }
      return new Row(tensors);
    } catch (RuntimeException e) {
      return Row.failed(e);
    }
  }

  /** Those that can share a run. */
  private Collection<List<Row>> groups(List<Row> rows) {
    if (rows.isEmpty()) {
      return List.of();
    } else if (model.layout != Layout.STACKED) {
      return rows.stream().map(List::of).toList();
    } else if (!model.hasDynamicItems) {
      return List.of(rows);
    }
    Map<Shapes, List<Row>> groups = new LinkedHashMap<>();
    for (Row row : rows) {
      groups
          .computeIfAbsent(Shapes.of(model.layout, 1, row.inputs), _ -> new ArrayList<>())
          .add(row);
    }
    return groups.values();
  }

  private void run(List<Row> group) {
    try {
      lane.run(group);
    } catch (OrtException | RuntimeException | OutOfMemoryError e) {
      if (group.size() > 1 && isolateFailures && !isForAllItems(e)) {
        group.forEach(row -> run(List.of(row)));
      } else {
        Throwable failure = described(e, group.size());
        group.forEach(row -> row.failure = failure);
      }
    }
  }

  private static boolean isForAllItems(Throwable e) {
    return e instanceof OnnxException exception && exception.isForAllItems();
  }

  private Throwable described(Throwable e, int items) {
    return e instanceof OrtException
        ? new OnnxException(
            "%s failed on a batch of %d: %s".formatted(model.name, items, e.getMessage()), e)
        : e;
  }

  private Outcomes<O> outcomes(List<Row> rows) {
    Outcomes<O> outcomes = new Outcomes<>(rows.size());
    for (Row row : rows) {
      if (row.failure == null) {
        outcomes.add(form.result(row.outputs, model));
      } else {
        outcomes.addFailure(row.failure);
      }
    }
    return outcomes;
  }
}
