/**
 * Images out of files: OCI image layouts (a directory, or a tar of one) and what {@code docker
 * save} writes.
 *
 * <p>An archive is indexed once and then read at any place, so that its layers are unpacked in
 * parallel like those of a pull. Nothing of it is unpacked but through {@code image.layer}. No
 * state beyond one import.
 */
package dev.molo.image.archive;
