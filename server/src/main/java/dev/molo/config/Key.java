package dev.molo.config;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What a key of the configuration means and which values it takes. Read when a configuration file
 * sets the key and when docs/configuration.md is checked, never on a start without files.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Key {
  /** One or two sentences for docs/configuration.md. */
  String value();

  /** The unit of a plain number; empty when it counts things or has none. */
  String unit() default "";

  /** The least number (of bytes, of milliseconds for a duration) that is accepted. */
  long min() default 0;

  /** The greatest. */
  long max() default Long.MAX_VALUE;

  /** The default in words, where it follows from another value. */
  String derived() default "";
}
