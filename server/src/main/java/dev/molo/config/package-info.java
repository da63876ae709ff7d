/**
 * What the daemon was told: immutable records, one a section of the configuration file, and the
 * reader that makes them from files and command-line flags.
 *
 * <p>Seen by every other package; sees only {@code fault} and its own {@code yaml}. Nothing here
 * changes after start or belongs to a thread. A key is added by adding a component with {@link
 * dev.molo.config.Key} to a section's record and its value to {@link
 * dev.molo.config.MoloConfig#defaults}; the test of docs/configuration.md then says what to run.
 */
package dev.molo.config;
