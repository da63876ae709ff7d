package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Strangers' values in every field of every request: whatever they are, the answer is a request
 * that maps, or INVALID_ARGUMENT with a sentence that names the field. Never another exception.
 */
class HostileRequestsTest {
  private static final RequestFields FIELDS = RequestFields.load();
  private static final List<Place> PLACES = places();

  /** A field somewhere below a request, by the fields that lead to it. */
  record Place(Message request, List<FieldDescriptor> way) {
    FieldDescriptor field() {
      return way.getLast();
    }

    @Override
    public String toString() {
      return request.getDescriptorForType().getName()
          + "."
          + String.join(".", way.stream().map(FieldDescriptor::getName).toList());
    }
  }

  private static List<Place> places() {
    List<Place> places = new ArrayList<>();
    for (Message request : RequestFieldsTest.servedRequests()) {
      collect(request, request.getDescriptorForType(), new ArrayDeque<>(), places);
    }
    return places;
  }

  private static void collect(
      Message request, Descriptor type, Deque<FieldDescriptor> way, List<Place> places) {
    for (FieldDescriptor field : type.getFields()) {
      way.addLast(field);
      if (field.getJavaType() != JavaType.MESSAGE || field.isMapField()) {
        places.add(new Place(request, List.copyOf(way)));
      } else {
        collect(request, field.getMessageType(), way, places);
      }
      way.removeLast();
    }
  }

  @Property(tries = 4000)
  void textInAnyFieldIsTakenOrNamed(
      @ForAll("textPlaces") Place place, @ForAll("hostileText") String text) {
    assertTakenOrNamed(place, with(place, text));
  }

  @Property(tries = 2000)
  void numbersInAnyFieldAreTakenOrNamed(
      @ForAll("numberPlaces") Place place, @ForAll("hostileNumber") long number) {
    assertTakenOrNamed(place, with(place, number));
  }

  @Property(tries = 1000)
  void anyBytesAreARequestOrUnreadable(@ForAll byte[] bytes) {
    try {
      CreateContainerRequest request = CreateContainerRequest.parseFrom(bytes);
      problem(request);
    } catch (InvalidProtocolBufferException e) {
      assertThat(e).hasMessageNotContaining("null");
    }
  }

  @Provide
  Arbitrary<Place> textPlaces() {
    return Arbitraries.of(
        PLACES.stream()
            .filter(place ->
                place.field().getJavaType() == JavaType.STRING
                    || place.field().getJavaType() == JavaType.BYTE_STRING
                    || place.field().isMapField())
            .toList());
  }

  @Provide
  Arbitrary<Place> numberPlaces() {
    return Arbitraries.of(
        PLACES.stream()
            .filter(place ->
                place.field().getJavaType() == JavaType.INT
                    || place.field().getJavaType() == JavaType.LONG
                    || place.field().getJavaType() == JavaType.ENUM)
            .toList());
  }

  @Provide
  Arbitrary<String> hostileText() {
    return Arbitraries.oneOf(
        Arbitraries.of(
            "",
            "\0",
            "\n",
            "a\0b",
            "a\nb",
            "..",
            "../..",
            "/",
            "/..",
            "/../../etc/passwd",
            "/proc/self/fd/7",
            "a/../../b",
            "%s%n",
            "--",
            "=",
            "x=y",
            "+",
            ":",
            "user:group",
            "-1",
            "4294967296",
            "999999999999999999999999",
            "::1%",
            "1.2.3.4/33",
            "\ud83d\udc33",
            "\u202e",
            "é".repeat(70_000),
            "A".repeat(1 << 20),
            "/".repeat(5_000),
            "/..".repeat(2_000)),
        Arbitraries.strings().ofMaxLength(80),
        Arbitraries.strings().withChars("/.\0\n\t=:,-+@%{}\"\\ aA0").ofMaxLength(30));
  }

  @Provide
  Arbitrary<Long> hostileNumber() {
    return Arbitraries.oneOf(
        Arbitraries.of(
            Long.MIN_VALUE,
            Long.MAX_VALUE,
            -1L,
            0L,
            1L,
            (long) Integer.MAX_VALUE,
            (long) Integer.MIN_VALUE,
            4_294_967_295L,
            4_294_967_296L,
            65_535L,
            65_536L),
        Arbitraries.longs());
  }

  /** A request that is fine but for one value. */
  private static Message with(Place place, Object value) {
    Message.Builder builder = base(place.request());
    set(builder, place.way(), value);
    return builder.build();
  }

  private static Message.Builder base(Message request) {
    return switch (request) {
      case CreateContainerRequest ignored -> KubeletRequests.createContainer("a").toBuilder();
      case RunPodSandboxRequest ignored -> KubeletRequests.runPodSandbox().toBuilder();
      default -> request.toBuilder();
    };
  }

  private static void set(Message.Builder message, List<FieldDescriptor> way, Object value) {
    FieldDescriptor field = way.getFirst();
    if (way.size() > 1) {
      if (field.isRepeated()) {
        Message.Builder element = message.newBuilderForField(field);
        set(element, way.subList(1, way.size()), value);
        message.addRepeatedField(field, element.build());
      } else {
        Message.Builder part = ((Message) message.getField(field)).toBuilder();
        set(part, way.subList(1, way.size()), value);
        message.setField(field, part.build());
      }
      return;
    }
    if (field.isMapField()) {
      Message.Builder entry = message.newBuilderForField(field);
      entry.setField(field.getMessageType().findFieldByName("key"), value);
      entry.setField(field.getMessageType().findFieldByName("value"), value);
      message.addRepeatedField(field, entry.build());
    } else if (field.isRepeated()) {
      message.addRepeatedField(field, converted(field, value));
    } else {
      message.setField(field, converted(field, value));
    }
  }

  private static Object converted(FieldDescriptor field, Object value) {
    return switch (field.getJavaType()) {
      case BYTE_STRING -> ByteString.copyFromUtf8((String) value);
      case INT -> ((Long) value).intValue();
      case ENUM ->
          field.getEnumType().findValueByNumberCreatingIfUnknown(((Long) value).intValue());
      case BOOLEAN, DOUBLE, FLOAT, LONG, MESSAGE, STRING -> value;
    };
  }

  private static void assertTakenOrNamed(Place place, Message request) {
    Optional<String> problem = problem(request);
    if (problem.isPresent()) {
      assertThat(problem.get().length()).as(problem.get()).isLessThan(500);
      // a parent that the stranger's value brought into being may be at fault first
      boolean named =
          place.way().stream()
              .map(FieldDescriptor::getName)
              .anyMatch(name -> problem.get().contains(name));
      assertThat(named || isMissingElsewhere(problem.get()))
          .as("%s: %s", place, problem.get())
          .isTrue();
    }
  }

  private static boolean isMissingElsewhere(String problem) {
    return problem.endsWith("is missing") || problem.endsWith("is empty");
  }

  /** What the edge would answer; empty when it would go on to the domain. */
  private static Optional<String> problem(Message request) {
    try {
      FIELDS.check(request);
      if (request instanceof CreateContainerRequest create) {
        ContainerMapping.spec(create.getConfig());
        new CanonicalRequests().container(CanonicalRequests.of(create));
      } else if (request instanceof RunPodSandboxRequest run) {
        SandboxMapping.spec(run);
        new CanonicalRequests().sandbox(CanonicalRequests.of(run));
      }
      return Optional.empty();
    } catch (FaultException e) {
      assertThat(e.kind()).isEqualTo(Fault.INVALID_ARGUMENT);
      return Optional.of(e.getMessage());
    }
  }
}
