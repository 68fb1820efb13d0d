package io.headrace.examples.spring;

import io.headrace.examples.spring.webflux.DigitsWebFluxApplication;
import org.springframework.boot.SpringApplication;

class WebFluxTest extends DigitsOverHttp {
  @Override
  SpringApplication application() {
    return DigitsWebFluxApplication.application();
  }
}
