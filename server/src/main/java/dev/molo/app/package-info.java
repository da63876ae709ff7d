/** Main, CLI, wiring, start and stop order: the only package that sees all others. */
package dev.molo.app;
