package dev.molo.cri;

import dev.molo.cri.v1.AuthConfig;
import dev.molo.cri.v1.PullImageRequest;
import dev.molo.cri.v1.PullImageResponse;
import dev.molo.image.Cancellation;
import dev.molo.image.Image;
import dev.molo.image.Images;
import dev.molo.image.PullRequest;
import dev.molo.image.Reference;
import dev.molo.image.RegistryAuth;
import dev.molo.pod.CallerPresence;

/**
 * PullImage: brings an image here. Ends when the client hangs up or its deadline passes, and leaves
 * finished layers for the next attempt.
 */
record PullImageCall(Images images) implements UnaryCall<PullImageRequest, PullImageResponse> {
  @Override
  public PullImageResponse answer(PullImageRequest request, Caller caller) {
    String reference = request.getImage().getImage();
    RegistryAuth auth = auth(Reference.parse(reference).registry(), request.getAuth());
    PullRequest pull =
        new PullRequest(
            reference,
            auth,
            request.getImage().getAnnotationsMap(),
            request.getImage().getRuntimeHandler());
    try (Cancellation cancellation = Cancellation.create()) {
      CallerPresence.Registration presence =
          caller.onGone(() -> cancellation.cancel("pull of " + Shown.quoted(reference)));
      Image image;
      try {
        image = images.pull(pull, cancellation);
      } finally {
        presence.close();
      }
      return PullImageResponse.newBuilder().setImageRef(image.id().toString()).build();
    }
  }

  private static RegistryAuth auth(String registry, AuthConfig auth) {
    return RegistryAuth.of(
        registry,
        auth.getUsername(),
        auth.getPassword(),
        auth.getAuth(),
        auth.getServerAddress(),
        auth.getIdentityToken(),
        auth.getRegistryToken());
  }
}
