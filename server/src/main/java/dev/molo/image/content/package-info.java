/**
 * What the documents of an image say: manifests, indexes, configurations, archives. Pure functions
 * on bytes that strangers wrote, bounded in size and depth; no thread and no state of its own.
 */
package dev.molo.image.content;
