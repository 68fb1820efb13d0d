/** The digits flow in Spring Boot. */
package io.headrace.examples.spring;
