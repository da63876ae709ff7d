package dev.molo.state;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import dev.molo.spec.ContainerId;
import dev.molo.spec.SandboxId;
import dev.molo.state.proto.ContainerRecord;
import dev.molo.state.proto.PodRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folders of pods and containers below the daemon's root, and the records in them.
 *
 * <pre>
 *   ROOT/pods/SANDBOX/pod.rec
 *   ROOT/pods/SANDBOX/containers/CONTAINER/container.rec
 *   ROOT/pods/SANDBOX/containers/CONTAINER/upper, work   its writable layer
 *   ROOT/quarantine/NAME            what could not be read
 *   ROOT/trash/NAME                 what is being deleted
 * </pre>
 *
 * <p>Thread-safe as long as each pod is written by one thread at a time (its lane). Every method
 * may throw {@link UncheckedIOException} naming the file.
 */
public final class PodStore {
  private static final Logger log = LoggerFactory.getLogger(PodStore.class);
  private static final String POD_RECORD = "pod.rec";
  private static final String CONTAINER_RECORD = "container.rec";

  private final Path pods;
  private final Path quarantine;
  private final Trash trash;
  private final AtomicLong setAside = new AtomicLong();

  /**
   * @param root the daemon's root folder; made when missing. Searchable by others (mode 711), or
   *     pods in user namespaces could not reach their own files.
   */
  public PodStore(Path root) {
    this.pods = root.resolve("pods");
    this.quarantine = root.resolve("quarantine");
    try {
      var searchable =
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx--x--x"));
      Files.createDirectories(root, searchable);
      Files.createDirectories(pods, searchable);
      Files.createDirectories(quarantine);
    } catch (IOException e) {
      throw new UncheckedIOException("create the folders of pods below " + root, e);
    }
    this.trash = new Trash(root.resolve("trash"));
  }

  /** A pod as it was found on disk. */
  public record StoredPod(PodRecord pod, List<ContainerRecord> containers) {
    public StoredPod {
      containers = List.copyOf(containers);
    }
  }

  /** Where everything of this pod lies. */
  public Path folder(SandboxId id) {
    return pods.resolve(id.value());
  }

  /** Where everything of this container lies. */
  public Path folder(SandboxId sandbox, ContainerId id) {
    return folder(sandbox).resolve("containers").resolve(id.value());
  }

  /** Makes a pod's folder, if need be, and its record in there. */
  public void create(PodRecord pod) {
    makeFolder(folder(new SandboxId(pod.getId())));
    write(pod);
  }

  /** Makes a container's folder in that of its pod, which must be there, and its record. */
  public void create(ContainerRecord container) {
    Path folder = folder(container);
    makeFolder(folder.getParent());
    makeFolder(folder);
    write(container);
  }

  /**
   * Replaces a record. One whose folder was {@linkplain #discard discarded} stays away: what is
   * told late of a pod that was removed must not bring it back.
   */
  public void write(PodRecord pod) {
    write(folder(new SandboxId(pod.getId())), POD_RECORD, pod);
  }

  /** The same for a container's. */
  public void write(ContainerRecord container) {
    write(folder(container), CONTAINER_RECORD, container);
  }

  private Path folder(ContainerRecord container) {
    return folder(new SandboxId(container.getSandboxId()), new ContainerId(container.getId()));
  }

  private static void makeFolder(Path folder) {
    try {
      Files.createDirectory(folder);
    } catch (FileAlreadyExistsException e) {
      log.trace("{} is there", folder);
    } catch (IOException e) {
      throw new UncheckedIOException("make " + folder, e);
    }
  }

  private static void write(Path folder, String name, MessageLite record) {
    Path file = folder.resolve(name);
    try {
      RecordFile.write(file, record.toByteArray());
    } catch (NoSuchFileException removed) {
      log.info("{} is not written: its folder was removed meanwhile", file);
    } catch (IOException e) {
      throw new UncheckedIOException("write record " + file, e);
    }
  }

