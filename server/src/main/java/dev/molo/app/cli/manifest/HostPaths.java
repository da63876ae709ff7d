package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.Volume;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sees to it that a hostPath is what its type says, as a kubelet does. */
final class HostPaths {
  private static final int FILE_TYPE = 0170000;
  private static final int SOCKET = 0140000;
  private static final int BLOCK_DEVICE = 0060000;
  private static final int CHAR_DEVICE = 0020000;

  private HostPaths() {}

  static Path checked(Volume.HostPath volume) {
    Path path = Path.of(volume.path());
    try {
      boolean fits =
          switch (volume.type()) {
            case "" -> true;
            case "Directory" -> Files.isDirectory(path);
            case "DirectoryOrCreate" -> Files.isDirectory(Files.createDirectories(path));
            case "File" -> Files.isRegularFile(path);
            case "FileOrCreate" -> Files.isRegularFile(path) || created(path);
            case "Socket" -> isOfType(path, SOCKET);
            case "CharDevice" -> isOfType(path, CHAR_DEVICE);
            case "BlockDevice" -> isOfType(path, BLOCK_DEVICE);
            default -> false;
          };
      if (fits) {
        return path;
      }
    } catch (IOException e) {
      throw new FaultException(
          Fault.FAILED_PRECONDITION,
          "volume %s, hostPath %s: %s".formatted(volume.name(), path, e),
          e);
    }
    throw FaultException.precondition(
        "volume %s: hostPath %s is no %s", volume.name(), path, volume.type());
  }

  private static boolean created(Path path) throws IOException {
    Files.createFile(path);
    return true;
  }

  private static boolean isOfType(Path path, int type) throws IOException {
    return Files.exists(path)
        && (((Integer) Files.getAttribute(path, "unix:mode")) & FILE_TYPE) == type;
  }
}
