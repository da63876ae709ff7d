package dev.molo.linux;

/**
 * What a try of one kernel feature gave.
 *
 * @param name as the kernel or its manual calls it
 * @param available whether the try worked
 * @param detail what was tried and what came of it
 * @param remedy what an operator can do; empty when available
 */
public record KernelFeature(String name, boolean available, String detail, String remedy) {}
