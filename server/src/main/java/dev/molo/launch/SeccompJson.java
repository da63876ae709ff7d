package dev.molo.launch;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.FaultException;
import dev.molo.linux.Architecture;
import dev.molo.linux.Capability;
import dev.molo.linux.SeccompProfile;
import dev.molo.linux.SeccompProfile.Action;
import dev.molo.linux.SeccompProfile.Argument;
import dev.molo.linux.SeccompProfile.Comparison;
import dev.molo.linux.SeccompProfile.Rule;
import dev.molo.linux.SystemFacts;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A Localhost profile: the JSON of OCI's {@code linux.seccomp} (runtime-spec, config-linux), or
 * Docker's, which adds {@code archMap}, {@code includes} and {@code excludes}.
 *
 * <p>A profile that this daemon cannot honour in full (a notification agent, an unknown action) is
 * refused: leaving a part out would loosen it.
 */
final class SeccompJson {
  static final int LIMIT = 1 << 20;

  private static final int MAX_DEPTH = 16;
  private static final int MAX_RULES = 4096;
  private static final int MAX_NAMES = 1024;
  private static final BigInteger TWO_64 = BigInteger.ONE.shiftLeft(64);

  /** SECCOMP_FILTER_FLAG_* of linux/seccomp.h that make sense for one thread before exec. */
  private static final int FLAG_LOG = 2;

  private static final int FLAG_SPEC_ALLOW = 4;

  private static final ObjectMapper MAPPER =
      new ObjectMapper(
          JsonFactory.builder()
              .streamReadConstraints(
                  StreamReadConstraints.builder()
                      .maxNestingDepth(MAX_DEPTH)
                      .maxStringLength(4096)
                      .maxNumberLength(32)
                      .maxDocumentLength(LIMIT)
                      .build())
              .build());

  private final String source;
  private final Set<Capability> bounding;
  private final SystemFacts facts;

  private SeccompJson(String source, Set<Capability> bounding, SystemFacts facts) {
    this.source = source;
    this.bounding = bounding;
    this.facts = facts;
  }

  /**
   * @param flags for seccomp(2)
   */
  record Parsed(SeccompProfile profile, int flags) {}

  /**
   * @param source the file, for messages
   */
  static Parsed parse(String source, byte[] json, Set<Capability> bounding, SystemFacts facts) {
    SeccompJson reader = new SeccompJson(source, bounding, facts);
    try {
      return reader.read(MAPPER.readTree(json));
    } catch (IOException e) {
      throw new FaultException(
          dev.molo.fault.Fault.INVALID_ARGUMENT,
          "seccomp profile %s is not JSON that can be read: %s"
              .formatted(source, e.getMessage().lines().findFirst().orElse("")),
          e);
    }
  }

  private Parsed read(JsonNode root) {
    if (root == null || !root.isObject()) {
      throw invalid("is not a JSON object");
    }
    if (!root.path("listenerPath").asText("").isEmpty()) {
      throw invalid("has a listenerPath: notification agents are not supported");
    }
    Action action = action(root.path("defaultAction"));
    OptionalInt errno = errno(root.path("defaultErrnoRet"));
    List<Rule> rules = new ArrayList<>();
    for (JsonNode call : bounded(root.path("syscalls"), MAX_RULES, "syscalls")) {
      if (applies(call)) {
        rules.add(rule(call));
      }
    }
    return new Parsed(
        new SeccompProfile(action, errno, architectures(root), rules), flags(root.path("flags")));
  }

  private Rule rule(JsonNode call) {
    List<String> names = new ArrayList<>();
    for (JsonNode name : bounded(call.path("names"), MAX_NAMES, "names")) {
      names.add(checkedName(name));
    }
    if (call.has("name")) {
      names.add(checkedName(call.path("name")));
    }
    if (names.isEmpty()) {
      throw invalid("has a rule without names");
    }
    List<Argument> arguments = new ArrayList<>();
    for (JsonNode argument : bounded(call.path("args"), 6, "args")) {
      arguments.add(argument(argument));
    }
    return new Rule(names, action(call.path("action")), errno(call.path("errnoRet")), arguments);
  }

  private String checkedName(JsonNode name) {
    String text = name.asText("");
    if (!name.isTextual() || !text.matches("[A-Za-z0-9_]{1,64}")) {
      throw invalid("names something that is no system call");
    }
    return text;
  }

  private Argument argument(JsonNode node) {
    long index = number(node.path("index"));
    if (index < 0 || index > 5) {
      throw invalid("has an argument index that is not 0 to 5");
    }
    Comparison comparison =
        switch (node.path("op").asText("")) {
          case "SCMP_CMP_NE" -> Comparison.NOT_EQUAL;
          case "SCMP_CMP_LT" -> Comparison.LESS_THAN;
          case "SCMP_CMP_LE" -> Comparison.LESS_OR_EQUAL;
          case "SCMP_CMP_EQ" -> Comparison.EQUAL;
          case "SCMP_CMP_GE" -> Comparison.GREATER_OR_EQUAL;
          case "SCMP_CMP_GT" -> Comparison.GREATER_THAN;
          case "SCMP_CMP_MASKED_EQ" -> Comparison.MASKED_EQUAL;
          default -> throw invalid("has an unknown op");
        };
    return new Argument(
        (int) index, comparison, number(node.path("value")), number(node.path("valueTwo")));
  }

