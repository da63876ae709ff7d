package dev.molo.http;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.Digest;
import dev.molo.image.ExportRequest;
import dev.molo.image.ExportTarget;
import dev.molo.image.ExportedImage;
import dev.molo.image.Image;
import dev.molo.image.ImageOperations;
import dev.molo.image.Images;
import dev.molo.image.ImportRequest;
import dev.molo.image.LayerCheck;
import dev.molo.image.PushRequest;
import dev.molo.image.PushedImage;
import dev.molo.image.PushedLayer;
import dev.molo.image.RegistryAuth;
import dev.molo.image.VerifyRequest;
import dev.molo.image.content.Compression;
import io.vertx.core.file.OpenOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** What changes images. Each takes a JSON object; a field that it does not know is refused. */
final class ImageVerbs {

  private static final Set<String> AUTH_FIELDS =
      Set.of("username", "password", "identityToken", "registryToken");
  private static final int TAR_BUFFER = 256 << 10;

  private final Images images;
  private final ImageOperations operations;

  ImageVerbs(Images images, ImageOperations operations) {
    this.images = images;
    this.operations = operations;
  }

  void addTo(Router router, Routes routes) {
    BodyHandler body = JsonRequest.body();
    router
        .post("/v1/images/tag")
        .handler(body)
        .handler(context -> routes.answer(context, this::tag));
    router
        .post("/v1/images/untag")
        .handler(body)
        .handler(context -> routes.answer(context, this::untag));
    router
        .post("/v1/images/verify")
        .handler(body)
        .handler(context -> routes.lines(context, verify(context)));
    router.post("/v1/images/export").handler(body).handler(context -> export(context, routes));
    router
        .post("/v1/images/push")
        .handler(body)
        .handler(context -> routes.lines(context, push(context)));
    router.post("/v1/images/import").handler(context -> importArchive(context, routes));
  }

  private Answer tag(RoutingContext context) {
    JsonObject request = JsonRequest.of(context, Set.of("image", "name"));
    Image image =
        operations.tag(JsonRequest.text(request, "image"), JsonRequest.text(request, "name"));
    return Answer.json(ImagesDocument.image(image));
  }

  private Answer untag(RoutingContext context) {
    JsonObject request = JsonRequest.of(context, Set.of("name"));
    return Answer.json(ImagesDocument.image(operations.untag(JsonRequest.text(request, "name"))));
  }

  /** The archive is the answer, or goes into a directory and the answer is about it. */
  private void export(RoutingContext context, Routes routes) {
    JsonObject request;
    ExportRequest wanted;
    try {
      request =
          JsonRequest.of(context, Set.of("images", "format", "compression", "level", "directory"));
      wanted =
          new ExportRequest(
              texts(request, "images"),
              constant(ExportRequest.Format.class, request.getString("format", "oci"), "format"),
              compression(request));
    } catch (FaultException e) {
      routes.answer(
          context,
          _ -> {
            throw e;
          });
      return;
    }
    if (request.containsKey("directory")) {
      Path directory = absolute(JsonRequest.text(request, "directory"));
      routes.lines(
          context,
          (_, cancellation) ->
              exported(
                  operations.export(wanted, new ExportTarget.Directory(directory), cancellation)));
      return;
    }
    routes.longWork(
        context,
        "application/x-tar",
        (out, cancellation) -> {
          BufferedOutputStream tar = new BufferedOutputStream(out, TAR_BUFFER);
          JsonObject done =
              exported(operations.export(wanted, new ExportTarget.Tar(tar), cancellation));
          tar.flush();
          out.trailer("Molo-Result", done.encode());
        });
  }

  private static JsonObject exported(List<ExportedImage> images) {
    JsonArray items = new JsonArray();
    images.forEach(image -> items.add(exported(image)));
    return new JsonObject().put("images", items);
  }

  private static JsonObject exported(ExportedImage image) {
    return new JsonObject()
        .put("id", image.id().toString())
        .put("names", new JsonArray(image.names()))
        .put("digest", image.digest().map(Digest::toString).orElse(null))
        .put("sameManifest", image.sameManifest());
  }

  private Routes.LongWork push(RoutingContext context) {
    return (report, cancellation) -> {
      JsonObject request =
          JsonRequest.of(context, Set.of("image", "target", "compression", "level", "auth"));
      PushRequest wanted =
          new PushRequest(
              JsonRequest.text(request, "image"),
              request.containsKey("target")
                  ? Optional.of(JsonRequest.text(request, "target"))
                  : Optional.empty(),
              compression(request),
              auth(request));
      PushedImage pushed =
          operations.push(
              wanted,
              cancellation,
              layer -> report.accept(new JsonObject().put("layer", pushed(layer))));
      JsonArray layers = new JsonArray();
      pushed.layers().forEach(layer -> layers.add(pushed(layer)));
      return new JsonObject()
          .put("reference", pushed.reference().toString())
          .put("image", exported(pushed.image()))
          .put("layers", layers);
    };
  }

  private static JsonObject pushed(PushedLayer layer) {
    return new JsonObject()
        .put("diffId", layer.diffId().toString())
        .put("digest", layer.blob().digest().toString())
        .put("stage", word(layer.stage()))
        .put("bytes", layer.bytes())
        .put("totalBytes", layer.blob().size());
  }

