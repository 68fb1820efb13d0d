/**
 * Services behind HTTP: the server with its limits and its graceful stop, the figures that a live
 * page shows, and the command line.
 */
@org.jspecify.annotations.NullMarked
package io.headrace.server;
