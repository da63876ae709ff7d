package dev.molo.image;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import dev.molo.image.content.Blob;
import dev.molo.image.content.Compression;
import dev.molo.image.content.Content;
import dev.molo.image.content.Descriptor;
import dev.molo.image.content.MediaTypes;
import dev.molo.image.layer.Waiting;
import dev.molo.image.registry.PushSession;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * One push. Layers go in parallel; each is uploaded only when neither the repository has it nor the
 * registry can take it from another of its repositories. The manifest comes last.
 */
final class ImagePush {
  /** Packing takes a processor, uploading a connection. */
  private static final int AT_ONCE = 3;

  /** A layer tells how far it is ten times a second at most. */
  private static final long INTERVAL_NANOS = 100_000_000;

  private final LayerPacker packer;
  private final PushSession session;
  private final Reference target;
  private final Optional<Compression> compression;
  private final Cancellation cancellation;
  private final Consumer<PushedLayer> listener;
  private final Semaphore room = new Semaphore(AT_ONCE);

  ImagePush(
      LayerPacker packer,
      PushSession session,
      Reference target,
      Optional<Compression> compression,
      Cancellation cancellation,
      Consumer<PushedLayer> listener) {
    this.packer = packer;
    this.session = session;
    this.target = target;
    this.compression = compression;
    this.cancellation = cancellation;
    this.listener = listener;
  }

  /** Pushes an image whose layers the caller holds. */
  PushedImage run(ImageRecord record) {
    Map<Digest, Descriptor> originals = PackedImage.originals(record);
    Map<Digest, CompletableFuture<PushedLayer>> under = new LinkedHashMap<>();
    try (Cancellation group = Cancellation.create();
        Cancellation.Registration _ =
            cancellation.onCancel(() -> group.cancel(cancellation.reason().orElseThrow()))) {
      for (Digest diffId : record.document().diffIds()) {
        under.computeIfAbsent(
            diffId, d -> start(record, d, Optional.ofNullable(originals.get(d)), group));
      }
      List<PushedLayer> layers = awaitAll(under, group);
      Map<Digest, Descriptor> blobs = new LinkedHashMap<>();
      layers.forEach(layer -> blobs.put(layer.diffId(), layer.blob()));
      upload(new Document(MediaTypes.OCI_CONFIG, record.id().digest(), record.config()));
      PackedImage packed = PackedImage.of(record, blobs);
      session.manifest(packed.descriptor(), packed.manifest().bytes(), cancellation);
      return new PushedImage(
          target,
          new ExportedImage(
              record.id(),
              List.of(target.toString()),
              Optional.of(packed.descriptor().digest()),
              packed.sameManifest()),
          layers);
    }
  }

  private void upload(Document config) {
    if (!session.has(config.descriptor().digest(), cancellation)) {
      session.upload(config, _ -> {}, cancellation);
    }
  }

  /** The first failure ends the others; it is told once they have ended. */
  private static List<PushedLayer> awaitAll(
      Map<Digest, CompletableFuture<PushedLayer>> under, Cancellation group) {
    List<PushedLayer> layers = new ArrayList<>();
    FaultException failure = null;
    for (CompletableFuture<PushedLayer> one : under.values()) {
      try {
        layers.add(Waiting.on(one, Cancellation.create()));
      } catch (FaultException e) {
        failure = failure == null || failure.kind() == Fault.CANCELLED ? e : failure;
        group.cancel(new FaultException(Fault.CANCELLED, "another layer failed"));
      }
    }
    if (failure != null) {
      throw failure;
    }
    return layers;
  }

  private CompletableFuture<PushedLayer> start(
      ImageRecord record, Digest diffId, Optional<Descriptor> original, Cancellation group) {
    CompletableFuture<PushedLayer> future = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("push " + diffId)
        .start(() -> {
          room.acquireUninterruptibly();
          try {
            PushedLayer done = push(record, diffId, original, group);
            report(done);
            future.complete(done);
          } catch (RuntimeException | Error e) {
            future.completeExceptionally(e);
          } finally {
            room.release();
          }
        });
    return future;
  }

  private PushedLayer push(
      ImageRecord record, Digest diffId, Optional<Descriptor> original, Cancellation group) {
    group.check();
    if (compression.isEmpty() && original.isPresent()) {
      Descriptor blob = original.get();
      if (session.has(blob.digest(), group)) {
        return new PushedLayer(diffId, blob, PushedLayer.Stage.PRESENT, 0);
      }
      for (String repository : siblings(record)) {
        if (session.mount(blob.digest(), repository, group)) {
          return new PushedLayer(diffId, blob, PushedLayer.Stage.MOUNTED, 0);
        }
      }
    }
    report(
        new PushedLayer(
            diffId, original.orElse(packer.plain(diffId)), PushedLayer.Stage.PACKING, 0));
    try (Blob packed = packer.pack(diffId, original, compression, group)) {
      Descriptor blob = packed.descriptor();
      if (session.has(blob.digest(), group)) {
        return new PushedLayer(diffId, blob, PushedLayer.Stage.PRESENT, 0);
      }
      report(new PushedLayer(diffId, blob, PushedLayer.Stage.UPLOADING, 0));
      AtomicLong told = new AtomicLong(System.nanoTime());
      session.upload(
          packed,
          sent -> {
            long now = System.nanoTime();
            if (now - told.get() >= INTERVAL_NANOS) {
              told.set(now);
              report(new PushedLayer(diffId, blob, PushedLayer.Stage.UPLOADING, sent));
            }
          },
          group);
      return new PushedLayer(diffId, blob, PushedLayer.Stage.UPLOADED, blob.size());
    }
  }

  /** Layers report from threads of their own; the listener hears one at a time. */
  private synchronized void report(PushedLayer layer) {
    listener.accept(layer);
  }

  /** Other repositories of the target's registry that the image is known to be in. */
  private List<String> siblings(ImageRecord record) {
    return record.digests().stream()
        .map(Reference::parse)
        .filter(r -> r.registry().equals(target.registry()))
        .map(Reference::repository)
        .filter(repository -> !repository.equals(target.repository()))
        .distinct()
        .toList();
  }

  /** A document in memory. */
  private record Document(String type, Digest digest, Content content) implements Blob {
    @Override
    public Descriptor descriptor() {
      return Descriptor.of(type, digest, content.bytes().length);
    }

    @Override
    public InputStream open() {
      return new ByteArrayInputStream(content.bytes());
    }

    @Override
    public void close() {
      // nothing was made
    }
  }
}
