package dev.molo.linux.jnr;

import jnr.ffi.LibraryLoader;

/** Binds an interface to a shared library; the only place that does. */
final class NativeLibrary {

  static {
    // jnr-ffi can write machine code for each call by itself. With it, Kernel.Libc's six-argument
    // syscall crashes the
    // JVM every time (jnr-ffi 2.3.4, JDK 25, x86_64); without it a call costs 200 ns instead of
    // 180. The property is
    // read once, when jnr-ffi binds its first library.
    System.setProperty("jnr.ffi.x86asm.enabled", "false");
  }

  private NativeLibrary() {}

  /**
   * Loads {@code name} (a file, or a soname) and finds all its functions now rather than at their
   * first call.
   *
   * @throws IllegalStateException with {@code remedy} when that fails
   */
  static <T> T bind(Class<T> functions, String name, String remedy) {
    try {
      return LibraryLoader.create(functions).failImmediately().load(name);
    } catch (UnsatisfiedLinkError e) {
      throw new IllegalStateException("load " + name + ": " + e.getMessage() + "; " + remedy, e);
    }
  }
}
