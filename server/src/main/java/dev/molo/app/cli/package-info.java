/**
 * The commands of the program {@code molo}. But for {@code serve} they speak only CRI and HTTP to a
 * daemon, so that they work against any CRI socket where that makes sense.
 *
 * <p>Holds no state beyond one run of a command, which happens on the thread that began it.
 */
package dev.molo.app.cli;
