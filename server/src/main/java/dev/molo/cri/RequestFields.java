package dev.molo.cri;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.MapEntry;
import com.google.protobuf.Message;
import dev.molo.fault.FaultException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The table of request fields: what becomes of each (honoured, recorded, refused) and what its
 * values must look like. Every request is held against it before anything else happens, so that no
 * field is silently ignored and the mapping to the domain finds well-formed values only.
 *
 * <p>A default value counts as absent. Rules that span several fields are with the mapping.
 * Thread-safe.
 */
final class RequestFields {
  private static final String TABLE = "request-fields.tsv";

  private final Map<String, FieldRule> rules;
  private final Map<Descriptor, List<Node>> requests = new ConcurrentHashMap<>();

  /** A field of a message at one place of a request, with those below it. */
  private record Node(FieldDescriptor field, FieldRule rule, List<Node> children) {}

  private RequestFields(Map<String, FieldRule> rules) {
    this.rules = rules;
  }

  /** Reads the table from the class path. */
  static RequestFields load() {
    Map<String, FieldRule> rules = new LinkedHashMap<>();
    try (InputStream in = RequestFields.class.getResourceAsStream(TABLE)) {
      if (in == null) {
        throw new IllegalStateException(TABLE + " is not on the class path");
      }
      new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
          .lines()
          .filter(line -> !line.isEmpty() && !line.startsWith("#"))
          .map(FieldRule::parse)
          .forEach(rule -> rules.put(rule.path(), rule));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + TABLE, e);
    }
    return new RequestFields(rules);
  }

  /** All rows, in the table's order. */
  Collection<FieldRule> rules() {
    return rules.values();
  }

  /**
   * Checks a request.
   *
   * @throws FaultException INVALID_ARGUMENT naming the first field that is missing, malformed or
   *     refused
   */
  void check(Message request) {
    Descriptor type = request.getDescriptorForType();
    checkMessage(request, "", requests.computeIfAbsent(type, t -> nodes(t, t.getName())));
  }

  private List<Node> nodes(Descriptor type, String path) {
    List<Node> nodes = new ArrayList<>();
    for (FieldDescriptor field : type.getFields()) {
      String at = path + "." + field.getName();
      FieldRule rule = rules.get(at);
      if (rule == null) {
        throw new IllegalStateException(TABLE + " has no row for " + at);
      }
      boolean descend =
          rule.fieldClass() == FieldClass.HONOURED
              && field.getJavaType() == JavaType.MESSAGE
              && !field.isMapField();
      nodes.add(new Node(field, rule, descend ? nodes(field.getMessageType(), at) : List.of()));
    }
    return List.copyOf(nodes);
  }

  private static void checkMessage(Message message, String path, List<Node> nodes) {
    for (Node node : nodes) {
      String at = path.isEmpty() ? node.field().getName() : path + "." + node.field().getName();
      checkField(message, at, node);
    }
  }

  private static void checkField(Message message, String at, Node node) {
    if (node.rule().fieldClass() == FieldClass.REFUSED) {
      refuseUnlessDefault(message, at, node);
      return;
    }
    if (node.field().isRepeated()) {
      checkList(message, at, node);
      return;
    }
    if (node.field().getJavaType() == JavaType.MESSAGE) {
      checkPart(message, at, node);
      return;
    }
    checkValue(message.getField(node.field()), at, node);
  }

  private static void refuseUnlessDefault(Message message, String at, Node node) {
    FieldDescriptor field = node.field();
    boolean given =
        field.isRepeated()
            ? message.getRepeatedFieldCount(field) > 0
            : field.getJavaType() == JavaType.MESSAGE
                ? message.hasField(field) && !isDefault((Message) message.getField(field))
                : !message.getField(field).equals(field.getDefaultValue());
    if (given) {
      throw FaultException.invalid("%s is not supported: %s", at, node.rule().note());
    }
  }

  private static void checkPart(Message message, String at, Node node) {
    FieldCheck check = node.rule().check();
    if (!message.hasField(node.field())) {
      if (check.required()) {
        throw FaultException.invalid("%s is missing", at);
      }
      return;
    }
    Message part = (Message) message.getField(node.field());
    // an empty message that nobody requires says nothing, except where being there is the value
    if (check.required() || !isDefault(part)) {
      checkMessage(part, at, node.children());
    }
  }

  private static void checkList(Message message, String at, Node node) {
    int size = message.getRepeatedFieldCount(node.field());
    if (size == 0 && node.rule().check().required()) {
      throw FaultException.invalid("%s is empty", at);
    }
    for (int i = 0; i < size; i++) {
      Object element = message.getRepeatedField(node.field(), i);
      if (node.field().isMapField()) {
        checkEntry((MapEntry<?, ?>) element, at, node);
      } else if (element instanceof Message part) {
        checkMessage(part, at + "[" + i + "]", node.children());
      } else {
        checkValue(element, at + "[" + i + "]", node);
      }
    }
  }

  /** Every map of a CRI request is one of text to text. */
  private static void checkEntry(MapEntry<?, ?> entry, String at, Node node) {
    TextForm form = node.rule().check().form().orElse(TextForm.ANY);
    String key = (String) entry.getKey();
    form.keyComplaint(key).ifPresent(complaint -> complain(at, complaint));
    form.complaint((String) entry.getValue())
        .ifPresent(complaint -> complain(at + "[" + Shown.quoted(key) + "]", complaint));
  }

  private static void checkValue(Object value, String at, Node node) {
    FieldCheck check = node.rule().check();
    switch (value) {
      case String text -> checkText(text, at, check);
      case ByteString bytes ->
          check.form().flatMap(form -> form.complaint(bytes)).ifPresent(c -> complain(at, c));
      case EnumValueDescriptor name -> checkName(name, at, node);
      case Integer number -> checkNumber(number, at, check);
      case Long number -> checkNumber(number, at, check);
      case Boolean ignored -> {
        // both values are fine everywhere
      }
      default -> throw new IllegalStateException(at + " has a type that requests do not use");
    }
  }

  private static void checkText(String text, String at, FieldCheck check) {
    if (text.isEmpty() && check.notEmpty()) {
      throw FaultException.invalid("%s is empty", at);
    }
    check.form().flatMap(form -> form.complaint(text)).ifPresent(c -> complain(at, c));
  }

  private static void checkName(EnumValueDescriptor value, String at, Node node) {
    String type = node.field().getEnumType().getName();
    if (value.getIndex() < 0) {
      throw FaultException.invalid("%s: %d is no %s", at, value.getNumber(), type);
    }
    if (!node.rule().check().names().isEmpty()
        && !node.rule().check().names().contains(value.getName())) {
      throw FaultException.invalid("%s cannot be %s", at, value.getName());
    }
  }

  private static void checkNumber(long number, String at, FieldCheck check) {
    check
        .range()
        .filter(range -> !range.contains(number))
        .ifPresent(range -> complain(at, "must be " + range + ", not " + number));
  }

  private static void complain(String at, String complaint) {
    throw FaultException.invalid("%s %s", at, complaint);
  }

  /** Whether a message and all below it say nothing. */
  private static boolean isDefault(Message message) {
    return message.getAllFields().values().stream()
        .allMatch(value -> value instanceof Message part && isDefault(part));
  }
}
