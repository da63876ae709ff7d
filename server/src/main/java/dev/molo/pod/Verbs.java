package dev.molo.pod;

import dev.molo.pod.RuntimeCondition.SlowStage;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * The verbs under way and the step that each of them is at. Makes a slow step visible (Status,
 * {@code molo doctor}) and is the place where a test interrupts a verb at any named step.
 *
 * <p>Thread-safe; one {@link Verb} belongs to one thread at a time.
 */
public final class Verbs {
  private final Set<Verb> underWay = ConcurrentHashMap.newKeySet();
  private final LongSupplier nanosSinceEpoch;
  private final Consumer<String> faultPoint;

  /**
   * @param faultPoint told {@code Verb:step} as each step begins; tests end the process or throw in
   *     it
   */
  public Verbs(LongSupplier nanosSinceEpoch, Consumer<String> faultPoint) {
    this.nanosSinceEpoch = nanosSinceEpoch;
    this.faultPoint = faultPoint;
  }

  /**
   * Begins a verb.
   *
   * @param name as CRI spells it: RunPodSandbox
   * @param object what it works on: "pod 3f2a…"
   */
  Verb begin(String name, String object) {
    Verb verb = new Verb(name, object);
    underWay.add(verb);
    return verb;
  }

  /** Steps that began longer than {@code age} ago, the oldest first. */
  List<SlowStage> olderThan(Duration age) {
    long before = nanosSinceEpoch.getAsLong() - age.toNanos();
    return underWay.stream()
        .map(Verb::stage)
        .filter(stage -> stage.since() < before)
        .sorted(Comparator.comparingLong(SlowStage::since))
        .toList();
  }

  /** How many verbs are under way. */
  int count() {
    return underWay.size();
  }

  /** One call of one verb. Close it when the verb ends, however it ends. */
  final class Verb implements AutoCloseable {
    private final String name;
    private final String object;
    private volatile SlowStage stage;

    private Verb(String name, String object) {
      this.name = name;
      this.object = object;
      this.stage = new SlowStage(object, name, "queue", nanosSinceEpoch.getAsLong(), "lane");
    }

    /**
     * A step begins; the one before has ended.
     *
     * @param step named as the code does it: "spawn supervisor"
     */
    void step(String step) {
      step(step, "");
    }

    /**
     * @param waitsFor what the step may hang on, for whoever looks at a slow one
     */
    void step(String step, String waitsFor) {
      stage = new SlowStage(object, name, step, nanosSinceEpoch.getAsLong(), waitsFor);
      faultPoint.accept(name + ":" + step);
    }

    private SlowStage stage() {
      return stage;
    }

    @Override
    public void close() {
      underWay.remove(this);
    }
  }
}
