/**
 * YAML as nodes that know their line: for configuration files and for the manifests that people
 * write. Streaming, because data binding would cost a tenth of a second at every start.
 *
 * <p>Immutable results, no state, no thread.
 */
package dev.molo.config.yaml;
