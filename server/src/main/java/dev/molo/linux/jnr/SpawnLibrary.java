package dev.molo.linux.jnr;

import java.nio.file.Path;
import jnr.ffi.annotations.IgnoreError;

/** libmolospawn.so (native-shims/spawn), bound at the first spawn. Thread-safe. */
final class SpawnLibrary {

  /** The request's layout, native-shims/spawn/molo_spawn.h. */
  static final int SIZE = 64;

  static final int EXECUTABLE = 4;
  static final int CGROUP = 8;
  static final int WORKING_DIRECTORY = 12;
  static final int CLONE_FLAGS = 16;
  static final int ARGV = 24;
  static final int ENVP = 32;
  static final int FDS = 40;
  static final int FD_COUNT = 48;
  static final int PID = 52;
  static final int PIDFD = 56;
  static final int FAILED_STEP = 60;

  /** The library's only function; an error comes back as a negative errno, so none is saved. */
  public interface Functions {
    @IgnoreError
    int molo_spawn(long request);
  }

  private final Path folder;
  private volatile Functions functions;

  SpawnLibrary(Path folder) {
    this.folder = folder;
  }

  int spawn(long request) {
    return functions().molo_spawn(request);
  }

  private Functions functions() {
    Functions bound = functions;
    return bound != null ? bound : bind();
  }

  private synchronized Functions bind() {
    if (functions == null) {
      Path file = folder.resolve("libmolospawn.so").toAbsolutePath();
      String remedy = "the system property " + JnrLinux.NATIVE_FOLDER + " names its folder";
      functions = NativeLibrary.bind(Functions.class, file.toString(), remedy);
    }
    return functions;
  }
}
