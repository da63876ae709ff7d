package dev.molo.network;

import dev.molo.linux.DirEntry;
import dev.molo.linux.Fd;
import dev.molo.linux.Files;
import dev.molo.linux.Linux;
import dev.molo.linux.LinuxException;
import dev.molo.linux.OpenFlags;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The host's network sysctls: what is changed is written down first, so that the end of the
 * instance can put it back, whichever daemon changed it.
 *
 * <p>The record is the text file {@code sysctls}, a line {@code NAME OLD NEW} each. Not
 * thread-safe: the network thread owns it.
 */
final class Sysctls {
  private static final Logger log = LoggerFactory.getLogger(Sysctls.class);
  private static final String ROOT = "/proc/sys/";

  /** A sysctl that was changed; {@code name} with slashes, because a link's name may have dots. */
  record Change(String name, String before, String after) {
    @Override
    public String toString() {
      return name.replace('/', '.') + ": " + before + " -> " + after;
    }
  }

  private final Linux linux;
  private final Path file;
  private final Map<String, Change> changes = new LinkedHashMap<>();

  /** Reads what earlier daemons of this instance changed. */
  Sysctls(Linux linux, Path stateDir) {
    this.linux = linux;
    this.file = stateDir.resolve("sysctls");
    load();
  }

  /** The value, if this kernel has it. */
  Optional<String> get(String name) {
    try {
      return Optional.of(linux.files().readText(Fd.AT_FDCWD, ROOT + name).strip());
    } catch (LinuxException e) {
      return switch (e.errno()) {
        case ENOENT, ENOTDIR -> Optional.empty();
        default -> throw e;
      };
    }
  }

  /** Sets a value of the host's and writes down what it was; nothing happens when it is so. */
  void change(String name, String wanted) {
    String before = get(name).orElse("");
    if (before.equals(wanted)) {
      return;
    }
    Change known = changes.get(name);
    changes.put(name, new Change(name, known == null ? before : known.before(), wanted));
    save();
    set(name, wanted);
    log.info("changed sysctl {} from {} to {}", name, before, wanted);
  }

  /** Sets a value that vanishes with its link and so needs no undoing. */
  void set(String name, String wanted) {
    linux.files().writeControl(Fd.AT_FDCWD, ROOT + name, wanted);
  }

  /** The names of the links that have IPv6 settings. */
  List<String> ipv6Links() {
    Files files = linux.files();
    int flags = OpenFlags.O_RDONLY | OpenFlags.O_DIRECTORY;
    try (Fd dir = files.open(ROOT + "net/ipv6/conf", flags)) {
      return files.list(dir).stream()
          .map(DirEntry::name)
          .filter(name -> !name.equals("all") && !name.equals("default"))
          .toList();
    }
  }

  /** Puts back, latest first, what still has the value that we gave it; forgets the rest. */
  void restore() {
    for (Change change : new ArrayList<>(changes.values()).reversed()) {
      try {
        if (get(change.name()).filter(change.after()::equals).isPresent()) {
          set(change.name(), change.before());
          log.info("put sysctl {} back to {}", change.name(), change.before());
        }
      } catch (LinuxException e) {
        log.warn("put back sysctl {}: {}", change, e.getMessage());
      }
    }
    forget();
  }

  /** Leaves everything as it is from now on. */
  void forget() {
    changes.clear();
    try {
      java.nio.file.Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException("delete " + file, e);
    }
  }

  List<String> described() {
    return changes.values().stream().map(Change::toString).toList();
  }

  private void load() {
    if (!java.nio.file.Files.exists(file)) {
      return;
    }
    try {
      for (String line : java.nio.file.Files.readAllLines(file)) {
        String[] words = line.split(" ", -1);
        if (words.length == 3 && words[0].startsWith("net/") && !words[0].contains("..")) {
          changes.put(words[0], new Change(words[0], words[1], words[2]));
        } else {
          log.warn("{}: not a line of three words about net/, left out: {}", file, line);
        }
      }
    } catch (IOException e) {
      // Only the putting back suffers; pods can run.
      log.warn("read {}: {}; these sysctls will not be put back", file, e.toString());
    }
  }

  private void save() {
    StringBuilder text = new StringBuilder();
    for (Change change : changes.values()) {
      text.append("%s %s %s%n".formatted(change.name(), change.before(), change.after()));
    }
    Path fresh = file.resolveSibling("sysctls.new");
    try {
      java.nio.file.Files.createDirectories(file.getParent());
      java.nio.file.Files.writeString(fresh, text);
      java.nio.file.Files.move(
          fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UncheckedIOException("write " + file, e);
    }
  }
}
