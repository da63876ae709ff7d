/**
 * Records on disk: one small checksummed file per object, written by temp file and rename, read
 * back at start. A torn or foreign one is set aside and named in the log, never fatal.
 *
 * <p>Owns no state but the folders it is given. Methods block on the disk and run on the caller's
 * thread. Pods and containers are not synced: a power cut ends them anyway, the records only
 * explain them.
 */
package dev.molo.state;