  /** Makes the empty folders of a container's writable layer: upper and work (overlayfs). */
  public void makeWritableLayer(SandboxId sandbox, ContainerId id) {
    Path folder = folder(sandbox, id);
    try {
      // the root directory that the container sees has the upper's owner and mode
      Files.createDirectory(folder.resolve("upper"));
      Files.setPosixFilePermissions(
          folder.resolve("upper"), PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.createDirectory(folder.resolve("work"));
    } catch (IOException e) {
      throw new UncheckedIOException("make the writable layer in " + folder, e);
    }
  }

  /**
   * Takes a container's folder away with all that is in it; absent is fine. It is gone when this
   * returns (a rename, which needs no space); its space comes back in the background.
   */
  public void discard(SandboxId sandbox, ContainerId id) {
    trash.take(folder(sandbox, id));
  }

  /** {@link #discard} for a pod's folder. */
  public void discard(SandboxId id) {
    trash.take(folder(id));
  }

  /** How many folders were set aside and nobody has taken away yet. */
  public int quarantined() {
    return children(quarantine).size();
  }

  /** How many discarded folders are not deleted yet. */
  public int undeleted() {
    return trash.size();
  }

  /** Waits until what was discarded so far is deleted; for tests and an orderly end. */
  public void awaitDeleted() {
    trash.await();
  }

  /** Everything that is there. What cannot be read is moved to the quarantine and left out. */
  public List<StoredPod> scan() {
    List<StoredPod> found = new ArrayList<>();
    for (Path folder : children(pods)) {
      scanPod(folder).ifPresent(found::add);
    }
    return found;
  }

  private Optional<StoredPod> scanPod(Path folder) {
    Optional<PodRecord> pod = read(folder, POD_RECORD, PodRecord.parser());
    if (pod.isEmpty()) {
      return Optional.empty();
    }
    if (!pod.get().getId().equals(folder.getFileName().toString())) {
      setAside(folder, "its record is of pod " + pod.get().getId());
      return Optional.empty();
    }
    List<ContainerRecord> containers = new ArrayList<>();
    for (Path container : children(folder.resolve("containers"))) {
      read(container, CONTAINER_RECORD, ContainerRecord.parser())
          .filter(record -> belongs(record, container, pod.get()))
          .ifPresent(containers::add);
    }
    return Optional.of(new StoredPod(pod.get(), containers));
  }

  private boolean belongs(ContainerRecord record, Path folder, PodRecord pod) {
    boolean belongs =
        record.getId().equals(folder.getFileName().toString())
            && record.getSandboxId().equals(pod.getId());
    if (!belongs) {
      setAside(
          folder,
          "its record is of container %s in pod %s"
              .formatted(record.getId(), record.getSandboxId()));
    }
    return belongs;
  }

  private <T> Optional<T> read(Path folder, String name, Parser<T> parser) {
    Path file = folder.resolve(name);
    try {
      Optional<byte[]> payload = RecordFile.read(file);
      if (payload.isEmpty()) {
        if (holdsNothing(folder, name)) {
          log.info("{} goes: the daemon was killed before it wrote the record", folder);
          trash.take(folder);
        } else {
          setAside(folder, "it has no " + name);
        }
        return Optional.empty();
      }
      return Optional.of(parser.parseFrom(payload.get()));
    } catch (RecordFile.Damaged | InvalidProtocolBufferException e) {
      setAside(folder, name + " cannot be read: " + e.getMessage());
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException("read record " + file, e);
    }
  }

  /** Whether all that was made is the folder: the record comes first, and by a temporary file. */
  private static boolean holdsNothing(Path folder, String name) {
    return children(folder).stream()
        .allMatch(child -> child.getFileName().toString().equals(RecordFile.temporaryName(name)));
  }

  /** Moves a pod's folder to the quarantine: its record is whole, but makes no sense to anybody. */
  public void setAside(SandboxId id, String why) {
    setAside(folder(id), why);
  }

  /** The same for a container's folder. */
  public void setAside(SandboxId sandbox, ContainerId id, String why) {
    setAside(folder(sandbox, id), why);
  }

  private void setAside(Path folder, String why) {
    Path target =
        quarantine.resolve(
            "%s-%d-%d"
                .formatted(
                    folder.getFileName(), System.currentTimeMillis(), setAside.incrementAndGet()));
    try {
      Files.move(folder, target, StandardCopyOption.ATOMIC_MOVE);
      log.warn("set aside {} as {}: {}", folder, target, why);
    } catch (IOException e) {
      log.warn("cannot set aside {} ({}); it is left where it is and ignored", folder, why, e);
    }
  }

  private static List<Path> children(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.toList();
    } catch (NoSuchFileException none) {
      return List.of();
    } catch (IOException e) {
      throw new UncheckedIOException("list " + folder, e);
    }
  }
}
