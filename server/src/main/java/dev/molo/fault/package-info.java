/**
 * What a caller can act on: the kinds of fault and the one exception that carries them.
 *
 * <p>Seen by every other package and seeing none. Nothing here holds state or belongs to a thread.
 */
package dev.molo.fault;
