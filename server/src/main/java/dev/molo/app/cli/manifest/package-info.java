/**
 * Ordinary Kubernetes Pod manifests: read with every field accounted for, and turned into the CRI
 * requests that a kubelet would make of them.
 *
 * <p>Immutable results, no thread of its own.
 */
package dev.molo.app.cli.manifest;
