package dev.molo.image.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.Cancellation;
import dev.molo.image.ExternalProgram;
import dev.molo.image.Quoted;
import dev.molo.image.Reference;
import dev.molo.image.content.Descriptor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The programs of a folder, called as containerd calls its own (containerd,
 * docs/image-verification.md): {@code -name REFERENCE -digest DIGEST -stdin-media-type TYPE}, the
 * image's descriptor as JSON on standard input; exit code 0 admits, standard output tells why. One
 * that cannot be run or takes too long refuses. Thread-safe.
 */
final class Verifiers {
  private static final Logger LOG = LoggerFactory.getLogger(Verifiers.class);
  private static final String DESCRIPTOR = "application/vnd.oci.descriptor.v1+json";

  /** Programs that run at once, for all pulls: they use the node's memory. */
  private static final int AT_ONCE = 4;

  private final AdmissionSettings settings;
  private final Semaphore room = new Semaphore(AT_ONCE);

  Verifiers(AdmissionSettings settings) {
    this.settings = settings;
  }

  List<Judgement> judge(Reference reference, Descriptor image, Cancellation cancellation) {
    List<Judgement> judgements = new ArrayList<>();
    for (Path program : programs()) {
      Judgement judgement = ask(program, reference, image, cancellation);
      judgements.add(judgement);
      if (!judgement.admitted()) {
        break;
      }
    }
    return judgements;
  }

  private List<Path> programs() {
    try (Stream<Path> files = Files.list(settings.verifiers())) {
      List<Path> all = files.filter(file -> !Files.isDirectory(file)).sorted().toList();
      int asked = Math.min(all.size(), settings.maxVerifiers());
      if (asked < all.size()) {
        LOG.warn(
            "policy.maxVerifiers is {}: not asked are {}", asked, all.subList(asked, all.size()));
      }
      return all.subList(0, asked);
    } catch (NoSuchFileException e) {
      // Nobody has installed a verifier.
      return List.of();
    } catch (IOException e) {
      throw new FaultException(
          Fault.FAILED_PRECONDITION,
          "verifiers: " + settings.verifiers() + " cannot be read: " + e,
          e);
    }
  }

  private Judgement ask(
      Path program, Reference reference, Descriptor image, Cancellation cancellation) {
    String name = program.getFileName().toString();
    List<String> arguments =
        List.of(
            "-name",
            reference.toString(),
            "-digest",
            image.digest().toString(),
            "-stdin-media-type",
            DESCRIPTOR);
    try {
      ExternalProgram.Outcome outcome = run(program, arguments, json(image), cancellation);
      if (!outcome.errors().isBlank()) {
        LOG.debug("verifier {} on {}: {}", name, reference, Quoted.plain(outcome.errors()));
      }
      String said = Quoted.plain(outcome.output().strip().replaceAll("\\s+", " "));
      return outcome.exitCode() == 0
          ? new Judgement(name, true, said)
          : new Judgement(
              name, false, said.isEmpty() ? "it exits with " + outcome.exitCode() : said);
    } catch (FaultException e) {
      cancellation.check();
      return new Judgement(name, false, e.getMessage());
    }
  }

  private ExternalProgram.Outcome run(
      Path program, List<String> arguments, byte[] input, Cancellation cancellation) {
    try {
      room.acquire();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(Fault.CANCELLED, "interrupted while waiting for " + program, e);
    }
    try {
      cancellation.check();
      return new ExternalProgram(program, arguments, settings.limit()).run(input, cancellation);
    } finally {
      room.release();
    }
  }

  private static byte[] json(Descriptor image) {
    ObjectMapper mapper = new ObjectMapper();
    try {
      return mapper
          .writeValueAsString(
              mapper
                  .createObjectNode()
                  .put("mediaType", image.mediaType())
                  .put("digest", image.digest().toString())
                  .put("size", image.size()))
          .getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a node of strings and numbers can always be written", e);
    }
  }
}
