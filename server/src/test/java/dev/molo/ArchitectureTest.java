package dev.molo;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The arrows between the packages: {@code app -> cri, http, streaming -> pod -> launch, supervisor,
 * image, network, cgroup, state -> linux <- linux.jnr}. An arrow may skip a floor, never point up
 * or sideways. A "room" is a package below dev.molo with all below it.
 */
class ArchitectureTest {
  private static final String ROOT = "dev.molo.";

  /** Seen by all; they see only each other. */
  private static final Set<String> SEEN_BY_ALL = Set.of("spec", "fault", "config");

  /** The floor of each room; a room sees only rooms of lower floors. */
  private static final Map<String, Integer> FLOORS =
      Map.ofEntries(
          Map.entry("app", 4),
          Map.entry("cri", 3),
          Map.entry("http", 3),
          Map.entry("streaming", 3),
          Map.entry("pod", 2),
          Map.entry("launch", 1),
          Map.entry("supervisor", 1),
          Map.entry("image", 1),
          Map.entry("network", 1),
          Map.entry("cgroup", 1),
          Map.entry("state", 1),
          Map.entry("linux", 0));

  /** Packages that have a room of their own within another's folder. */
  private static final Set<String> INNER_ROOMS = Set.of("linux.jnr", "cri.v1", "state.proto");

  /**
   * Who may see what only few may. The program's commands are a CRI client, so app has the
   * messages; of the records, pod fills in what state keeps: it owns the state that they explain,
   * and a second set of types for the same fields would have no other reader.
   */
  private static final Map<String, Set<String>> FEW_MAY_SEE =
      Map.ofEntries(
          Map.entry("dev.molo.linux.jnr", Set.of("linux.jnr", "app")),
          Map.entry("dev.molo.cri.v1", Set.of("cri.v1", "cri", "app")),
          Map.entry("dev.molo.state.proto", Set.of("state.proto", "state", "pod")),
          Map.entry("jnr", Set.of("linux.jnr")),
          Map.entry("com.kenai.jffi", Set.of("linux.jnr")),
          Map.entry("io.vertx", Set.of("app", "http", "streaming", "image.registry")),
          Map.entry("io.netty", Set.of("app", "cri", "http", "streaming", "image.registry")),
          Map.entry("io.prometheus", Set.of("app", "http")),
          Map.entry("io.grpc", Set.of("cri", "cri.v1", "app")),
          Map.entry(
              "com.google.protobuf",
              Set.of("cri", "cri.v1", "app.cli", "state", "state.proto", "pod")));

  private static JavaClasses production;

  @BeforeAll
  static void read() {
    production =
        new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.molo");
  }

  @Test
  void everyRoomIsOnTheMap() {
    Set<String> rooms =
        production.stream()
            .map(seen -> room(seen.getPackageName()))
            .collect(Collectors.toUnmodifiableSet());
    assertThat(rooms).isSubsetOf(known()).contains("app", "cri", "pod", "image", "linux.jnr");
  }

  @Test
  void arrowsPointDown() {
    classes()
        .should(onlyDependWhere("point down, or to a room seen by all", ArchitectureTest::down))
        .check(production);
  }

  @Test
  void librariesStayInTheirRooms() {
    classes()
        .should(onlyDependWhere("stay where they belong", ArchitectureTest::admitted))
        .check(production);
  }

  /** The rules themselves: they tell an arrow that is wrong from one that is right. */
  @Test
  void rulesRefuseWhatTheyMust() {
    assertThat(down("dev.molo.pod", "dev.molo.image.layer")).isTrue();
    assertThat(down("dev.molo.pod", "dev.molo.cri")).isFalse();
    assertThat(down("dev.molo.network", "dev.molo.cgroup")).isFalse();
    assertThat(down("dev.molo.linux", "dev.molo.linux.jnr")).isFalse();
    assertThat(down("dev.molo.spec", "dev.molo.linux")).isFalse();
    assertThat(admitted("dev.molo.image.registry", "io.vertx.core")).isTrue();
    assertThat(admitted("dev.molo.image.layer", "io.vertx.core")).isFalse();
    assertThat(admitted("dev.molo.http", "com.google.protobuf")).isFalse();
    assertThat(admitted("dev.molo.linux", "jnr.ffi")).isFalse();
    assertThat(admitted("dev.molo.pod", "dev.molo.linux.jnr")).isFalse();
  }

  /** From the sources: javac writes no class for a package-info without annotations. */
  @Test
  void everyPackageSaysWhatItIsFor() throws IOException {
    Path sources = Path.of("src/main/java");
    List<Path> packages;
    try (Stream<Path> files = Files.walk(sources)) {
      packages =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .map(Path::getParent)
              .distinct()
              .toList();
    }
    assertThat(packages).hasSizeGreaterThan(15);
    assertThat(packages).allSatisfy(ArchitectureTest::saysWhatItIsFor);
  }

  private static void saysWhatItIsFor(Path folder) {
    Path file = folder.resolve("package-info.java");
    assertThat(file).exists();
    try {
      assertThat(Files.readString(file)).contains("/**", "\npackage ");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Set<String> known() {
    return Stream.of(FLOORS.keySet(), SEEN_BY_ALL, INNER_ROOMS)
        .flatMap(Set::stream)
        .collect(Collectors.toUnmodifiableSet());
  }

  private static String room(String packageName) {
    String below = packageName.substring(ROOT.length());
    return INNER_ROOMS.stream()
        .filter(inner -> within(below, inner))
        .findFirst()
        .orElseGet(() -> below.split("\\.")[0]);
  }

  private static boolean within(String packageName, String ancestor) {
    return packageName.equals(ancestor) || packageName.startsWith(ancestor + ".");
  }

  private static boolean down(String from, String to) {
    if (!to.startsWith(ROOT)) {
      return true;
    }
    String source = room(from);
    String target = room(to);
    if (source.equals(target) || SEEN_BY_ALL.contains(target)) {
      return true;
    }
    if (INNER_ROOMS.contains(target)) {
      return admitted(from, to);
    }
    // linux.jnr implements linux: it stands beside it and sees nothing else
    if (source.equals("linux.jnr")) {
      return target.equals("linux");
    }
    return FLOORS.getOrDefault(source, 0) > FLOORS.getOrDefault(target, Integer.MAX_VALUE);
  }

  private static boolean admitted(String from, String to) {
    String below = from.substring(ROOT.length());
    return FEW_MAY_SEE.entrySet().stream()
        .filter(few -> within(to, few.getKey()))
        .allMatch(few -> few.getValue().stream().anyMatch(who -> admits(who, below)));
  }

  /** {@code linux} does not speak for {@code linux.jnr}, nor a room for another within it. */
  private static boolean admits(String who, String below) {
    return within(below, who)
        && (INNER_ROOMS.contains(who) == INNER_ROOMS.contains(room(ROOT + below)));
  }

  private static ArchCondition<JavaClass> onlyDependWhere(
      String what, BiPredicate<String, String> allowed) {
    return new ArchCondition<>("depend only where arrows " + what) {
      @Override
      public void check(JavaClass seen, ConditionEvents events) {
        for (Dependency arrow : seen.getDirectDependenciesFromSelf()) {
          String target = arrow.getTargetClass().getBaseComponentType().getPackageName();
          if (!allowed.test(seen.getPackageName(), target)) {
            events.add(SimpleConditionEvent.violated(arrow, arrow.getDescription()));
          }
        }
      }
    };
  }
}
