package dev.molo.cri;

import com.google.protobuf.MessageLite;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Function;

/**
 * Cuts a list into portions for a stream: as many items as fit, at least one. An item's message is
 * made when its portion is. For one thread.
 *
 * @param <T> a domain object
 * @param <M> its message
 * @param <R> a portion
 */
final class Portions<T, M extends MessageLite, R> implements Iterator<R> {
  /** Bytes of a portion, more or less: a few hundred objects, well below any client's limit. */
  static final int PORTION_BYTES = 64 << 10;

  private final Iterator<T> objects;
  private final Function<T, M> message;
  private final Function<List<M>, R> portion;

  Portions(Iterable<T> objects, Function<T, M> message, Function<List<M>, R> portion) {
    this.objects = objects.iterator();
    this.message = message;
    this.portion = portion;
  }

  @Override
  public boolean hasNext() {
    return objects.hasNext();
  }

  @Override
  public R next() {
    if (!objects.hasNext()) {
      throw new NoSuchElementException();
    }
    List<M> items = new ArrayList<>();
    int bytes = 0;
    do {
      M item = message.apply(objects.next());
      items.add(item);
      bytes += item.getSerializedSize();
    } while (bytes < PORTION_BYTES && objects.hasNext());
    return portion.apply(items);
  }
}
