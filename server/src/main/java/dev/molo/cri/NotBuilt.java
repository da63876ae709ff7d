package dev.molo.cri;

import dev.molo.fault.FaultException;
import java.util.Iterator;

/**
 * A call that this version does not offer: UNIMPLEMENTED, naming what is missing.
 *
 * @param call its name
 * @param missing what there is not, as a sentence's subject
 */
record NotBuilt<Q, R>(String call, String missing) implements UnaryCall<Q, R>, StreamingCall<Q, R> {
  @Override
  public R answer(Q request, Caller caller) {
    throw refusal();
  }

  @Override
  public Iterator<R> portions(Q request, Caller caller) {
    throw refusal();
  }

  private FaultException refusal() {
    return FaultException.unimplemented("%s: %s not built yet", call, missing);
  }
}
