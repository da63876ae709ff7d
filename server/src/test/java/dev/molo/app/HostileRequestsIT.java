package dev.molo.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import dev.molo.Program;
import dev.molo.cri.v1.CreateContainerRequest;
import dev.molo.cri.v1.CreateContainerResponse;
import dev.molo.cri.v1.ImageServiceGrpc;
import dev.molo.cri.v1.RemoveContainerRequest;
import dev.molo.cri.v1.RemovePodSandboxRequest;
import dev.molo.cri.v1.RunPodSandboxRequest;
import dev.molo.cri.v1.RunPodSandboxResponse;
import dev.molo.cri.v1.RuntimeServiceGrpc;
import dev.molo.linux.RealKernel;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Strangers' values in every field of every call, down to the real kernel and disk: each answer is
 * a code that says whose fault it is, and afterwards the daemon holds what it held before.
 */
@ExtendWith(RealKernel.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileRequestsIT {
  private static final List<Object> TEXTS =
      List.of(
          "", "A".repeat(1 << 20), "a\0b", "a\nb", "..", "/etc/../..", "/", "/dev", "-1", "é=%s");
  private static final List<Object> NUMBERS =
      List.of(Long.MIN_VALUE, -1L, 7L, 65_536L, 4_294_967_296L, Long.MAX_VALUE);

  /** Answers that blame the request; the rest would blame the daemon, or nobody. */
  private static final Set<Status.Code> CALLERS_FAULT =
      EnumSet.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.UNIMPLEMENTED);

  /**
   * PullImage would go out to the network, GetContainerEvents and others never end or are not
   * built. A parent cgroup is the orchestrator's to make and to remove (CgroupParentTest).
   */
  private static final Set<String> LEFT_OUT = Set.of("PullImage", "UpdateRuntimeConfig");

  private static final String CGROUP_PARENT = "cgroup_parent";

  @TempDir private static Path folder;
  private TestNode node;
  private String pod;
  private int names;

  private record Place(MethodDescriptor<Message, Message> method, List<FieldDescriptor> way) {
    FieldDescriptor field() {
      return way.getLast();
    }

    List<Object> values() {
      return switch (field().getJavaType()) {
        case STRING, BYTE_STRING, MESSAGE -> TEXTS;
        case INT, LONG, ENUM -> NUMBERS;
        case BOOLEAN, FLOAT, DOUBLE -> List.of();
      };
    }

    @Override
    public String toString() {
      return method.getBareMethodName()
          + " "
          + String.join(".", way.stream().map(FieldDescriptor::getName).toList());
    }
  }

  @BeforeAll
  void start() throws IOException, InterruptedException {
    node = new TestNode("hostile", folder);
    node.daemon().start();
    pod = node.pod("victim");
  }

  @AfterAll
  void end() throws IOException, InterruptedException {
    node.end();
  }

  @SuppressWarnings("unchecked")
  private static List<Place> places() {
    List<Place> places = new ArrayList<>();
    Stream.of(RuntimeServiceGrpc.getServiceDescriptor(), ImageServiceGrpc.getServiceDescriptor())
        .flatMap(service -> service.getMethods().stream())
        .filter(method -> method.getType() == MethodDescriptor.MethodType.UNARY)
        .filter(method -> !LEFT_OUT.contains(method.getBareMethodName()))
        .map(method -> (MethodDescriptor<Message, Message>) method)
        .forEach(method ->
            collect(method, empty(method).getDescriptorForType(), new ArrayDeque<>(), places));
    return places;
  }

  private static Message empty(MethodDescriptor<Message, Message> method) {
    return ((MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller())
        .getMessagePrototype();
  }

  private static void collect(
      MethodDescriptor<Message, Message> method,
      Descriptor type,
      Deque<FieldDescriptor> way,
      List<Place> places) {
    for (FieldDescriptor field : type.getFields()) {
      way.addLast(field);
      if (field.getJavaType() != JavaType.MESSAGE || field.isMapField()) {
        if (!field.getName().equals(CGROUP_PARENT)) {
          places.add(new Place(method, List.copyOf(way)));
        }
      } else {
        collect(method, field.getMessageType(), way, places);
      }
      way.removeLast();
    }
  }

  @Test
  void everyValueInEveryFieldIsTakenOrTheCallersFault() throws IOException, InterruptedException {
    List<Place> places = places();
    assertThat(places).hasSizeGreaterThan(200);
    // what is started when it is first needed: the connection, the mounter
    node.create(pod, node.containerConfig("first", "exit", "0"));
    ask(places.getFirst(), "warms up");
    // before the descriptors: it makes the JVM listen
    long heap = liveHeap();
    List<String> descriptors = descriptors();
    List<String> wrong = new ArrayList<>();
    for (Place place : places) {
      for (Object value : place.values()) {
        ask(place, value).ifPresent(wrong::add);
      }
    }

    assertThat(wrong).isEmpty();
    assertThat(node.daemon().isAlive()).isTrue();
    assertThat(Files.readString(node.daemon().log())).doesNotContain("OutOfMemory");
    // the kernel reaps links and cgroups a moment later
    List<String> more = new ArrayList<>();
    for (int tries = 0; tries < 600; tries++) {
      more = descriptors();
      descriptors.forEach(more::remove);
      if (more.isEmpty()) {
        break;
      }
      Thread.sleep(100);
    }
    assertThat(more).as("descriptors that were not there before").isEmpty();
    // classes that were loaded and code that was compiled meanwhile take some
    TestNode.until(
        "live objects take about the %d bytes of before".formatted(heap),
        () -> liveHeap() < heap + (4 << 20));
    assertThat(files(node.daemon().root().resolve("pods"))).containsExactly(pod);
    TestNode.until(
        "the trash is empty", () -> files(node.daemon().root().resolve("trash")).isEmpty());
  }

  /** Bytes of what a full collection leaves, as the daemon's own JVM counts. */
  private long liveHeap() throws IOException, InterruptedException {
    Program.Ended jcmd =
        Program.run(
            Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
            "-J-Dsun.tools.attach.attachTimeout=60000",
            Long.toString(node.daemon().pid()),
            "GC.class_histogram");
    assertThat(jcmd.status()).as(jcmd.output()).isZero();
    Matcher total = Pattern.compile("Total +\\d+ +(\\d+)").matcher(jcmd.output());
    assertThat(total.find()).as(jcmd.output()).isTrue();
    return Long.parseLong(total.group(1));
  }

  /** What the daemon holds open, but for the classes that it loads as it goes along. */
  private List<String> descriptors() throws IOException {
    List<String> targets = new ArrayList<>();
    Path open = Path.of("/proc", Long.toString(node.daemon().pid()), "fd");
    for (String descriptor : files(open)) {
      try {
        String target = Files.readSymbolicLink(open.resolve(descriptor)).toString();
        if (!target.endsWith(".jar") && !target.endsWith(".so")) {
          // the kernel numbers sockets and pipes
          targets.add(target.replaceAll("\\d+", "N"));
        }
      } catch (java.nio.file.NoSuchFileException closed) {
        // between the listing and the reading
      }
    }
    return targets;
  }

  private static List<String> files(Path directory) {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(path -> path.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is wrong with the answer. */
  private java.util.Optional<String> ask(Place place, Object value) {
    try {
      Message answer =
          ClientCalls.blockingUnaryCall(
              node.cri().getChannel(),
              place.method(),
              CallOptions.DEFAULT.withDeadlineAfter(java.time.Duration.ofMinutes(2)),
              with(place, value));
      undo(answer);
      return java.util.Optional.empty();
    } catch (StatusRuntimeException e) {
      String said = String.valueOf(e.getStatus().getDescription());
      boolean well =
          CALLERS_FAULT.contains(e.getStatus().getCode())
              && said.length() < 1000
              && (e.getStatus().getCode() != Status.Code.INVALID_ARGUMENT || names(place, said));
      return well
          ? java.util.Optional.empty()
          : java.util.Optional.of("%s = %s: %s".formatted(place, brief(value), e.getStatus()));
    }
  }

  /** A part that the value brought into being may lack something else first. */
  private static boolean names(Place place, String said) {
    return place.way().stream().map(FieldDescriptor::getName).anyMatch(said::contains)
        || said.endsWith("is missing")
        || said.endsWith("is empty");
  }

  private static String brief(Object value) {
    String text = value.toString();
    return text.length() > 20 ? text.substring(0, 20) + "…" : text;
  }

  /** What was taken and made goes again. */
  private void undo(Message answer) {
    switch (answer) {
      case RunPodSandboxResponse made ->
          node.cri()
              .removePodSandbox(
                  RemovePodSandboxRequest.newBuilder()
                      .setPodSandboxId(made.getPodSandboxId())
                      .build());
      case CreateContainerResponse made ->
          node.cri()
              .removeContainer(
                  RemoveContainerRequest.newBuilder()
                      .setContainerId(made.getContainerId())
                      .build());
      default -> {
        // nothing was made
      }
    }
  }

  /** A request that is fine but for one value. */
  private Message with(Place place, Object value) {
    Message.Builder builder = base(place.method()).toBuilder();
    set(builder, place.way(), value);
    return builder.build();
  }

  private Message base(MethodDescriptor<Message, Message> method) {
    String name = "h" + names++;
    Message empty = empty(method);
    if (empty instanceof RunPodSandboxRequest) {
      return RunPodSandboxRequest.newBuilder().setConfig(node.podConfig(name)).build();
    }
    if (empty instanceof CreateContainerRequest) {
      return CreateContainerRequest.newBuilder()
          .setPodSandboxId(pod)
          .setConfig(node.containerConfig(name, "exit", "0"))
          .build();
    }
    return empty;
  }

  private static void set(Message.Builder message, List<FieldDescriptor> way, Object value) {
    FieldDescriptor field = way.getFirst();
    if (way.size() > 1) {
      Message.Builder part =
          field.isRepeated()
              ? message.newBuilderForField(field)
              : ((Message) message.getField(field)).toBuilder();
      set(part, way.subList(1, way.size()), value);
      put(message, field, part.build());
    } else if (field.isMapField()) {
      Message.Builder entry = message.newBuilderForField(field);
      entry.setField(field.getMessageType().findFieldByName("key"), value);
      FieldDescriptor content = field.getMessageType().findFieldByName("value");
      entry.setField(content, converted(content, value));
      message.addRepeatedField(field, entry.build());
    } else {
      put(message, field, converted(field, value));
    }
  }

  private static void put(Message.Builder message, FieldDescriptor field, Object value) {
    if (field.isRepeated()) {
      message.addRepeatedField(field, value);
    } else {
      message.setField(field, value);
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

  // ---- what no builder makes ----

  /** Sends bytes as they are. */
  private Status raw(byte[] request) {
    MethodDescriptor.Marshaller<byte[]> bytes =
        new MethodDescriptor.Marshaller<>() {
          @Override
          public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
          }

          @Override
          public byte[] parse(InputStream stream) {
            try {
              return stream.readAllBytes();
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    MethodDescriptor<byte[], byte[]> method =
        RuntimeServiceGrpc.getRunPodSandboxMethod().toBuilder(bytes, bytes).build();
    try {
      var _ =
          ClientCalls.blockingUnaryCall(
              node.cri().getChannel(), method, CallOptions.DEFAULT, request);
      return Status.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus();
    }
  }

  @Test
  void textThatIsNoUtf8IsRefused() {
    byte[] request =
        RunPodSandboxRequest.newBuilder().setConfig(node.podConfig("NAME")).build().toByteArray();
    String text = new String(request, StandardCharsets.ISO_8859_1);
    byte[] broken = text.replace("NAME", "N\u00ff\u00feE").getBytes(StandardCharsets.ISO_8859_1);

    assertThat(raw(broken).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  @Test
  void bytesThatAreNoMessageAreRefused() {
    assertThat(raw(new byte[] {0x0a, 0x7f, 1}).getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
  }

  @Test
  void aMessageOf64MebibytesIsRefusedUnread() {
    assertThat(raw(new byte[64 << 20]).getCode())
        .isIn(Status.Code.RESOURCE_EXHAUSTED, Status.Code.CANCELLED);
    assertThat(node.daemon().isAlive()).isTrue();
    assertThat(node.pod("victim")).isEqualTo(pod);
  }
}
