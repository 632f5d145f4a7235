package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttentionTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  private static Map<String, Object> json(String... args) throws IOException {
    var file = folder.resolve("a.json");
    var all = new String[args.length + 5];
    System.arraycopy(new String[] {"attention", "-m", tiny, "-o", file.toString()}, 0, all, 0, 5);
    System.arraycopy(args, 0, all, 5, args.length);
    assertThat(tenon(all).succeeded().out()).isEmpty();
    return Json.object(Files.readString(file));
  }

  private static List<?> at(Object array, int... indices) {
    for (int index : indices) {
      array = ((List<?>) array).get(index);
    }
    return (List<?>) array;
  }

  @Test
  void aTokenLooksAtThoseUpToItself() throws IOException {
    var json = json("--tokens", "1,5,6,7");

    assertThat(json).containsEntry("ids", List.of(1L, 5L, 6L, 7L));
    for (var layer : at(json.get("attentions"))) {
      for (var head : (List<?>) layer) {
        for (int to = 0; to < 4; to++) {
          var row = at(head, to);
          assertThat(row).hasSize(4);
          double sum = 0;
          for (int from = 0; from < 4; from++) {
            double weight = (Double) row.get(from);
            assertThat(weight)
                .as("%d to %d of %s", to, from, head)
                .isBetween(0.0, from <= to ? 1.0 : 0.0);
            sum += weight;
          }
          assertThat(sum).isEqualTo(1, within(1e-4));
        }
      }
    }
  }

  @Test
  void someLayersAndHeadsCanBeChosen() throws IOException {
    var all = json("--tokens", "1,5,6,7");
    var heads = at(all.get("heads"));
    var layers = at(all.get("layers"));
    int head = heads.size() - 1;
    int layer = layers.size() - 1;

    var some = json("--tokens", "1,5,6,7", "--layers", layer + "-99", "--heads", "" + head);

    assertThat(some)
        .containsEntry("layers", List.of((long) layer))
        .containsEntry("heads", List.of((long) head));
    assertThat(at(some.get("attentions"), 0, 0)).isEqualTo(at(all.get("attentions"), layer, head));
  }

  @Test
  void theEndingSaysWhatIsWritten() throws IOException {
    var page = folder.resolve("a.HTML");
    tenon("attention", "-m", tiny, "ab", "-o", page.toString()).succeeded();
    assertThat(page).content().startsWith("<!DOCTYPE html>").contains("id=\"decoder-0\"");

    var npz = folder.resolve("a.npz");
    tenon("attention", "-m", tiny, "ab", "-o", npz.toString()).succeeded();
    try (var zip = new ZipFile(npz.toFile())) {
      assertThat(zip.stream().map(entry -> entry.getName()))
          .containsExactlyInAnyOrder(
              "attentions.npy", "layers.npy", "heads.npy", "tokens.npy", "ids.npy");
    }
  }

  @Test
  void whatCannotBeIsOneLineAndNothingIsWritten() throws IOException {
    var file = folder.resolve("never.json").toString();
    tenon("attention", "-m", tiny, "--tokens", "1,999999", "-o", file)
        .failed("token 999999 is outside the vocabulary");
    tenon("attention", "-m", tiny, "--tokens", "", "-o", file).failed("no token to look at");
    tenon("attention", "-m", tiny, "a", "--layers", "99", "-o", file)
        .failed("none of these layers and heads");
    tenon("attention", "-m", tiny, "a", "--decoder-tokens", "1", "-o", file)
        .refused("--decoder-tokens: ");
    tenon("attention", "-m", tiny, "a", "--target", "b", "-o", file).refused("--target: ");
    tenon("attention", "-m", tiny, "--tokens", "1", "--token-types", "0", "-o", file)
        .refused("is a decoder");
    assertThat(Path.of(file)).doesNotExist();
    try (var files = Files.list(folder)) {
      assertThat(files.map(each -> each.getFileName().toString()))
          .noneMatch(name -> name.endsWith(".tmp"));
    }
  }
}
