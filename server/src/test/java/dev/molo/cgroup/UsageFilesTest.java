package dev.molo.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class UsageFilesTest {
  private static final String STAT =
      "anon 4096\nfile 8192\ninactive_anon 1\nactive_anon 2\ninactive_file 3\npgfault 44\n";

  @Test
  void aKeyIsFoundWhole() {
    FlatKeys keys = FlatKeys.of(STAT);
    assertThat(keys.get("anon")).hasValue(4096);
    assertThat(keys.get("inactive_file")).hasValue(3);
    assertThat(keys.get("pgfault")).hasValue(44);
  }

  @Test
  void aPartOfAKeyIsNoKey() {
    assertThat(FlatKeys.of(STAT).get("inactive")).isEmpty();
    assertThat(FlatKeys.of(STAT).get("fault")).isEmpty();
    assertThat(FlatKeys.of("").get("anon")).isEmpty();
    assertThat(FlatKeys.of("anon").get("anon")).isEmpty();
  }

  @Test
  void ioIsSummedOverDevices() {
    IoTotals io =
        IoTotals.of(
            "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n"
                + "253:1 rbytes=5 wbytes=7 rios=1 wios=2 dbytes=0 dios=0\n");
    assertThat(io).isEqualTo(new IoTotals(OptionalLong.of(15), OptionalLong.of(27)));
    assertThat(IoTotals.of("")).isEqualTo(new IoTotals(OptionalLong.empty(), OptionalLong.empty()));
  }

  @Test
  void noLimitIsNoNumber() {
    assertThat(Numbers.parse("max\n")).isEmpty();
    assertThat(Numbers.parse("")).isEmpty();
    assertThat(Numbers.parse("18446744073709551615\n")).hasValue(Long.MAX_VALUE);
    assertThat(Numbers.parse("12\n")).hasValue(12);
  }

  @Property
  void whateverTheKernelPrintsIsReadBack(@ForAll long number, @ForAll String noise) {
    long printed = number & Long.MAX_VALUE;
    FlatKeys keys = FlatKeys.of("x_key 1\nkey " + printed + "\n" + noise);
    assertThat(keys.get("key")).hasValue(printed);
  }
}
