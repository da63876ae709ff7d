package dev.molo.app.cli.manifest;

import dev.molo.app.cli.manifest.PodManifest.Volume;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads {@code spec.volumes}. For one thread. */
final class VolumesReader {
  private final Set<String> names = new HashSet<>();

  List<Volume> volumes(Fields spec) {
    List<Volume> volumes = new ArrayList<>();
    for (Fields fields : spec.sections("volumes")) {
      volume(fields).ifPresent(volumes::add);
      fields.finish();
    }
    return volumes;
  }

  private Optional<Volume> volume(Fields fields) {
    String name = fields.required("name");
    if (!name.matches("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")) {
      fields.wrong("name", "must be lower-case letters, digits and '-'");
    }
    if (!names.add(name)) {
      fields.wrong("name", "is that of another volume, " + name);
    }
    Optional<Fields> emptyDir = fields.section("emptyDir");
    Optional<Fields> hostPath = fields.section("hostPath");
    if (emptyDir.isPresent() == hostPath.isPresent()) {
      return oneExpected(fields, emptyDir.isPresent());
    }
    return Optional.of(
        emptyDir
            .map(section -> emptyDir(name, section))
            .orElseGet(() -> hostPath(name, hostPath.orElseThrow())));
  }

  private static Optional<Volume> oneExpected(Fields fields, boolean both) {
    // a volume of another kind is reported as an unsupported field when the rest is checked
    if (both || fields.keys().size() < 2) {
      fields.wrong("name", "needs exactly one of emptyDir and hostPath beside it");
    }
    return Optional.empty();
  }

  private static Volume emptyDir(String name, Fields section) {
    if (!section.text("medium", "").isEmpty()) {
      section.unsupported("medium");
    }
    // enforced by eviction
    section.leftToKubelet("sizeLimit");
    section.finish();
    return new Volume.EmptyDir(name);
  }

  private static Volume hostPath(String name, Fields section) {
    String path = section.required("path");
    if (!path.startsWith("/") || List.of(path.split("/", -1)).contains("..")) {
      section.wrong("path", "must be absolute and without '..'");
    }
    String type =
        section.choice(
            "type",
            "",
            "",
            "DirectoryOrCreate",
            "Directory",
            "FileOrCreate",
            "File",
            "Socket",
            "CharDevice",
            "BlockDevice");
    section.finish();
    return new Volume.HostPath(name, path, type);
  }
}
