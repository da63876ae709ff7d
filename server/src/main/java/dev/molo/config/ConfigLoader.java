package dev.molo.config;

import dev.molo.config.yaml.YamlNode;
import dev.molo.config.yaml.YamlReader;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Makes the configuration from {@code DIR/config.yaml}, then {@code DIR/config.d/*.yaml} in the
 * order of their names, then flags; what comes later wins, key by key (a list is replaced as a
 * whole). Without files nothing of the YAML reader is loaded.
 */
public final class ConfigLoader {
  private ConfigLoader() {}

  /**
   * Reads what there is.
   *
   * @throws FaultException INVALID_ARGUMENT with one line for each problem, each beginning with
   *     file:line
   */
  public static MoloConfig load(ConfigFlags flags) {
    Path dir = flags.configDir().orElse(MoloConfig.CONFIG_DIR).toAbsolutePath().normalize();
    if (flags.configDir().isPresent() && !Files.isDirectory(dir)) {
      throw FaultException.invalid("--config %s: not a folder", dir);
    }
    List<Path> files = files(dir);
    MoloConfig told = files.isEmpty() ? unfiled(dir, flags) : filed(dir, files, flags);
    return flags.http().map(http -> withHttp(told, http)).orElse(told);
  }

  private static MoloConfig unfiled(Path dir, ConfigFlags flags) {
    return defaults(dir, flags, Optional.empty(), Optional.empty(), Optional.empty());
  }

  private static MoloConfig filed(Path dir, List<Path> files, ConfigFlags flags) {
    YamlNode.Mapping merged = new YamlNode.Mapping(dir.toString(), Map.of(), Map.of());
    for (Path file : files) {
      merged = merge(merged, document(file));
    }
    SectionReader reader = new SectionReader();
    // the defaults of most keys follow from these three, so they are read first
    MoloConfig first = reader.read("", merged, MoloConfig.defaults(Instance.DEFAULT));
    reader.finish();
    MoloConfig base =
        defaults(
            dir,
            flags,
            given(merged, "instance", first.instance().name()),
            given(merged, "root", first.root()),
            given(merged, "run", first.run()));
    MoloConfig told = reader.read("", without(merged, "instance", "root", "run"), base);
    reader.finish();
    return told;
  }

  private static YamlNode.Mapping document(Path file) {
    List<YamlNode.Mapping> documents = YamlReader.documents(file);
    if (documents.size() > 1) {
      throw FaultException.invalid("%s: a second document in one file", documents.get(1).at());
    }
    return documents.isEmpty()
        ? new YamlNode.Mapping(file.toString(), Map.of(), Map.of())
        : documents.getFirst();
  }

  private static <T> Optional<T> given(YamlNode.Mapping node, String key, T value) {
    return node.entries().containsKey(key) ? Optional.of(value) : Optional.empty();
  }

  private static MoloConfig defaults(
      Path dir,
      ConfigFlags flags,
      Optional<String> instanceKey,
      Optional<Path> rootKey,
      Optional<Path> runKey) {
    Instance instance =
        new Instance(flags.instance().or(() -> instanceKey).orElse(Instance.DEFAULT.name()));
    Path root = flags.root().or(() -> rootKey).orElse(instance.root());
    Path run = flags.run().or(() -> runKey).orElse(instance.run());
    return MoloConfig.defaults(
        instance, root.toAbsolutePath().normalize(), run.toAbsolutePath().normalize(), dir);
  }

  private static MoloConfig withHttp(MoloConfig told, String flag) {
    HttpConfig http =
        flag.equals("off")
            ? new HttpConfig(false, told.http().host(), told.http().port())
            : httpAddress(flag);
    return new MoloConfig(
        told.instance(),
        told.root(),
        told.run(),
        told.configDir(),
        told.grpc(),
        http,
        told.cgroup(),
        told.network(),
        told.images(),
        told.registry(),
        told.policy(),
        told.mounts(),
        told.exec(),
        told.timeouts(),
        told.rlimits());
  }

  private static HttpConfig httpAddress(String flag) {
    int colon = flag.lastIndexOf(':');
    String host = colon < 0 ? "" : flag.substring(0, colon);
    String port = flag.substring(colon + 1);
    if (host.isEmpty() || !port.matches("\\d{1,5}") || Integer.parseInt(port) > 65535) {
      throw FaultException.invalid("--http %s: must be HOST:PORT or off", flag);
    }
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    return new HttpConfig(
        true, bracketed ? host.substring(1, host.length() - 1) : host, Integer.parseInt(port));
  }

  private static List<Path> files(Path dir) {
    List<Path> files = new ArrayList<>();
    Path main = dir.resolve("config.yaml");
    if (Files.exists(main)) {
      files.add(main);
    }
    Path extra = dir.resolve("config.d");
    if (Files.isDirectory(extra)) {
      try (Stream<Path> entries = Files.list(extra)) {
        entries.filter(file -> file.toString().endsWith(".yaml")).sorted().forEach(files::add);
      } catch (IOException e) {
        throw new FaultException(
            Fault.INVALID_ARGUMENT, "list configuration %s: %s".formatted(extra, e), e);
      }
    }
    return files;
  }

  private static YamlNode.Mapping merge(YamlNode.Mapping below, YamlNode.Mapping above) {
    Map<String, YamlNode> entries = new LinkedHashMap<>(below.entries());
    Map<String, String> keyAt = new LinkedHashMap<>(below.keyAt());
    above
        .entries()
        .forEach((key, node) -> {
          YamlNode old = entries.get(key);
          boolean both = old instanceof YamlNode.Mapping && node instanceof YamlNode.Mapping;
          entries.put(key, both ? merge((YamlNode.Mapping) old, (YamlNode.Mapping) node) : node);
          keyAt.put(key, above.keyAt().get(key));
        });
    return new YamlNode.Mapping(above.at(), entries, keyAt);
  }

  private static YamlNode.Mapping without(YamlNode.Mapping node, String... keys) {
    Map<String, YamlNode> entries = new LinkedHashMap<>(node.entries());
    entries.keySet().removeAll(List.of(keys));
    return new YamlNode.Mapping(node.at(), entries, node.keyAt());
  }
}
