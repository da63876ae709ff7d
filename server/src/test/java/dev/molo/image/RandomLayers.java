package dev.molo.image;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Layers that get in each other's way: few names, so that what one layer brings the next hides,
 * replaces by another kind, or brings again. Each layer lists the directories that it puts
 * something into, as builders of images do.
 */
final class RandomLayers {
  private static final List<String> NAMES = List.of("a", "b", "c", "d-with-a-longer-name", "e e");

  private final Random random;

  RandomLayers(long seed) {
    this.random = new Random(seed);
  }

  /** One more layer, as a plain tar. */
  byte[] next() {
    Map<String, TarBytes.Entry> entries = new TreeMap<>();
    List<String> directories = new ArrayList<>(List.of(""));
    List<String> files = new ArrayList<>();
    Set<String> hidden = new TreeSet<>();
    entries.put("", fact(TarBytes.directory("./")));
    for (int i = 0; i < 25; i++) {
      String parent = directories.get(random.nextInt(directories.size()));
      String path = parent + NAMES.get(random.nextInt(NAMES.size()));
      if (entries.containsKey(path) || entries.containsKey(path + "/") || parent.length() > 40) {
        continue;
      }
      switch (random.nextInt(8)) {
        case 0, 1, 2 -> {
          entries.put(path + "/", fact(TarBytes.directory(path + "/")));
          directories.add(path + "/");
        }
        case 3 -> entries.put(path, fact(TarBytes.symlink(path, "../" + path)));
        case 4 -> entries.put(path, fact(TarBytes.typed(path, '6').mode(0600)));
        case 5 -> entries.put(path, fact(TarBytes.typed(path, '3').mode(0660).device(1, 3)));
        case 6 -> {
          if (!files.isEmpty()) {
            hidden.add(path);
          }
        }
        default -> {
          entries.put(path, fact(TarBytes.file(path, "content " + random.nextInt())));
          files.add(path);
        }
      }
    }
    return archive(entries, directories, files, hidden);
  }

  private byte[] archive(
      Map<String, TarBytes.Entry> entries,
      List<String> directories,
      List<String> files,
      Set<String> hidden) {
    TarBytes tar = new TarBytes();
    entries.values().forEach(tar::add);
    for (String path : hidden) {
      int slash = path.lastIndexOf('/') + 1;
      tar.add(TarBytes.whiteout(path.substring(0, slash), path.substring(slash)));
    }
    String opaque = directories.get(random.nextInt(directories.size()));
    if (!opaque.isEmpty()) {
      tar.add(TarBytes.whiteout(opaque, ".wh..opq"));
    }
    for (String file : files) {
      String other = file + "-linked";
      if (random.nextBoolean()) {
        tar.add(TarBytes.hardlink(other, file));
      }
    }
    return tar.bytes();
  }

  /** Somebody's, and of some time. */
  private TarBytes.Entry fact(TarBytes.Entry entry) {
    entry
        .owner(random.nextInt(5), random.nextInt(70_000))
        .pax("mtime", "%d.%09d".formatted(random.nextInt(), random.nextInt(1_000_000_000)));
    return entry;
  }
}
