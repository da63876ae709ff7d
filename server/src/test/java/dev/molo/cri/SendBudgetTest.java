package dev.molo.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.molo.fault.Fault;
import dev.molo.fault.FaultException;
import io.grpc.Context;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class SendBudgetTest {
  private static final int BYTES = 1 << 20;

  private final SendBudget budget = new SendBudget(BYTES, Duration.ZERO);
  private final Caller caller = new Caller(Context.ROOT);

  @Test
  void smallAnswersAreNotCounted() {
    budget.reserve(SendBudget.LARGE - 1, caller);
    assertThat(budget.available()).isEqualTo(BYTES);
  }

  @Test
  void shareGoesBackWhenTheCallIsOverAndOnlyOnce() {
    budget.reserve(BYTES, caller);
    assertThat(budget.available()).isZero();
    caller.served();
    caller.served();
    assertThat(budget.available()).isEqualTo(BYTES);
  }

  @Test
  void answerOverTheWholeBudgetGoesAlone() {
    budget.reserve(5 * BYTES, caller);
    assertThat(budget.available()).isZero();
  }

  @Test
  void waitingForSlowClientsHasAnEnd() {
    budget.reserve(BYTES, caller);
    FaultException failure =
        catchThrowableOfType(
            FaultException.class, () -> budget.reserve(BYTES, new Caller(Context.ROOT)));
    assertThat(failure.kind()).isEqualTo(Fault.RESOURCE_EXHAUSTED);
  }

  @Test
  void waitingEndsWhenTheClientHasGone() {
    budget.reserve(BYTES, caller);
    Context.CancellableContext context = Context.ROOT.withCancellation();
    context.cancel(null);
    FaultException failure =
        catchThrowableOfType(
            FaultException.class, () -> budget.reserve(BYTES, new Caller(context)));
    assertThat(failure.kind()).isEqualTo(Fault.CANCELLED);
  }

  @Test
  void largeRequestsGiveTheirShareBackWithTheirCall() {
    LargeRequests large = new LargeRequests(Duration.ZERO);
    Context.CancellableContext call = Context.ROOT.withCancellation();
    large.admit(LargeRequests.LARGE - 1, call);
    assertThat(large.held()).isZero();
    large.admit(LargeRequests.BUDGET / 2, call);
    large.admit(LargeRequests.BUDGET / 2, call);
    FaultException failure =
        catchThrowableOfType(
            FaultException.class, () -> large.admit(LargeRequests.LARGE, Context.ROOT));
    assertThat(failure.kind()).isEqualTo(Fault.RESOURCE_EXHAUSTED);
    call.cancel(null);
    assertThat(large.held()).isZero();
  }
}
