package dev.molo.cri.v1;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Holds our .proto against the table of wire facts, {@code cri/v1-wire.tsv}, in both directions:
 * the descriptor is written out in the table's own rows, and the two sets of rows must be equal. A
 * row too many, a row too few and a row with another number, type, label, oneof or deprecation all
 * show up by their text.
 */
class WireTableTest {

  private static final FileDescriptor FILE = Api.getDescriptor();

  @Test
  void everyRowOfTheTableIsInTheDescriptorAndTheOtherWayRound() {
    assertThat(descriptorRows()).containsExactlyInAnyOrderElementsOf(tableRows());
  }

  /** Guards the test itself: a table that did not load in full would agree with too little. */
  @Test
  void tableHasTheSizeThatItsReadmeStates() {
    List<String> rows = tableRows();
    assertThat(rows).filteredOn(row -> row.startsWith("rpc\t")).hasSize(43);
    assertThat(rows).filteredOn(row -> row.startsWith("field\t")).hasSize(478);
    assertThat(rows).filteredOn(row -> row.startsWith("enum\t")).hasSize(95);
    assertThat(rows).doesNotHaveDuplicates();
  }

  @Test
  void generatedStubsCallTheMethodsByTheirFullNames() {
    List<String> expected =
        tableRows().stream()
            .filter(row -> row.startsWith("rpc\t"))
            .map(row -> row.split("\t", -1))
            .map(cells ->
                "runtime.v1."
                    + cells[1]
                    + "/"
                    + cells[2]
                    + (cells[4].startsWith("stream ") ? " SERVER_STREAMING" : " UNARY"))
            .toList();
    List<String> generated =
        Stream.of(
                RuntimeServiceGrpc.getServiceDescriptor(), ImageServiceGrpc.getServiceDescriptor())
            .flatMap(service -> service.getMethods().stream())
            .map(method -> method.getFullMethodName() + " " + method.getType())
            .toList();
    assertThat(generated).containsExactlyInAnyOrderElementsOf(expected);
  }

  private static List<String> tableRows() {
    try (InputStream in = WireTableTest.class.getResourceAsStream("/cri/v1-wire.tsv")) {
      assertThat(in).as("cri/v1-wire.tsv on the test class path").isNotNull();
      return new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
          .lines()
          .map(String::stripTrailing)
          .filter(line -> !line.isEmpty())
          .toList();
    } catch (IOException e) {
      throw new AssertionError("cannot read cri/v1-wire.tsv", e);
    }
  }

  private static List<String> descriptorRows() {
    List<String> rows = new ArrayList<>();
    FILE.getServices().forEach(service -> addService(service, rows));
    FILE.getEnumTypes().forEach(type -> addEnum(type, rows));
    FILE.getMessageTypes().forEach(type -> addMessage(type, rows));
    return rows;
  }

  private static void addService(ServiceDescriptor service, List<String> rows) {
    for (MethodDescriptor method : service.getMethods()) {
      String request =
          (method.isClientStreaming() ? "stream " : "") + method.getInputType().getName();
      String response =
          (method.isServerStreaming() ? "stream " : "") + method.getOutputType().getName();
      rows.add(String.join("\t", "rpc", service.getName(), method.getName(), request, response));
    }
  }

  private static void addEnum(EnumDescriptor type, List<String> rows) {
    for (EnumValueDescriptor value : type.getValues()) {
      rows.add(
          String.join(
              "\t",
              "enum",
              nameInPackage(type.getFullName()),
              value.getName(),
              "" + value.getNumber()));
    }
  }

  private static void addMessage(Descriptor type, List<String> rows) {
    String name = nameInPackage(type.getFullName());
    if (type.getFields().isEmpty()) {
      rows.add(String.join("\t", "message", name, "(empty)"));
    }
    for (FieldDescriptor field : type.getFields()) {
      rows.add(
          String.join(
              "\t", "field", name, field.getName(), "" + field.getNumber(), typeCell(field)));
    }
    type.getEnumTypes().forEach(nested -> addEnum(nested, rows));
    type.getNestedTypes().stream()
        .filter(nested -> !nested.getOptions().getMapEntry())
        .forEach(nested -> addMessage(nested, rows));
  }

  private static String typeCell(FieldDescriptor field) {
    StringBuilder cell = new StringBuilder();
    if (field.isMapField()) {
      List<FieldDescriptor> entry = field.getMessageType().getFields();
      cell.append("map<")
          .append(scalar(entry.get(0)))
          .append(',')
          .append(scalar(entry.get(1)))
          .append('>');
    } else {
      cell.append(field.isRepeated() ? "repeated " : "").append(scalar(field));
    }
    // the table knows no "optional" fields: spelled out, one in our file makes a row that matches
    // nothing
    if (field.toProto().getProto3Optional()) {
      cell.append(" optional");
    } else if (field.getContainingOneof() != null) {
      cell.append(" oneof:").append(field.getContainingOneof().getName());
    }
    if (field.getOptions().getDeprecated()) {
      cell.append(" deprecated");
    }
    return cell.toString();
  }

  private static String scalar(FieldDescriptor field) {
    return switch (field.getJavaType()) {
      case ENUM -> field.getEnumType().getName();
      case MESSAGE -> field.getMessageType().getName();
      case BOOLEAN, BYTE_STRING, DOUBLE, FLOAT, INT, LONG, STRING ->
          field.getType().name().toLowerCase(Locale.ROOT);
    };
  }

  private static String nameInPackage(String fullName) {
    assertThat(fullName).startsWith("runtime.v1.");
    return fullName.substring("runtime.v1.".length());
  }
}