  /** What it says stays out of messages. */
  private static RegistryAuth auth(JsonObject request) {
    if (!request.containsKey("auth")) {
      return RegistryAuth.anonymous();
    }
    if (!(request.getValue("auth") instanceof JsonObject auth)
        || !AUTH_FIELDS.containsAll(auth.fieldNames())
        || !auth.stream().allMatch(field -> field.getValue() instanceof String)) {
      throw FaultException.invalid(
          "the request's auth is not an object of the texts %s", AUTH_FIELDS);
    }
    return RegistryAuth.of(
        "",
        auth.getString("username", ""),
        auth.getString("password", ""),
        "",
        "",
        auth.getString("identityToken", ""),
        auth.getString("registryToken", ""));
  }

  private static Path absolute(String text) {
    Path path = Path.of(text);
    if (!path.isAbsolute()) {
      throw FaultException.invalid("the path %s is not absolute", text);
    }
    return path;
  }

  private static Optional<Compression> compression(JsonObject request) {
    if (!request.containsKey("compression")) {
      if (request.containsKey("level")) {
        throw FaultException.invalid("the request has a level and no compression");
      }
      return Optional.empty();
    }
    Compression.Kind kind =
        constant(Compression.Kind.class, JsonRequest.text(request, "compression"), "compression");
    if (!request.containsKey("level")) {
      return Optional.of(Compression.of(kind));
    }
    if (!(request.getValue("level") instanceof Integer level)) {
      throw FaultException.invalid("the request's level is not a whole number");
    }
    return Optional.of(new Compression(kind, level));
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String word, String field) {
    for (E candidate : type.getEnumConstants()) {
      if (word(candidate).equals(word)) {
        return candidate;
      }
    }
    throw FaultException.invalid(
        "the request's %s is none of %s",
        field,
        Arrays.stream(type.getEnumConstants())
            .map(ImageVerbs::word)
            .collect(Collectors.joining(", ")));
  }

  private static List<String> texts(JsonObject request, String field) {
    if (!(request.getValue(field) instanceof JsonArray list)
        || list.isEmpty()
        || !list.stream().allMatch(String.class::isInstance)) {
      throw FaultException.invalid("the request lacks %s, a list of texts", field);
    }
    return list.stream().map(String.class::cast).toList();
  }

  /** From a path of the host, or from the request's body. */
  private void importArchive(RoutingContext context, Routes routes) {
    Optional<String> name = context.queryParam("name").stream().findFirst();
    Optional<String> path = context.queryParam("path").stream().findFirst();
    if (path.isPresent()) {
      routes.lines(
          context,
          (report, cancellation) ->
              imported(new ImportRequest(absolute(path.get()), name), report, cancellation));
      return;
    }
    Path spool =
        operations
            .scratchDirectory()
            .resolve("upload-" + Long.toHexString(System.nanoTime()) + ".tar");
    HttpServerRequest body = context.request().pause();
    context
        .vertx()
        .fileSystem()
        .open(spool.toString(), new OpenOptions().setCreateNew(true).setPerms("rw-------"))
        .compose(body::pipeTo)
        .onComplete(
            _ -> importSpooled(ImportRequest.uploaded(spool, name), context, routes),
            failure -> {
              // What is still to come is read, and goes nowhere: a client that writes hears
              // nothing.
              body.resume();
              delete(spool);
              routes.answer(
                  context,
                  _ -> {
                    throw new FaultException(
                        Fault.RESOURCE_EXHAUSTED,
                        "import: the archive cannot be stored: " + failure.getMessage(),
                        failure);
                  });
            });
  }

  private void importSpooled(ImportRequest request, RoutingContext context, Routes routes) {
    boolean begun =
        routes.lines(
            context,
            (report, cancellation) -> {
              try {
                return imported(request, report, cancellation);
              } finally {
                delete(request.source());
              }
            });
    if (!begun) {
      delete(request.source());
    }
  }

  private JsonObject imported(
      ImportRequest request, Consumer<JsonObject> report, Cancellation cancellation) {
    List<Image> found =
        images.importArchive(
            request,
            cancellation,
            progress ->
                report.accept(new JsonObject().put("progress", ImagesDocument.progress(progress))));
    JsonArray items = new JsonArray();
    found.forEach(image -> items.add(ImagesDocument.image(image)));
    return new JsonObject().put("images", items);
  }

  private static void delete(Path spool) {
    try {
      Files.deleteIfExists(spool);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Routes.LongWork verify(RoutingContext context) {
    return (report, cancellation) -> {
      JsonObject request = JsonRequest.of(context, Set.of("image", "repair"));
      VerifyRequest wanted =
          new VerifyRequest(
              request.containsKey("image")
                  ? Optional.of(JsonRequest.text(request, "image"))
                  : Optional.empty(),
              flag(request, "repair"),
              RegistryAuth.anonymous());
      List<LayerCheck> all =
          operations.verify(
              wanted,
              cancellation,
              check -> report.accept(new JsonObject().put("layer", check(check))));
      JsonObject counts = new JsonObject();
      for (LayerCheck.Verdict verdict : LayerCheck.Verdict.values()) {
        counts.put(word(verdict), all.stream().filter(check -> check.verdict() == verdict).count());
      }
      return counts;
    };
  }

  private static JsonObject check(LayerCheck check) {
    return new JsonObject()
        .put("diffId", check.diffId().toString())
        .put("bytes", check.bytes())
        .put("verdict", word(check.verdict()))
        .put("detail", check.detail());
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static boolean flag(JsonObject request, String field) {
    if (!(request.getValue(field, false) instanceof Boolean flag)) {
      throw FaultException.invalid("the request's %s is not true or false", field);
    }
    return flag;
  }
}