  private Action action(JsonNode node) {
    return switch (node.asText("")) {
      case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD" -> Action.KILL_THREAD;
      case "SCMP_ACT_KILL_PROCESS" -> Action.KILL_PROCESS;
      case "SCMP_ACT_TRAP" -> Action.TRAP;
      case "SCMP_ACT_ERRNO" -> Action.ERRNO;
      case "SCMP_ACT_TRACE" -> Action.TRACE;
      case "SCMP_ACT_LOG" -> Action.LOG;
      case "SCMP_ACT_ALLOW" -> Action.ALLOW;
      case "SCMP_ACT_NOTIFY" ->
          throw invalid("uses SCMP_ACT_NOTIFY: notification agents are not supported");
      default -> throw invalid("has an unknown or missing action");
    };
  }

  private OptionalInt errno(JsonNode node) {
    if (node.isMissingNode() || node.isNull()) {
      return OptionalInt.empty();
    }
    long errno = number(node);
    if (errno < 0 || errno > 4095) {
      throw invalid("has an error number that is not 0 to 4095");
    }
    return OptionalInt.of((int) errno);
  }

  /** An unsigned 64-bit number; 0 when absent. */
  private long number(JsonNode node) {
    if (node.isMissingNode() || node.isNull()) {
      return 0;
    }
    if (!node.isIntegralNumber()) {
      throw invalid("has a number that is none");
    }
    BigInteger value = node.bigIntegerValue();
    if (value.signum() < 0 || value.compareTo(TWO_64) >= 0) {
      throw invalid("has a number that is not 0 to 2^64-1");
    }
    return value.longValue();
  }

  private List<String> architectures(JsonNode root) {
    List<String> names = new ArrayList<>();
    for (JsonNode name : bounded(root.path("architectures"), 32, "architectures")) {
      names.add(architecture(name));
    }
    for (JsonNode entry : bounded(root.path("archMap"), 32, "archMap")) {
      if (architecture(entry.path("architecture")).equals(nativeName())) {
        names.add(nativeName());
        for (JsonNode sub : bounded(entry.path("subArchitectures"), 32, "subArchitectures")) {
          names.add(architecture(sub));
        }
      }
    }
    return names.stream().distinct().toList();
  }

  private String architecture(JsonNode node) {
    String name = node.asText("");
    if (!name.matches("SCMP_ARCH_[A-Z0-9_]{1,32}")) {
      throw invalid("names an unknown architecture");
    }
    return name.substring("SCMP_ARCH_".length()).toLowerCase(Locale.ROOT);
  }

  private static String nativeName() {
    return switch (Architecture.current()) {
      case X86_64 -> "x86_64";
      case AARCH64 -> "aarch64";
    };
  }

  private int flags(JsonNode node) {
    int flags = 0;
    for (JsonNode flag : bounded(node, 16, "flags")) {
      flags |=
          switch (flag.asText("")) {
            case "SECCOMP_FILTER_FLAG_LOG" -> FLAG_LOG;
            case "SECCOMP_FILTER_FLAG_SPEC_ALLOW" -> FLAG_SPEC_ALLOW;
            // the process has one thread when the filter is set
            case "SECCOMP_FILTER_FLAG_TSYNC" -> 0;
            default -> throw invalid("has an unknown flag");
          };
    }
    return flags;
  }

  private boolean applies(JsonNode call) {
    return included(call.path("includes")) && !excluded(call.path("excludes"));
  }

  private boolean included(JsonNode filter) {
    for (JsonNode capability : bounded(filter.path("caps"), 64, "caps")) {
      if (!has(capability)) {
        return false;
      }
    }
    JsonNode arches = bounded(filter.path("arches"), 32, "arches");
    return (arches.isEmpty() || lists(arches)) && (!filter.has("minKernel") || kernelIs(filter));
  }

  private boolean excluded(JsonNode filter) {
    for (JsonNode capability : bounded(filter.path("caps"), 64, "caps")) {
      if (has(capability)) {
        return true;
      }
    }
    return lists(bounded(filter.path("arches"), 32, "arches"))
        || (filter.has("minKernel") && kernelIs(filter));
  }

  private boolean has(JsonNode capability) {
    String name = capability.asText("");
    return bounding.stream().anyMatch(own -> own.name().equals(name));
  }

  /** Docker uses Go's names. */
  private static boolean lists(JsonNode arches) {
    String go =
        switch (Architecture.current()) {
          case X86_64 -> "amd64";
          case AARCH64 -> "arm64";
        };
    for (JsonNode arch : arches) {
      if (arch.asText("").equals(go)) {
        return true;
      }
    }
    return false;
  }

  private boolean kernelIs(JsonNode filter) {
    String[] parts = filter.path("minKernel").asText("").split("\\.", -1);
    if (parts.length != 2 || !parts[0].matches("[0-9]{1,4}") || !parts[1].matches("[0-9]{1,4}")) {
      throw invalid("has a minKernel that is not as 4.8");
    }
    return facts.kernelAtLeast(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
  }

  private JsonNode bounded(JsonNode list, int most, String field) {
    if (list.isMissingNode() || list.isNull()) {
      return MAPPER.createArrayNode();
    }
    if (!list.isArray() || list.size() > most) {
      throw invalid("has " + field + " that is not a list of at most " + most);
    }
    return list;
  }

  private FaultException invalid(String what) {
    return FaultException.invalid("seccomp profile %s %s", source, what);
  }
}
