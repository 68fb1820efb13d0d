package io.headrace.examples.guide;

import static org.assertj.core.api.Assertions.assertThat;

import io.headrace.BatchPolicy;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class CatDetectorTest {
  private static final Pattern BATCH = Pattern.compile("  a batch of ([0-9]+) took [0-9]+ ms");

  @Test
  void oneByOne() throws Exception {
    assertThat(sizesOfBatches(BatchPolicy.greedy(1))).hasSize(20).containsOnly(1);
  }

  @Test
  void aFullBatchDoesNotWait() throws Exception {
    assertThat(sizesOfBatches(BatchPolicy.fixed(20, Duration.ofHours(1)))).containsExactly(20);
  }

  private static List<Integer> sizesOfBatches(BatchPolicy policy) throws Exception {
    Printed printed = new Printed();
    CatDetector.detect(policy, Duration.ofMillis(1), printed.out);
    List<Integer> sizes =
        printed.lines().stream()
            .map(BATCH::matcher)
            .filter(Matcher::matches)
            .map(batch -> Integer.valueOf(batch.group(1)))
            .toList();
    assertThat(printed.lines()).contains("  20 cats");
    return sizes;
  }
}
