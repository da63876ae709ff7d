package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.Volume;
import dev.molo.app.cli.manifest.PodManifest.VolumeMount;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * A pod's own folder on the host: its emptyDir volumes and its logs. Named after the pod's uid and
 * marked, so that nothing else is ever deleted. Owned by whoever runs the pod; not thread-safe.
 */
public final class PodDirectory {
  /** The sandbox's annotation that says where it is. */
  public static final String ANNOTATION = "molo.dev/pod-directory";

  private static final String MARKER = ".molo-pod";

  private final Path path;

  private PodDirectory(Path path) {
    this.path = path;
  }

  /** The folder of a pod below {@code base}; it need not exist. */
  public static PodDirectory of(Path base, String uid) {
    return new PodDirectory(base.resolve(uid));
  }

  /** The folder that a sandbox's annotation names; empty when it is none of ours. */
  public static Optional<PodDirectory> annotated(Map<String, String> annotations, String uid) {
    return Optional.ofNullable(annotations.get(ANNOTATION))
        .map(Path::of)
        .filter(path -> path.isAbsolute() && path.equals(path.normalize()))
        .map(PodDirectory::new)
        .filter(directory -> directory.isMarked(uid));
  }

  public Path path() {
    return path;
  }

  Path logs() {
    return path.resolve("logs");
  }

  /** Makes the folder, those of its emptyDir volumes and of its logs. */
  public void create(PodManifest pod) {
    try {
      Files.createDirectories(path.getParent());
      Files.createDirectories(path);
      Files.setAttribute(path, "unix:mode", 0750);
      Files.writeString(path.resolve(MARKER), pod.uid());
      Files.createDirectories(logs());
      for (Volume volume : pod.volumes()) {
        if (volume instanceof Volume.EmptyDir emptyDir) {
          createEmptyDir(emptyDir, pod.security().fsGroup());
        }
      }
      for (PodManifest.Container container : pod.initContainers()) {
        Files.createDirectories(logs().resolve(container.name()));
      }
      for (PodManifest.Container container : pod.containers()) {
        Files.createDirectories(logs().resolve(container.name()));
      }
    } catch (IOException e) {
      throw new FaultException(
          Fault.INTERNAL,
          "make the folder of pod %s at %s: %s".formatted(pod.fullName(), path, e),
          e);
    }
  }

  /** Where a mount's files are on the host; a missing subPath is made, as a kubelet does. */
  Path source(Volume volume, VolumeMount mount, String subPath) {
    Path root =
        switch (volume) {
          case Volume.EmptyDir emptyDir -> emptyDir(emptyDir.name());
          case Volume.HostPath hostPath -> HostPaths.checked(hostPath);
        };
    if (subPath.isEmpty()) {
      return root;
    }
    try {
      Path wanted = root.resolve(subPath).normalize();
      if (!wanted.startsWith(root)) {
        throw outside(mount, subPath);
      }
      refuseLinkOut(root, wanted, mount, subPath);
      if (!Files.exists(wanted)) {
        Files.createDirectories(wanted);
      }
      return wanted.toRealPath();
    } catch (IOException e) {
      throw new FaultException(
          Fault.FAILED_PRECONDITION,
          "subPath %s of volume %s at %s: %s".formatted(subPath, mount.volume(), root, e),
          e);
    }
  }

  /** Deletes the folder with all in it; a missing one is fine. Follows no link. */
  public void delete() {
    try {
      Files.walkFileTree(
          path,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, IOException failure)
                throws IOException {
              if (failure != null) {
                throw failure;
              }
              Files.deleteIfExists(folder);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (NoSuchFileException e) {
      // gone already: that is what was wanted
      return;
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "delete %s: %s".formatted(path, e), e);
    }
  }

  private Path emptyDir(String name) {
    return path.resolve("volumes").resolve(name);
  }

  private void createEmptyDir(Volume.EmptyDir volume, OptionalLong fsGroup) throws IOException {
    Path folder = emptyDir(volume.name());
    Files.createDirectories(folder);
    if (fsGroup.isPresent()) {
      Files.setAttribute(folder, "unix:gid", (int) fsGroup.getAsLong());
    }
    // whatever user a container has may write; with a group, new files belong to it
    Files.setAttribute(folder, "unix:mode", fsGroup.isPresent() ? 02777 : 0777);
  }

  /** The part of the way that exists must not lead out of the volume through a link. */
  private static void refuseLinkOut(Path root, Path wanted, VolumeMount mount, String subPath)
      throws IOException {
    Path existing = wanted;
    while (!Files.exists(existing, LinkOption.NOFOLLOW_LINKS)) {
      existing = existing.getParent();
    }
    if (!existing.toRealPath().startsWith(root.toRealPath())) {
      throw outside(mount, subPath);
    }
  }

  private static FaultException outside(VolumeMount mount, String subPath) {
    return FaultException.invalid(
        "subPath %s of volume %s leads out of the volume", subPath, mount.volume());
  }

  private boolean isMarked(String uid) {
    Path marker = path.resolve(MARKER);
    try {
      return !uid.isEmpty()
          && Files.isRegularFile(marker, LinkOption.NOFOLLOW_LINKS)
          && Files.size(marker) <= 256
          && Files.readString(marker).equals(uid);
    } catch (IOException e) {
      throw new FaultException(Fault.INTERNAL, "read %s: %s".formatted(marker, e), e);
    }
  }
}
