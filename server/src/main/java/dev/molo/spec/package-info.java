/**
 * What an orchestrator asks for: immutable descriptions of pods and containers, checked where they
 * are made and free of any wire format. {@code cri} makes them from requests, {@code pod} and
 * {@code launch} read them.
 *
 * <p>Like {@code fault} and {@code config} this package is seen by all and sees only those two. It
 * holds no state and belongs to no thread. An absent value is an {@code Optional} component,
 * because a record's component is its accessor's return.
 */
package dev.molo.spec;
