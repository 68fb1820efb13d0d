/** The digits flow behind Spring MVC. */
package io.headrace.examples.spring.mvc;
