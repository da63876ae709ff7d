package dev.molo.launch;

import dev.molo.linux.Fd;
import java.util.List;

/**
 * A launch plan with the descriptors that were opened for it. To be closed once the plan has been
 * sent (the kernel copies what it sends), or when it will not be.
 *
 * @param plan for {@code PodSupervisor.start} or {@code exec}
 * @param opened mounts that belong to this object; they vanish with it unless they were sent
 * @param warnings what will be otherwise than asked, for the container's verbose status and the log
 */
public record Launch(LaunchPlan plan, List<Fd> opened, List<String> warnings)
    implements AutoCloseable {
  public Launch {
    opened = List.copyOf(opened);
    warnings = List.copyOf(warnings);
  }

  @Override
  public void close() {
    opened.forEach(Fd::close);
  }
}
