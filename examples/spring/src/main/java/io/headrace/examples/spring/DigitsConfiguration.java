package io.headrace.examples.spring;

import io.headrace.Flow;
import io.headrace.examples.digits.Digit;
import io.headrace.examples.digits.DigitInput;
import io.headrace.examples.digits.DigitsFlow;
import io.headrace.spring.HeadraceBuilders;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The flow that both applications serve; its options are in application.yml. */
@Configuration(proxyBeanMethods = false)
public class DigitsConfiguration {
  /** The largest batch that the model is tried with at the start. */
  private static final int MAX_BATCH = 32;

  @Bean
  Flow<DigitInput, Digit> digits(HeadraceBuilders headrace) {
    return headrace
        .<DigitInput>flow("digits")
        .stepIf(
            DigitInput.Image.class::isInstance,
            DigitsFlow.DECODE,
            DigitsFlow.decoder(),
            headrace.step("digits", DigitsFlow.DECODE))
        .step(
            DigitsFlow.CLASSIFY,
            DigitsFlow.classifier(MAX_BATCH),
            headrace.step("digits", DigitsFlow.CLASSIFY))
        .build();
  }
}
