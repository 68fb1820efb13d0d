/** The digits flow behind Spring WebFlux. */
package io.headrace.examples.spring.webflux;
