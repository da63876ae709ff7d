package dev.molo.linux;

import java.util.function.Predicate;

/** This process's own address space. Thread-safe. */
public interface Memory {

  /**
   * Gives back the pages of mapped files that were read and never written: madvise(2) with
   * MADV_DONTNEED on every private, read-only mapping of a file that {@code which} accepts. A page
   * that is needed again comes from the page cache by a minor fault, so nothing but a moment is
   * lost. A mapping that holds a page of its own (the kernel's smaps says so: it was written before
   * it was made read-only) is left alone, for there the page would be lost.
   *
   * @param which told the path of each mapped file, as /proc/self/smaps has it
   * @return how many bytes of such pages were resident before
   */
  long releaseCleanPages(Predicate<String> which);
}
