package dev.molo.cgroup;

import dev.molo.fault.FaultException;
import dev.molo.spec.Resources;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * A container's resources as the files of cgroup v2 that carry them, in the order in which they are
 * written, checked before the kernel sees them.
 */
final class Limits {
  private static final long PERIOD_DEFAULT = 100_000;
  private static final long PERIOD_MIN = 1_000;
  private static final long PERIOD_MAX = 1_000_000;
  private static final long QUOTA_MIN = 1_000;
  private static final int UNIFIED_VALUE_MAX = 4096;
  private static final Pattern CPU_LIST = Pattern.compile("[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*");
  private static final Pattern PAGE_SIZE = Pattern.compile("[1-9][0-9]{0,5}(KB|MB|GB)");
  private static final Pattern UNIFIED_FILE =
      Pattern.compile("(cpu|cpuset|memory|pids|hugetlb|io|rdma|misc)(\\.[A-Za-z0-9_-]+)+");
  private static final Pattern UNIFIED_CORE = Pattern.compile("cgroup\\.max\\.(depth|descendants)");

  private Limits() {}

  /**
   * One file to write.
   *
   * @param field the request's field, for messages
   * @param required whether a host without the file cannot give what was asked; false where its
   *     absence changes nothing (a value that means "no limit")
   */
  record Setting(String file, String value, String field, boolean required) {
    /** The controller that offers the file; "cgroup" for the core's own. */
    String controller() {
      return file.substring(0, file.indexOf('.'));
    }
  }

  /** What a new container's resources come to. */
  static List<Setting> of(Resources resources, OptionalLong pidsLimit) {
    Map<String, Setting> settings = new LinkedHashMap<>();
    pidsLimit.ifPresent(
        pids -> put(settings, "pids.max", Long.toString(pids), "cgroup.pidsLimit", true));
    cpu(resources, settings);
    memory(resources, settings);
    cpuset(resources, settings);
    resources.hugepageLimits().forEach(limit -> hugetlb(limit, settings));
    unified(resources, settings);
    return List.copyOf(new ArrayList<>(settings.values()));
  }

  private static void cpu(Resources resources, Map<String, Setting> settings) {
    long shares = resources.cpuShares();
    if (shares < 0) {
      throw invalid("cpu_shares", "must not be negative, is " + shares);
    }
    if (shares > 0) {
      long weight = CpuWeight.ofShares(shares);
      boolean limits = weight != CpuWeight.DEFAULT;
      put(settings, "cpu.weight", Long.toString(weight), "cpu_shares", limits);
    }
    long period = resources.cpuPeriod();
    if (period != 0 && (period < PERIOD_MIN || period > PERIOD_MAX)) {
      throw invalid("cpu_period", "must be 1000 to 1000000 microseconds, is " + period);
    }
    long quota = resources.cpuQuota();
    if (quota == 0) {
      return;
    }
    if (quota > 0 && quota < QUOTA_MIN) {
      throw invalid("cpu_quota", "must be at least 1000 microseconds, is " + quota);
    }
    String most = quota < 0 ? "max" : Long.toString(quota);
    String every = Long.toString(period == 0 ? PERIOD_DEFAULT : period);
    put(settings, "cpu.max", most + " " + every, "cpu_quota", quota > 0);
  }

  private static void memory(Resources resources, Map<String, Setting> settings) {
    long limit = resources.memoryLimit();
    long both = resources.memorySwapLimit();
    if (limit < -1) {
      throw invalid("memory_limit_in_bytes", "must not be negative, is " + limit);
    }
    if (both < -1) {
      throw invalid("memory_swap_limit_in_bytes", "must be -1 or more, is " + both);
    }
    if (limit == -1) {
      put(settings, "memory.max", "max", "memory_limit_in_bytes", false);
    }
    if (limit > 0) {
      put(settings, "memory.max", Long.toString(limit), "memory_limit_in_bytes", true);
    }
    swap(limit, both, settings);
  }

  /** CRI's swap limit counts memory too, the kernel's does not. */
  private static void swap(long limit, long both, Map<String, Setting> settings) {
    String field = "memory_swap_limit_in_bytes";
    if (both == -1) {
      put(settings, "memory.swap.max", "max", field, false);
      return;
    }
    if (both == 0) {
      if (limit > 0) {
        // a container with a memory limit does not swap unless it asks to, as with other runtimes
        put(settings, "memory.swap.max", "0", field, false);
      }
      return;
    }
    if (limit <= 0) {
      throw invalid(field, "needs memory_limit_in_bytes, of which it is a part");
    }
    if (both < limit) {
      throw invalid(field, "is less than memory_limit_in_bytes: " + both + " < " + limit);
    }
    put(settings, "memory.swap.max", Long.toString(both - limit), field, both > limit);
  }

  private static void cpuset(Resources resources, Map<String, Setting> settings) {
    list("cpuset_cpus", "cpuset.cpus", resources.cpusetCpus(), settings);
    list("cpuset_mems", "cpuset.mems", resources.cpusetMems(), settings);
  }

  private static void list(String field, String file, String value, Map<String, Setting> settings) {
    if (value.isEmpty()) {
      return;
    }
    if (value.length() > UNIFIED_VALUE_MAX || !CPU_LIST.matcher(value).matches()) {
      throw invalid(field, "must be a list such as 0-3,8");
    }
    put(settings, file, value, field, true);
  }

  private static void hugetlb(Resources.HugepageLimit limit, Map<String, Setting> settings) {
    String field = "hugepage_limits[" + limit.pageSize() + "]";
    if (!PAGE_SIZE.matcher(limit.pageSize()).matches()) {
      throw invalid("hugepage_limits.page_size", "must be as 2MB or 1GB");
    }
    String value = Long.toUnsignedString(limit.limit());
    // the kubelet fills in 0 for every size it knows: nothing is lost where pages cannot be counted
    boolean required = limit.limit() != 0;
    put(settings, "hugetlb." + limit.pageSize() + ".max", value, field, required);
    put(settings, "hugetlb." + limit.pageSize() + ".rsvd.max", value, field, false);
  }

  private static void unified(Resources resources, Map<String, Setting> settings) {
    resources.unified().entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> {
          String file = checkedFile(entry.getKey());
          String field = "unified[" + file + "]";
          put(settings, file, checkedValue(field, entry.getValue()), field, true);
        });
  }

  private static String checkedFile(String file) {
    boolean known =
        file.length() <= 64
            && (UNIFIED_FILE.matcher(file).matches() || UNIFIED_CORE.matcher(file).matches());
    if (!known) {
      throw invalid("unified", "a key must be a cgroup v2 file such as memory.high");
    }
    return file;
  }

  private static String checkedValue(String field, String value) {
    boolean plain = value.chars().allMatch(c -> c == '\n' || (c >= 0x20 && c < 0x7f));
    if (value.isEmpty() || value.length() > UNIFIED_VALUE_MAX || !plain) {
      throw invalid(field, "must be 1 to 4096 printable ASCII characters");
    }
    return value;
  }

  private static void put(
      Map<String, Setting> settings, String file, String value, String field, boolean required) {
    // the unified map comes last: what it says about a file replaces what the fields say
    settings.remove(file);
    settings.put(file, new Setting(file, value, field, required));
  }

  private static FaultException invalid(String field, String why) {
    return FaultException.invalid("linux.resources.%s %s", field, why);
  }
}
