package io.headrace.examples.spring;

import io.headrace.examples.spring.mvc.DigitsMvcApplication;
import org.springframework.boot.SpringApplication;

class MvcTest extends DigitsOverHttp {
  @Override
  SpringApplication application() {
    return new SpringApplication(DigitsMvcApplication.class);
  }
}
