package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;

import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * docs/spec-conformance.md shows the calls and the request fields as the code has them. With {@code
 * -Dmolo.docs.write=true} the test writes the two tables instead of comparing them.
 */
class SpecConformanceTest {
  private static final Path PAGE =
      Path.of(System.getProperty("basedir", ".")).resolve("../docs/spec-conformance.md");

  @Test
  void pageShowsTheCallsAsTheyAreBound() throws IOException {
    check("calls", calls());
  }

  @Test
  void pageShowsTheTableOfRequestFields() throws IOException {
    check("request-fields", requestFields());
  }

  @Test
  void everyTestThatIsNamedExists() throws IOException {
    assertThat(HonouringTests.missing()).isEmpty();
  }

  @Test
  void everyFieldThatIsSaidToBeSeenIsHonoured() {
    List<String> honoured =
        RequestFields.load().rules().stream()
            .filter(rule -> rule.fieldClass() == FieldClass.HONOURED)
            .map(FieldRule::path)
            .toList();
    assertThat(HonouringTests.fields())
        .allSatisfy(field ->
            assertThat(honoured)
                .as("a field that is honoured, at or below %s", field)
                .anyMatch(path -> path.equals(field) || path.startsWith(field + ".")));
  }

  @Test
  void everyHonouredValueHasATestThatSeesIt() {
    Collection<FieldRule> rules = RequestFields.load().rules();
    List<String> unseen =
        rules.stream()
            .filter(rule -> rule.fieldClass() == FieldClass.HONOURED)
            .map(FieldRule::path)
            // a message is honoured by what is in it
            .filter(path -> rules.stream().noneMatch(other -> other.path().startsWith(path + ".")))
            .filter(path -> HonouringTests.of(path).isEmpty())
            .toList();
    assertThat(unseen).as("a row in honoured-by.tsv for each").isEmpty();
  }

  private static void check(String section, String expected) throws IOException {
    String page = Files.readString(PAGE);
    String begin = "<!-- begin " + section + " -->\n";
    String end = "<!-- end " + section + " -->";
    int from = page.indexOf(begin) + begin.length();
    int to = page.indexOf(end);
    assertThat(to).as("the section " + section + " of " + PAGE).isGreaterThan(from - 1);
    if (Boolean.getBoolean("molo.docs.write")) {
      Files.writeString(PAGE, page.substring(0, from) + expected + page.substring(to));
      return;
    }
    assertThat(page.substring(from, to))
        .as("%s is out of date; write it anew with -Dmolo.docs.write=true", PAGE)
        .isEqualTo(expected);
  }

  private static String calls() {
    StringBuilder table = new StringBuilder("| Call | Served |\n|---|---|\n");
    CriServices services =
        new CriServices(
            new FakePodRuntime(), new FakeImages(), CriServerTest.facts(), networks -> {});
    for (ServiceDescriptor service :
        List.of(
            RuntimeServiceGrpc.getServiceDescriptor(), ImageServiceGrpc.getServiceDescriptor())) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        String missing = services.notBuilt().get(method.getFullMethodName());
        table
            .append("| ")
            .append(method.getBareMethodName())
            .append(" | ")
            .append(missing == null ? "yes" : "UNIMPLEMENTED: " + missing + " not built yet")
            .append(" |\n");
      }
    }
    return table.toString();
  }

  private static String requestFields() {
    StringBuilder table = new StringBuilder();
    String request = "";
    for (FieldRule rule : RequestFields.load().rules()) {
      int dot = rule.path().indexOf('.');
      String root = rule.path().substring(0, dot);
      if (!root.equals(request)) {
        request = root;
        table.append("\n**").append(root).append("**\n\n");
        table.append("| Field | Class | Values | Remark | Seen by |\n|---|---|---|---|---|\n");
      }
      table
          .append("| ")
          .append(rule.path().substring(dot + 1))
          .append(" | ")
          .append(rule.fieldClass().name().toLowerCase(java.util.Locale.ROOT))
          .append(" | ")
          .append(rule.checkCell().equals("-") ? "" : rule.checkCell().replace("|", ", "))
          .append(" | ")
          .append(rule.note())
          .append(" | ")
          .append(rule.fieldClass() == FieldClass.HONOURED ? HonouringTests.of(rule.path()) : "")
          .append(" |\n");
    }
    return table.append('\n').toString();
  }
}
