package dev.molo.launch;

import dev.molo.fault.FaultException;
import dev.molo.spec.ContainerSpec;
import dev.molo.spec.EnvVar;
import dev.molo.spec.ImageDefaults;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The environment of a container's processes: what every process finds (PATH, HOSTNAME, HOME, TERM
 * with a terminal), then the image's variables, then the request's; a later one replaces an earlier
 * one of the same name. Values are bytes.
 */
final class Environment {
  private static final String DEFAULT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private final Map<String, byte[]> variables = new LinkedHashMap<>();

  private Environment() {}

  /**
   * @param terminal whether the process has one
   */
  static Environment of(
      ContainerSpec container,
      ImageDefaults image,
      String hostname,
      ProcessUser user,
      boolean terminal) {
    Environment environment = new Environment();
    environment.put("PATH", DEFAULT_PATH);
    environment.put("HOSTNAME", hostname);
    if (terminal) {
      environment.put("TERM", "xterm");
    }
    environment.addAll("the image's environment", image.envs());
    environment.addAll("envs", container.envs());
    environment.variables.putIfAbsent("HOME", utf8(user.home()));
    return environment;
  }

  /** Each as {@code NAME=value}. */
  List<byte[]> assignments() {
    List<byte[]> all = new ArrayList<>(variables.size());
    variables.forEach((name, value) -> {
      ByteArrayOutputStream assignment = new ByteArrayOutputStream();
      assignment.writeBytes(utf8(name));
      assignment.write('=');
      assignment.writeBytes(value);
      all.add(assignment.toByteArray());
    });
    return all;
  }

  private void put(String name, String value) {
    variables.put(name, utf8(value));
  }

  private void addAll(String field, List<EnvVar> added) {
    for (EnvVar variable : added) {
      variables.put(checkedName(field, variable.name()), checkedValue(field, variable));
    }
  }

  private static String checkedName(String field, String name) {
    FieldText.plain(field + ": a name", name, 4096);
    if (name.isEmpty() || name.indexOf('=') >= 0) {
      throw FaultException.invalid("%s: a name must not be empty or have a '='", field);
    }
    return name;
  }

  private static byte[] checkedValue(String field, EnvVar variable) {
    byte[] value = variable.value();
    if (value.length + variable.name().length() + 1 >= CommandLine.ARGUMENT_MAX) {
      throw FaultException.invalid(
          "%s: %s is longer than the kernel takes (131071 bytes with its name)",
          field, variable.name());
    }
    for (byte b : value) {
      if (b == 0) {
        throw FaultException.invalid("%s: the value of %s has a NUL byte", field, variable.name());
      }
    }
    return value;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
