package dev.molo.app.cli;

import dev.molo.cri.v1.AuthConfig;
import dev.molo.cri.v1.ImageSpec;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.image.Reference;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Pulls an image. */
@Command(
    name = "pull",
    header = "Pull an image.",
    description = {
      "",
      "On a terminal the progress of each layer is shown, where the daemon is molo.",
      ""
    })
final class PullCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private ConnectionOptions connection;
  @Mixin private OutputOptions output;
  @Mixin private RemoteImage image;

  @Override
  public Integer call() {
    long began = System.nanoTime();
    PullImageRequest request = request();
    try (CriClient client = connection.connect()) {
      String ref = pull(client, request);
      long millis = (System.nanoTime() - began) / 1_000_000;
      show(ref, millis);
    }
    return ExitCode.OK;
  }

  private String pull(CriClient client, PullImageRequest request) {
    boolean watched = !output.json() && StandardStreams.errorIsTerminal();
    if (!watched || !Files.exists(connection.apiSocket())) {
      return client.imagesWithoutDeadline().pullImage(request).getImageRef();
    }
    String own = Reference.parse(image.name()).orLatest().toString();
    try (ApiClient api = connection.api();
        PullProgressView _ = PullProgressView.show(api, own::equals)) {
      return client.imagesWithoutDeadline().pullImage(request).getImageRef();
    }
  }

  private PullImageRequest request() {
    PullImageRequest.Builder request =
        PullImageRequest.newBuilder()
            .setImage(
                ImageSpec.newBuilder().setImage(image.name()).setUserSpecifiedImage(image.name()));
    image
        .login()
        .ifPresent(who ->
            request.setAuth(
                AuthConfig.newBuilder().setUsername(who.username()).setPassword(who.password())));
    return request.build();
  }

  private void show(String ref, long millis) {
    PrintWriter out = spec.commandLine().getOut();
    if (output.json()) {
      Map<String, Object> facts = new LinkedHashMap<>();
      facts.put("image", image.name());
      facts.put("id", ref);
      facts.put("milliseconds", millis);
      out.println(JsonText.of(facts));
    } else {
      out.println("%s %s in %.1f s".formatted(image.name(), Shown.briefId(ref), millis / 1000.0));
    }
  }
}
